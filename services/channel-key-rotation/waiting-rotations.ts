// Changes of channel keys that wait for a person of ours, and since when: for as long as it stands as it stands, so whoever has it in hand has it
// until something has become of it.
import type { RotationNeed } from '../../domain/channel-key-attention.ts';
import type { Queryable } from '../platform/postgres.ts';
import { foundRotation, type Rotation } from './rotation-rows.ts';
import { attendedRotation } from './rotation-view.ts';

export interface WaitingKeyRotation {
  readonly rotationId: string;
  readonly slotId: string;
  readonly channelName: string;
  readonly need: RotationNeed;
  /** In the time of billing. */
  readonly since: Date;
}

/** One a channel at most; more than ever go on. */
const MOST = 100;

export async function waitingKeyRotations(db: Queryable): Promise<WaitingKeyRotation[]> {
  const { rows } = await db.query<{ id: string }>(
    'select id from channel_key_rotations where ended_at is null order by began_at, id limit $1',
    [MOST],
  );
  const waiting: WaitingKeyRotation[] = [];
  for (const { id } of rows) {
    const held = await foundRotation(db, id);
    const { need, channelName } = await attendedRotation(db, held);
    if (need === null) continue;
    const { slotId } = held.row;
    waiting.push({ rotationId: id, slotId, channelName, need, since: await standsSince(db, held.row, need) });
  }
  return waiting;
}

/** What it went through is told by the audit log; that a stage of the canary began anew, by what came of the one before. */
async function standsSince(
  db: Queryable,
  { id, channelId, beganAt, state }: Rotation,
  need: RotationNeed,
): Promise<Date> {
  const { rows } = await db.query<{ at: Date }>(
    `select coalesce(billing_at, at) as at from audit_log
      where target_id = $1 and target_kind = 'channel' and after ->> 'rotationId' = $2 order by id desc limit 1`,
    [channelId, id],
  );
  const { stage, results } = state;
  const moments = [
    (rows[0]?.at ?? beganAt).getTime(),
    results.at(-1)?.atMs ?? 0,
    need === 'requests' && stage.kind === 'canary' ? stage.endsAtMs : 0,
  ];
  return new Date(Math.max(...moments));
}
