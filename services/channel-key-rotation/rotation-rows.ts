// Rotations as rows: the state of domain/channel-key-rotation.ts as JSON, and beside it what others look for them by. Whoever changes one holds its
// channel, of which one rotation at a time is open.
import type { PoolClient } from 'pg';
import { type ChannelKeyRotation, hasEnded } from '../../domain/channel-key-stages.ts';
import { TollgateError } from '../../domain/errors.ts';
import { type Channel, channel, lockedChannel } from '../channels/channels.ts';
import { routingVersion } from '../channels/successor-keys.ts';
import { newId } from '../platform/ids.ts';
import { jsonbText, type Queryable } from '../platform/postgres.ts';

export interface Rotation {
  readonly id: string;
  readonly channelId: string;
  readonly slotId: string;
  readonly oldKeyId: string;
  readonly newKeyId: string | null;
  readonly state: ChannelKeyRotation;
  readonly wakeAt: Date | null;
  /** From it on the keys of the place are routed as they are now. */
  readonly routingVersion: number;
  readonly startedBy: string;
  readonly beganAt: Date;
  readonly endedAt: Date | null;
}

const ROTATIONS = `
  select r.id, r.channel_id as "channelId", r.slot_id as "slotId", r.old_key_id as "oldKeyId", r.new_key_id as "newKeyId", r.state,
         r.wake_at as "wakeAt", r.routing_version::float8 as "routingVersion", r.started_by as "startedBy", r.began_at as "beganAt",
         r.ended_at as "endedAt"
    from channel_key_rotations r`;

/** @throws TollgateError not_found */
export async function rotation(db: Queryable, id: string): Promise<Rotation> {
  const { rows } = await db.query<Rotation>(`${ROTATIONS} where r.id = $1`, [id]);
  const [found] = rows;
  if (found !== undefined) return found;
  throw new TollgateError('not_found', { message: `There is no rotation ${id} of a key.`, param: 'rotationId' });
}

/** Open or not. Null: there was none. */
export async function latestRotationOf(db: Queryable, slotId: string): Promise<Rotation | null> {
  const { rows } = await db.query<Rotation>(
    `${ROTATIONS} where r.slot_id = $1 order by r.began_at desc, r.id desc limit 1`,
    [slotId],
  );
  return rows[0] ?? null;
}

/** Null: none of the channel goes on. */
export async function openRotationOf(db: Queryable, channelId: string): Promise<Rotation | null> {
  const { rows } = await db.query<Rotation>(`${ROTATIONS} where r.channel_id = $1 and r.ended_at is null`, [channelId]);
  return rows[0] ?? null;
}

export interface Held {
  readonly row: Rotation;
  readonly channel: Channel;
}

/** With its channel, without which nobody changes it. @throws TollgateError not_found */
export async function lockedRotation(tx: PoolClient, id: string): Promise<Held> {
  const { channelId } = await rotation(tx, id);
  await lockedChannel(tx, channelId);
  return foundRotation(tx, id);
}

/** To be looked at only. @throws TollgateError not_found */
export async function foundRotation(db: Queryable, id: string): Promise<Held> {
  const row = await rotation(db, id);
  return { row, channel: await channel(db, row.channelId) };
}

type NewRotation = Pick<Rotation, 'channelId' | 'slotId' | 'oldKeyId' | 'state' | 'startedBy'>;

/** The caller holds the channel. */
export async function insertRotation(tx: PoolClient, begun: NewRotation): Promise<Rotation> {
  const id = newId();
  const { channelId, slotId, oldKeyId, state, startedBy } = begun;
  await tx.query(
    `insert into channel_key_rotations (id, channel_id, slot_id, old_key_id, stage, state, revision, routing_version, started_by)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [
      id,
      channelId,
      slotId,
      oldKeyId,
      state.stage.kind,
      jsonbText(state),
      state.revision,
      await routingVersion(tx),
      startedBy,
    ],
  );
  return rotation(tx, id);
}

export interface Saved {
  readonly newKeyId: string | null;
  readonly state: ChannelKeyRotation;
  readonly wakeAtMs: number | null;
  readonly routingVersion: number;
}

/** The caller holds the channel. */
export async function saveRotation(tx: PoolClient, id: string, saved: Saved): Promise<void> {
  const { newKeyId, state, wakeAtMs, routingVersion: version } = saved;
  await tx.query(
    `update channel_key_rotations
        set new_key_id = $2, stage = $3, state = $4, revision = $5, wake_at = $6, routing_version = $7,
            ended_at = case when $8 then coalesce(ended_at, billing_now()) end
      where id = $1`,
    [
      id,
      newKeyId,
      state.stage.kind,
      jsonbText(state),
      state.revision,
      wakeAtMs === null ? null : new Date(wakeAtMs),
      version,
      hasEnded(state),
    ],
  );
}
