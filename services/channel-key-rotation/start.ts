// How a rotation begins: because somebody wants it, or because the key of a place is older than its channel's keys may be. Of a channel one at a time.
import type { Pool, PoolClient } from 'pg';
import { newRotation } from '../../domain/channel-key-stages.ts';
import { TollgateError } from '../../domain/errors.ts';
import { type Author, type WrittenAudit, writeAudit } from '../audit/audit.ts';
import { type Channel, lockedChannel } from '../channels/channels.ts';
import { hasAdminKey } from '../channels/provider-admin.ts';
import { newId } from '../platform/ids.ts';
import { inTransaction } from '../platform/postgres.ts';
import { channelKeyRotationWorkflowId, pokeProcess } from '../processes/poke.ts';
import { billingNow } from '../subscriptions/turn.ts';
import { baselineOf } from './observations.ts';
import { mailForKey } from './reminder.ts';
import { foundRotation, insertRotation, openRotationOf, type Rotation } from './rotation-rows.ts';
import { summaryOf } from './turn.ts';

export const ROTATION_ACTOR = 'channel-key-rotation';
/** One that was rolled back by itself would be again at once. */
const NOT_AGAIN_WITHIN = '1 day';

export interface WantedRotation {
  readonly channelId: string;
  readonly slotId: string;
  readonly isEmergency: boolean;
  readonly reason: string;
}

/** @throws TollgateError not_found; conflict while one of the channel goes on, or where the place has no key to replace */
export async function startRotation(
  tx: PoolClient,
  { channelId, slotId, isEmergency, reason }: WantedRotation,
  author: Author,
): Promise<{ readonly rotation: Rotation; readonly audit: WrittenAudit }> {
  const channel = await lockedChannel(tx, channelId);
  const open = await openRotationOf(tx, channelId);
  if (open !== null) throw new TollgateError('conflict', { message: `Rotation ${open.id} of this channel goes on.` });
  const oldKeyId = await keyIn(tx, channel, slotId);
  const begun = {
    origin: (await hasAdminKey(tx, channel)) ? ('made' as const) : ('brought' as const),
    isEmergency,
    baseline: await baselineOf(tx, oldKeyId),
  };
  const state = newRotation(begun, await billingNow(tx));
  const rotation = await insertRotation(tx, { channelId, slotId, oldKeyId, state, startedBy: author.actor });
  const audit = await writeAudit(tx, author, {
    action: 'channel.key_rotation_started',
    targetKind: 'channel',
    targetId: channelId,
    after: summaryOf(rotation),
    reason,
  });
  await pokeProcess(tx, channelKeyRotationWorkflowId(slotId), 'rotate:channel-key', slotId);
  return { rotation, audit };
}

async function keyIn(tx: PoolClient, { id: channelId }: Channel, slotId: string): Promise<string> {
  const { rows } = await tx.query<{ keyId: string | null }>(
    `select (select k.id from channel_keys k where k.slot_id = s.id and k.status = 'active' order by k.created_at desc limit 1) as "keyId"
       from channel_key_slots s where s.id = $1 and s.channel_id = $2`,
    [slotId, channelId],
  );
  const [slot] = rows;
  if (slot === undefined) {
    throw new TollgateError('not_found', { message: `Channel ${channelId} has no place ${slotId}.`, param: 'slotId' });
  }
  if (slot.keyId !== null) return slot.keyId;
  throw new TollgateError('conflict', { message: `Place ${slotId} has no active key that could be replaced.` });
}

interface Due {
  readonly channelId: string;
  readonly slotId: string;
  readonly days: number;
}

/** Of each channel at most one, the oldest first; the next tick finds the others. How many have begun. */
export async function startDueRotations(db: Pool): Promise<number> {
  const { rows } = await db.query<Due>(
    `select distinct on (s.channel_id) s.channel_id as "channelId", s.id as "slotId", s.rotate_after_days as days
       from channel_key_slots s join channels c on c.id = s.channel_id and c.status = 'enabled'
      where s.keyed_at + s.rotate_after_days * interval '1 day' <= billing_now()
        and exists (select from channel_keys k where k.slot_id = s.id and k.status = 'active')
        and not exists (select from channel_key_rotations r where r.channel_id = s.channel_id
                           and (r.ended_at is null or r.slot_id = s.id and r.ended_at > billing_now() - $1::interval))
      order by s.channel_id, s.keyed_at`,
    [NOT_AGAIN_WITHIN],
  );
  let begun = 0;
  for (const { channelId, slotId, days } of rows) begun += Number(await startDue(db, { channelId, slotId, days }));
  return begun;
}

/** False: somebody has begun one meanwhile, or taken the key away. */
async function startDue(db: Pool, { channelId, slotId, days }: Due): Promise<boolean> {
  const author = { actor: ROTATION_ACTOR, requestId: newId() };
  const wanted = { channelId, slotId, isEmergency: false, reason: `the key is older than ${days} days` };
  try {
    await inTransaction(db, async (tx) => {
      const { rotation } = await startRotation(tx, wanted, author);
      if (rotation.state.origin === 'brought') await mailForKey(tx, await foundRotation(tx, rotation.id), 0);
    });
    return true;
  } catch (error) {
    if (error instanceof TollgateError && error.code === 'conflict') return false;
    throw error;
  }
}
