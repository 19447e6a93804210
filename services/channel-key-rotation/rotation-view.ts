// A rotation as its workflow, its page and its operators see it: where it stands, what it waits for, and whether a person must do something. No key is
// in it, nor where one could be had.

import { TRIES_UNTIL_TOLD } from '../../domain/channel-key-rotation.ts';
import type { StageResult } from '../../domain/channel-key-stages.ts';
import { hasEnded } from '../../domain/channel-key-stages.ts';
import type { Queryable } from '../platform/postgres.ts';
import { billingNow } from '../subscriptions/turn.ts';
import { seenNow } from './observations.ts';
import type { Held } from './rotation-rows.ts';

export interface RotationView {
  /** A channel is no customer's. */
  readonly orgId: null;
  readonly revision: number;
  readonly rotationId: string;
  readonly channelId: string;
  readonly channelName: string;
  readonly slotId: string;
  readonly oldKeyId: string;
  readonly newKeyId: string | null;
  readonly stage: string;
  /** Of requests that get the new key; null: it is not the canary. */
  readonly percent: number | null;
  readonly isEmergency: boolean;
  /** Why it was rolled back, or is being. */
  readonly why: string | null;
  readonly results: readonly StageResult[];
  readonly goesOn: boolean;
  readonly hasEnded: boolean;
  readonly asks: readonly never[];
  readonly waitMs: number | null;
  readonly wakeAt: string | null;
  readonly attention: string | null;
}

export async function viewOf(db: Queryable, held: Held, goesOn: boolean): Promise<RotationView> {
  const { row, channel } = held;
  const { id, channelId, slotId, oldKeyId, newKeyId, state, wakeAt } = row;
  const { stage, revision, isEmergency, results } = state;
  const isOver = hasEnded(state);
  return {
    ...{ orgId: null, revision, rotationId: id, channelId, channelName: channel.name, slotId, oldKeyId, newKeyId },
    stage: stage.kind,
    percent: stage.kind === 'canary' ? stage.percent : null,
    ...{ isEmergency, results },
    why: 'why' in stage ? stage.why : null,
    goesOn: goesOn && !isOver,
    hasEnded: isOver,
    asks: [],
    waitMs: isOver || wakeAt === null ? null : Math.max(wakeAt.getTime() - (await billingNow(db)), 0),
    wakeAt: isOver || wakeAt === null ? null : wakeAt.toISOString(),
    attention: await attentionFor(db, held),
  };
}

/** Null: nobody must do anything. */
async function attentionFor(db: Queryable, { row, channel }: Held): Promise<string | null> {
  const { stage } = row.state;
  if (stage.kind === 'awaiting_key')
    return `make a key at the provider and bring it: POST /api/v1/key-rotations/${row.id}/key`;
  if (stage.kind === 'verifying' || stage.kind === 'canary') {
    const seen = await seenNow(db, row, channel);
    if (stage.kind === 'verifying' && !seen.canRevoke)
      return 'revoke the old key at the provider: it ends when the provider refuses it';
    if (stage.kind === 'canary' && stage.holds > 0)
      return 'the old key fails as well: the new one gets no further until it does not';
    if (stage.kind === 'canary' && stage.endsAtMs <= seen.nowMs && seen.affordableCalls === 0) {
      return 'too few requests to judge the new key by, and no more test calls may be paid for: extend it, or roll it back';
    }
  }
  return 'tries' in stage && stage.tries >= TRIES_UNTIL_TOLD ? `${stage.kind}: ${stage.failure}` : null;
}
