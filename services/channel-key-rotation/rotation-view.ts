// A rotation as its workflow, its page and its operators see it: where it stands, what it waits for, and whether a person must do something. No key is
// in it, nor where one could be had.
import { ENOUGH_ATTEMPTS } from '../../domain/canary.ts';
import { choicesOf, needOf, type RotationChoice, type RotationNeed } from '../../domain/channel-key-attention.ts';
import {
  type ChannelKeyRotation,
  hasEnded,
  type RollBackReason,
  type Seen,
  type Stage,
  type StageResult,
  tallies,
} from '../../domain/channel-key-stages.ts';
import type { Queryable } from '../platform/postgres.ts';
import { seenNow } from './observations.ts';
import type { Held, Rotation } from './rotation-rows.ts';

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
  readonly stage: Stage['kind'];
  /** Of requests that get the new key; null: it is not the canary. */
  readonly percent: number | null;
  readonly isEmergency: boolean;
  /** Why it was rolled back, or is being. */
  readonly why: RollBackReason | null;
  readonly results: readonly StageResult[];
  readonly goesOn: boolean;
  readonly hasEnded: boolean;
  readonly asks: readonly never[];
  readonly waitMs: number | null;
  readonly wakeAt: string | null;
  readonly attention: string | null;
}

export async function viewOf(db: Queryable, held: Held, goesOn: boolean): Promise<RotationView> {
  return viewWith(held, await seenOf(db, held), goesOn);
}

/** As its page shows it, and whoever has to do something about it. */
export interface AttendedRotation extends RotationView {
  readonly origin: 'made' | 'brought';
  /** By which a person finds them at the provider. */
  readonly oldKeyLastFour: string | null;
  readonly newKeyLastFour: string | null;
  readonly need: RotationNeed | null;
  readonly choices: readonly RotationChoice[];
  /** With the new key since its stage of the canary began, and how many end that stage. */
  readonly attempts: { readonly fresh: number; readonly enough: number } | null;
  /** When time alone ends the stage, or a person is told anew; null: something else does. */
  readonly stageEndsAt: Date | null;
  /** Of what is tried outside: why it has not worked so far. */
  readonly failure: string | null;
}

export async function attendedRotation(db: Queryable, held: Held): Promise<AttendedRotation> {
  const seen = await seenOf(db, held);
  const { oldKeyId, newKeyId, state } = held.row;
  const { origin, stage } = state;
  const lastFourOf = (keyId: string | null) => held.channel.keys.find(({ id }) => id === keyId)?.lastFour ?? null;
  return {
    ...viewWith(held, seen, false),
    origin,
    oldKeyLastFour: lastFourOf(oldKeyId),
    newKeyLastFour: lastFourOf(newKeyId),
    need: seen === null ? null : needOf(state, seen),
    choices: seen === null ? [] : choicesOf(state, seen),
    attempts: attemptsIn(state, seen),
    stageEndsAt: endOf(state),
    failure: 'failure' in stage ? stage.failure : null,
  };
}

/** Only there somebody is shown how many attempts there are; what is needed or may be decided does not follow from them. */
const SHOWN_WITH_ATTEMPTS: readonly Stage['kind'][] = ['canary'];

/** Null: it has ended. */
async function seenOf(db: Queryable, { row, channel }: Held): Promise<Seen | null> {
  return hasEnded(row.state) ? null : seenNow(db, row, channel, SHOWN_WITH_ATTEMPTS);
}

function viewWith({ row, channel }: Held, seen: Seen | null, goesOn: boolean): RotationView {
  const { id, channelId, slotId, oldKeyId, newKeyId, state, wakeAt } = row;
  const { stage, revision, isEmergency, results } = state;
  return {
    ...{ orgId: null, revision, rotationId: id, channelId, channelName: channel.name, slotId, oldKeyId, newKeyId },
    stage: stage.kind,
    percent: stage.kind === 'canary' ? stage.percent : null,
    ...{ isEmergency, results },
    why: 'why' in stage ? stage.why : null,
    goesOn: goesOn && seen !== null,
    hasEnded: seen === null,
    asks: [],
    waitMs: seen === null || wakeAt === null ? null : Math.max(wakeAt.getTime() - seen.nowMs, 0),
    wakeAt: seen === null || wakeAt === null ? null : wakeAt.toISOString(),
    attention: seen === null ? null : attentionFor(row, seen),
  };
}

/** Null: nobody must do anything. */
function attentionFor({ id, state }: Rotation, seen: Seen): string | null {
  switch (needOf(state, seen)) {
    case 'new_key':
      return `make a key at the provider and bring it: POST /api/v1/key-rotations/${id}/key`;
    case 'revocation':
      return 'revoke the old key at the provider: it ends when the provider refuses it';
    case 'sound_provider':
      return 'the old key fails as well: the new one gets no further until it does not';
    case 'requests':
      return 'too few requests to judge the new key by, and no more test calls may be paid for: extend it, or roll it back';
    case 'success':
      return `${state.stage.kind}: ${'failure' in state.stage ? state.stage.failure : null}`;
    case null:
      return null;
  }
}

function attemptsIn({ stage }: ChannelKeyRotation, seen: Seen | null): AttendedRotation['attempts'] {
  if (seen === null || stage.kind !== 'canary') return null;
  return { fresh: tallies(stage, seen).fresh.attempts, enough: ENOUGH_ATTEMPTS };
}

function endOf({ stage }: ChannelKeyRotation): Date | null {
  if (stage.kind === 'awaiting_key') return new Date(stage.remindAtMs);
  return stage.kind === 'canary' || stage.kind === 'grace' ? new Date(stage.endsAtMs) : null;
}
