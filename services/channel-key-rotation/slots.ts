// The places of a channel's keys as people keep them in view: how old each key is, how old it may become, when it is changed next, and what came of the
// last change.
import type { PoolClient } from 'pg';
import { TollgateError } from '../../domain/errors.ts';
import { channel } from '../channels/channels.ts';
import { hasKeyApi } from '../channels/provider-admin.ts';
import type { Queryable } from '../platform/postgres.ts';

export interface KeySlot {
  readonly id: string;
  /** The key that is in it; null: none is active. */
  readonly keyId: string | null;
  readonly lastFour: string | null;
  readonly keyedAt: Date;
  readonly ageDays: number;
  /** Null: it is changed only when somebody asks. */
  readonly rotateAfterDays: number | null;
  readonly nextRunAt: Date | null;
  /** The newest, open or not. */
  readonly rotationId: string | null;
  readonly rotationStage: string | null;
  readonly rotationEndedAt: Date | null;
}

const SLOTS = `
  select s.id, k.id as "keyId", k.last_four as "lastFour", s.keyed_at as "keyedAt",
         floor(extract(epoch from billing_now() - s.keyed_at) / 86400)::integer as "ageDays",
         s.rotate_after_days as "rotateAfterDays", s.keyed_at + s.rotate_after_days * interval '1 day' as "nextRunAt",
         r.id as "rotationId", r.stage as "rotationStage", r.ended_at as "rotationEndedAt"
    from channel_key_slots s
    left join lateral (select id, last_four from channel_keys where slot_id = s.id and status = 'active'
                        order by share desc, created_at limit 1) k on true
    left join lateral (select id, stage, ended_at from channel_key_rotations where slot_id = s.id
                        order by began_at desc, id desc limit 1) r on true`;

/** @throws TollgateError not_found */
export async function keyInventory(db: Queryable, channelId: string) {
  const { id, provider } = await channel(db, channelId);
  const { rows: slots } = await db.query<KeySlot>(`${SLOTS} where s.channel_id = $1 order by s.id`, [id]);
  const { rows: admins } = await db.query<{ lastFour: string }>(
    'select last_four as "lastFour" from channel_admin_keys where channel_id = $1',
    [id],
  );
  return { channelId: id, hasKeyApi: hasKeyApi({ provider }), adminKeyLastFour: admins[0]?.lastFour ?? null, slots };
}

/** Also what it was before. @throws TollgateError not_found. The caller holds the channel. */
export async function setPolicy(
  tx: PoolClient,
  channelId: string,
  slotId: string,
  rotateAfterDays: number | null,
): Promise<{ readonly before: KeySlot; readonly after: KeySlot }> {
  const before = await slot(tx, channelId, slotId);
  await tx.query('update channel_key_slots set rotate_after_days = $2 where id = $1', [slotId, rotateAfterDays]);
  return { before, after: await slot(tx, channelId, slotId) };
}

async function slot(tx: PoolClient, channelId: string, slotId: string): Promise<KeySlot> {
  const { rows } = await tx.query<KeySlot>(`${SLOTS} where s.channel_id = $1 and s.id = $2`, [channelId, slotId]);
  const [found] = rows;
  if (found !== undefined) return found;
  throw new TollgateError('not_found', { message: `Channel ${channelId} has no place ${slotId}.`, param: 'slotId' });
}

/** For metrics: how many go on, and how many keys are older than they may be. */
export async function channelKeysStanding(
  db: Queryable,
): Promise<{ readonly open: number; readonly overdueKeys: number }> {
  const { rows } = await db.query<{ open: number; overdueKeys: number }>(
    `select (select count(*) from channel_key_rotations where ended_at is null)::integer as open,
            (select count(*) from channel_key_slots s join channels c on c.id = s.channel_id and c.status = 'enabled'
              where s.keyed_at + (s.rotate_after_days + 1) * interval '1 day' < billing_now()
                and exists (select from channel_keys k where k.slot_id = s.id and k.status = 'active'))::integer as "overdueKeys"`,
  );
  return rows[0] ?? { open: 0, overdueKeys: 0 };
}
