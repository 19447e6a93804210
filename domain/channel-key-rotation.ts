// How the key in one place of a channel is changed for another: made or brought, probed, given 5, 25 and 100 of 100 requests while what becomes of
// them is judged, and the old one kept as a way back until its grace is over. Until the old key is revoked everything can be taken back, and
// nothing is revoked that a gateway may still send.
import { ENOUGH_ATTEMPTS, FEWEST_ATTEMPTS, NO_ATTEMPTS, type Tally, verdictOn } from './canary.ts';
import {
  asksOf,
  type Canary,
  type ChannelKeyRotation,
  canary,
  entering,
  hasEnded,
  PERCENTS,
  REMIND_EVERY_MS,
  type RollBackReason,
  type RotationAsk,
  type Seen,
  type Stage,
  type Trying,
  tallies,
  trying,
  wakeAt,
  withCalls,
} from './channel-key-stages.ts';
import { DAY_MS, MINUTE_MS } from './moments.ts';
import { type Refused, refuse, type Stepped } from './process-step.ts';

const GRACE_MS = DAY_MS;
export const LONGEST_EXTENSION_MS = 30 * DAY_MS;
/** Whoever has the leaked key has it meanwhile, and providers look at a key when a request comes, not while it is answered. */
const EMERGENCY_DRAIN_MS = 2 * MINUTE_MS;
const FIRST_WAIT_MS = 5_000;
const LONGEST_WAIT_MS = 5 * MINUTE_MS;
/** From then on a person is told. */
export const TRIES_UNTIL_TOLD = 5;
const RESULTS_KEPT = 20;

export type RotationEvent =
  | { readonly kind: 'tick' }
  | { readonly kind: 'made' | 'supplied' | 'probed' | 'revoked' | 'removed' }
  /** Of the old key: the provider does not take it any more. */
  | { readonly kind: 'verified' }
  /** Of the new key, when it was probed. */
  | { readonly kind: 'key_refused' }
  | { readonly kind: 'called'; readonly which: 'fresh' | 'old'; readonly tally: Tally }
  | { readonly kind: 'failed'; readonly why: string }
  | DecisionEvent;

type DecisionEvent =
  | { readonly kind: 'finish' | 'roll_back' | 'emergency' }
  | { readonly kind: 'extend'; readonly untilMs: number };

export type RotationRefusal = 'wrong_state' | 'past_return' | 'bad_time';
export type RotationResult = Stepped<ChannelKeyRotation, never, RotationAsk> | Refused<RotationRefusal>;

export function stepRotation(before: ChannelKeyRotation, event: RotationEvent, seen: Seen): RotationResult {
  const told = learned(before, event, seen);
  if ('reason' in told) return told;
  const seenSince = withWhatCounts(before, told, seen);
  const after = timePassed(told, seenSince);
  const state = after === before ? before : { ...after, revision: before.revision + 1 };
  const asks = asksOf(state, withWhatCounts(told, after, seenSince));
  return { kind: 'stepped', state, writes: [], asks, wakeAtMs: wakeAt(state, seen) };
}

/** What was seen of a stage says nothing of the next one: no attempt is of it yet, and no gateway has heard of it. */
function withWhatCounts(before: ChannelKeyRotation, after: ChannelKeyRotation, seen: Seen): Seen {
  const isSame = before.stage.kind === after.stage.kind && sinceOf(before.stage) === sinceOf(after.stage);
  return isSame ? seen : { ...seen, isLoaded: false, isDrained: false, fresh: NO_ATTEMPTS, old: NO_ATTEMPTS };
}

/** Null: it is no stage of the canary. */
function sinceOf(stage: Stage): string | null {
  return stage.kind === 'canary' ? `${stage.percent} ${stage.holds}` : null;
}

function draining(state: ChannelKeyRotation, { nowMs }: Seen): ChannelKeyRotation {
  const atLatestMs = state.isEmergency ? nowMs + EMERGENCY_DRAIN_MS : null;
  return entering(state, { kind: 'draining', atLatestMs });
}

function undoing(state: ChannelKeyRotation, why: RollBackReason): ChannelKeyRotation {
  return entering(state, { kind: 'undoing', why, tries: 0, failure: null, againAtMs: null });
}

function learned(
  state: ChannelKeyRotation,
  event: RotationEvent,
  seen: Seen,
): ChannelKeyRotation | Refused<RotationRefusal> {
  const { stage } = state;
  switch (event.kind) {
    case 'tick':
      return state;
    case 'made':
      return stage.kind === 'creating' ? entering(state, trying('probing')) : refuse('wrong_state');
    case 'supplied':
      return stage.kind === 'awaiting_key' || stage.kind === 'creating'
        ? entering(state, trying('probing'))
        : refuse('wrong_state');
    case 'probed':
      return stage.kind === 'probing' ? afterProbe(state, seen) : state;
    case 'key_refused':
      return stage.kind === 'probing' ? undoing(state, 'refused') : state;
    case 'called':
      return stage.kind === 'canary' ? entering(state, withCalls(stage, event.which, event.tally)) : state;
    case 'revoked':
      return stage.kind === 'revoking' ? entering(state, trying('verifying')) : state;
    case 'verified':
      return stage.kind === 'verifying' ? entering(state, { kind: 'completed' }) : state;
    case 'removed':
      return stage.kind === 'undoing' ? entering(state, { kind: 'rolled_back', why: stage.why }) : state;
    case 'failed':
      return 'tries' in stage ? entering(state, failedAgain(stage, event.why, seen)) : state;
    default:
      return decided(state, event, seen);
  }
}

