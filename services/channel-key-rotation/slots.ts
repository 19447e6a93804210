// The places of a channel's keys as people keep them in view: how old each key is, how old it may become, when it is changed next, and what came of the
// last change.
import type { PoolClient } from 'pg';
import type { RollBackReason, Stage } from '../../domain/channel-key-stages.ts';
import { TollgateError } from '../../domain/errors.ts';
import type { Channel } from '../channels/channels.ts';
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
  readonly rotationStage: Stage['kind'] | null;
  readonly rotationEndedAt: Date | null;
  /** Why it was taken back, or is being. */
  readonly rotationWhy: RollBackReason | null;
}

export interface KeyInventory {
  readonly channelId: string;
  readonly channelName: string;
  readonly channelStatus: 'enabled' | 'draining' | 'disabled';
  /** Whether we can make and delete keys at this provider. */
  readonly hasKeyApi: boolean;
  /** Null: none is set, so people make and delete them. */
  readonly adminKeyLastFour: string | null;
  readonly slots: readonly KeySlot[];
}

const SLOTS = `
  select s.id, s.channel_id as "channelId", k.id as "keyId", k.last_four as "lastFour", s.keyed_at as "keyedAt",
         floor(extract(epoch from billing_now() - s.keyed_at) / 86400)::integer as "ageDays",
         s.rotate_after_days as "rotateAfterDays", s.keyed_at + s.rotate_after_days * interval '1 day' as "nextRunAt",
         r.id as "rotationId", r.stage as "rotationStage", r.ended_at as "rotationEndedAt",
         r.state #>> '{stage,why}' as "rotationWhy"
    from channel_key_slots s
    left join lateral (select id, last_four from channel_keys where slot_id = s.id and status = 'active'
                        order by share desc, created_at limit 1) k on true
    left join lateral (select id, stage, ended_at, state from channel_key_rotations where slot_id = s.id
                        order by began_at desc, id desc limit 1) r on true`;

type SlotOfChannel = KeySlot & { readonly channelId: string };
type OfChannel = Pick<Channel, 'provider'> & Omit<KeyInventory, 'hasKeyApi' | 'slots'>;

const INVENTORIES = `
  select c.id as "channelId", c.name as "channelName", c.status as "channelStatus", c.provider, a.last_four as "adminKeyLastFour"
    from channels c left join channel_admin_keys a on a.channel_id = c.id`;

/** @throws TollgateError not_found */
export async function keyInventory(db: Queryable, channelId: string): Promise<KeyInventory> {
  const { rows } = await db.query<OfChannel>(`${INVENTORIES} where c.id = $1`, [channelId]);
  const [inventory] = await withSlots(db, rows);
  if (inventory !== undefined) return inventory;
  throw new TollgateError('not_found', { message: `There is no channel ${channelId}.`, param: 'channelId' });
}

/** Of all channels, newest first; `after`: the id of the last one of the page before. */
export async function keyInventories(db: Queryable, after: string | null, pageSize: number): Promise<KeyInventory[]> {
  const { rows } = await db.query<OfChannel>(
    `${INVENTORIES}
      where $1::uuid is null or (c.created_at, c.id) < (select created_at, id from channels where id = $1)
      order by c.created_at desc, c.id desc limit $2`,
    [after, pageSize],
  );
  return withSlots(db, rows);
}

async function withSlots(db: Queryable, channels: readonly OfChannel[]): Promise<KeyInventory[]> {
  const { rows } = await db.query<SlotOfChannel>(`${SLOTS} where s.channel_id = any($1) order by s.id`, [
    channels.map(({ channelId }) => channelId),
  ]);
  return channels.map(({ provider, ...channel }) => ({
    ...channel,
    hasKeyApi: hasKeyApi({ provider }),
    slots: rows.filter(({ channelId }) => channelId === channel.channelId).map(withoutChannel),
  }));
}

function withoutChannel({ channelId: _, ...slot }: SlotOfChannel): KeySlot {
  return slot;
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
  const { rows } = await tx.query<SlotOfChannel>(`${SLOTS} where s.channel_id = $1 and s.id = $2`, [channelId, slotId]);
  const [found] = rows;
  if (found !== undefined) return withoutChannel(found);
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
