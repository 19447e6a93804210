// A turn of a rotation: one event and what follows from it, in one transaction and under the lock of its channel. Where its keys are routed changes in
// that transaction as well, and its workflow has news.
import type { PoolClient } from 'pg';
import { type RotationEvent, type RotationRefusal, stepRotation } from '../../domain/channel-key-rotation.ts';
import { type ChannelKeyRotation, hasEnded, placesIn, type RotationAsk } from '../../domain/channel-key-stages.ts';
import type { Refused } from '../../domain/process-step.ts';
import { type Author, type WrittenAudit, writeAudit } from '../audit/audit.ts';
import { placeKeys } from '../channels/successor-keys.ts';
import { channelKeyRotationWorkflowId, pokeProcess } from '../processes/poke.ts';
import { seenNow } from './observations.ts';
import { remindOfKey } from './reminder.ts';
import type { Held, Rotation } from './rotation-rows.ts';
import { saveRotation } from './rotation-rows.ts';

const WENT_ON = 'channel.key_rotation_went_on';

export interface Turned {
  readonly kind: 'stepped';
  readonly state: ChannelKeyRotation;
  readonly ask: RotationAsk | null;
  /** Null: it stands where it stood. */
  readonly audit: WrittenAudit | null;
}

export interface Turning {
  readonly author: Author;
  /** What somebody decided; without, what follows by itself. */
  readonly action?: string;
  readonly reason?: string;
  /** The key that has come with this event. */
  readonly newKeyId?: string;
}

/** Of a `lockedRotation`. What is refused has changed nothing. */
export async function takeTurn(
  tx: PoolClient,
  { row, channel }: Held,
  event: RotationEvent,
  { author, action = WENT_ON, reason, newKeyId = row.newKeyId ?? undefined }: Turning,
): Promise<Turned | Refused<RotationRefusal>> {
  const before = row.state;
  const result = stepRotation(before, event, await seenNow(tx, row, channel));
  if (result.kind === 'refused') return result;
  const { state, asks, wakeAtMs } = result;
  const [ask = null] = asks;
  const after = { ...row, newKeyId: newKeyId ?? null, state };
  const isAnother = standing(row) !== standing(after) || action !== WENT_ON;
  const audit = isAnother
    ? await writeAudit(tx, author, {
        action,
        targetKind: 'channel',
        targetId: row.channelId,
        before: summaryOf(row),
        after: summaryOf(after),
        reason,
      })
    : null;
  if (state !== before) await tell(tx, row, author);
  await remindOfKey(tx, { row, channel }, state);
  if (hasEnded(state) && state.stage.kind === 'completed' && !hasEnded(before)) await keyedNow(tx, row.slotId);
  const isAsBefore = state === before && wakeAtMs === (row.wakeAt?.getTime() ?? null);
  if (!isAsBefore) {
    const routingVersion = await placedAgain(tx, row, after);
    await saveRotation(tx, row.id, { newKeyId: after.newKeyId, state, wakeAtMs, routingVersion });
  }
  return { kind: 'stepped', state, ask, audit };
}

/** Of all that a person may know: no key is in it. */
export function summaryOf({ id, slotId, oldKeyId, newKeyId, state }: Rotation): object {
  const { stage, isEmergency } = state;
  const percent = stage.kind === 'canary' ? { percent: stage.percent } : {};
  const why = 'why' in stage ? { why: stage.why } : {};
  return { rotationId: id, slotId, oldKeyId, newKeyId, stage: stage.kind, ...percent, ...why, isEmergency };
}

function standing(row: Rotation): string {
  return JSON.stringify(summaryOf(row));
}

/** The workflow that looks needs no poke to look. */
async function tell(tx: PoolClient, { slotId }: Rotation, { workflowId }: Author): Promise<void> {
  const its = channelKeyRotationWorkflowId(slotId);
  if (workflowId !== its) await pokeProcess(tx, its, 'rotate:channel-key', slotId);
}

async function placedAgain(tx: PoolClient, before: Rotation, after: Rotation): Promise<number> {
  const [was, is] = [placesIn(before.state), placesIn(after.state)];
  if (JSON.stringify(was) === JSON.stringify(is)) return before.routingVersion;
  return placeKeys(tx, after, is, `rotation ${after.id}: ${after.state.stage.kind}`);
}

/** From now on its key grows old anew. */
async function keyedNow(tx: PoolClient, slotId: string): Promise<void> {
  await tx.query('update channel_key_slots set keyed_at = billing_now() where id = $1', [slotId]);
}