function afterProbe(state: ChannelKeyRotation, seen: Seen): ChannelKeyRotation {
  return state.isEmergency ? draining(state, seen) : entering(state, canary(5, seen));
}

function failedAgain<T extends Trying>(stage: T, failure: string, { nowMs }: Seen): T {
  const waitMs = Math.min(FIRST_WAIT_MS * 2 ** Math.min(stage.tries, 10), LONGEST_WAIT_MS);
  return { ...stage, tries: stage.tries + 1, failure, againAtMs: nowMs + waitMs };
}

/** What people decide. Past the point of no return there is nothing to decide but that somebody has looked himself. */
function decided(
  state: ChannelKeyRotation,
  event: DecisionEvent,
  seen: Seen,
): ChannelKeyRotation | Refused<RotationRefusal> {
  const { stage } = state;
  if (hasEnded(state) || stage.kind === 'undoing') return refuse('wrong_state');
  if (event.kind === 'finish') {
    if (stage.kind === 'grace') return draining(state, seen);
    return stage.kind === 'verifying' ? entering(state, { kind: 'completed' }) : refuse('wrong_state');
  }
  if (stage.kind === 'revoking' || stage.kind === 'verifying') return refuse('past_return');
  if (event.kind === 'roll_back') return undoing(state, 'asked');
  return event.kind === 'extend' ? extended(state, event.untilMs, seen) : hurried(state, seen);
}

function hurried(before: ChannelKeyRotation, seen: Seen): ChannelKeyRotation {
  const state = { ...before, isEmergency: true };
  const hasNewKey = ['canary', 'grace', 'draining'].includes(before.stage.kind);
  return hasNewKey ? draining(state, seen) : state;
}

function extended(
  state: ChannelKeyRotation,
  untilMs: number,
  { nowMs }: Seen,
): ChannelKeyRotation | Refused<RotationRefusal> {
  const { stage } = state;
  if (untilMs <= nowMs || untilMs > nowMs + LONGEST_EXTENSION_MS) return refuse('bad_time');
  if (stage.kind === 'awaiting_key') return entering(state, { ...stage, remindAtMs: untilMs });
  if (stage.kind === 'canary' || stage.kind === 'grace') return entering(state, { ...stage, endsAtMs: untilMs });
  return refuse('wrong_state');
}

/** What follows from the time and from what was seen, after anything else. */
function timePassed(state: ChannelKeyRotation, seen: Seen): ChannelKeyRotation {
  const { stage } = state;
  switch (stage.kind) {
    case 'awaiting_key': {
      if (stage.remindAtMs > seen.nowMs) return state;
      const reminders = stage.reminders + 1;
      return entering(state, { ...stage, reminders, remindAtMs: seen.nowMs + REMIND_EVERY_MS });
    }
    case 'canary':
      return judged(state, stage, seen);
    case 'grace':
      if (seen.fresh.refused > 0) return undoing(state, 'refused');
      return stage.endsAtMs <= seen.nowMs ? draining(state, seen) : state;
    case 'draining': {
      if (seen.fresh.refused > 0 && !state.isEmergency) return undoing(state, 'refused');
      const isOverdue = stage.atLatestMs !== null && stage.atLatestMs <= seen.nowMs && seen.isLoaded;
      return seen.isDrained || isOverdue ? entering(state, trying('revoking')) : state;
    }
    case 'revoking':
      // What we cannot delete a person deletes at the provider, and that it is refused says that he has.
      return seen.canRevoke ? state : entering(state, trying('verifying'));
    case 'undoing':
      return state.origin === 'brought' || !seen.hasAdmin
        ? entering(state, { kind: 'rolled_back', why: stage.why })
        : state;
    default:
      return state;
  }
}

function judged(state: ChannelKeyRotation, stage: Canary, seen: Seen): ChannelKeyRotation {
  const { fresh, old } = tallies(stage, seen);
  const found = verdictOn({ fresh, old, baseline: state.baseline, enough: enoughFor(stage, seen) });
  if (found === 'too_few' || (found === 'unknown' && seen.affordableCalls > 0)) return state;
  // The old key cannot be asked any more: what is in doubt does not stay.
  const verdict = found === 'unknown' ? 'worse' : found;
  const result = { percent: stage.percent, fresh, old, verdict, atMs: seen.nowMs };
  const after = { ...state, results: [...state.results, result].slice(-RESULTS_KEPT) };
  if (verdict === 'refused' || verdict === 'worse') return undoing(after, verdict);
  if (verdict === 'shared') return entering(after, canary(stage.percent, seen, stage.holds + 1));
  const next = PERCENTS[PERCENTS.indexOf(stage.percent) + 1];
  return entering(after, next === undefined ? { kind: 'grace', endsAtMs: seen.nowMs + GRACE_MS } : canary(next, seen));
}
/** When its time is over and no further call can be paid for, what there is must do. */
function enoughFor({ endsAtMs }: Canary, { nowMs, affordableCalls }: Seen): number {
  return endsAtMs <= nowMs && affordableCalls === 0 ? FEWEST_ATTEMPTS : ENOUGH_ATTEMPTS;
}
