// Where a rotation of a channel's key stands: its stages, what each of them asks for outside and when it looks again. Where the two keys stand in
// the routing table follows from the stage alone.
import { ENOUGH_ATTEMPTS, NO_ATTEMPTS, OLD_ATTEMPTS, type Tally, together, verdictOn } from './canary.ts';
import { DAY_MS, MINUTE_MS } from './moments.ts';

export interface ChannelKeyRotation {
  readonly revision: number;
  readonly stage: Stage;
  /** Made by us at the provider, or brought by a person. */
  readonly origin: 'made' | 'brought';
  /** Somebody has the old key who should not: no canary and no grace. */
  readonly isEmergency: boolean;
  /** The old key before there was another. */
  readonly baseline: Tally;
  readonly results: readonly StageResult[];
}

/** What came of a stage of the canary. */
export interface StageResult {
  readonly percent: number;
  readonly fresh: Tally;
  readonly old: Tally;
  readonly verdict: 'good' | 'refused' | 'worse' | 'shared';
  readonly atMs: number;
}

/** Something outside that is tried until it has worked. */
export interface Trying {
  readonly tries: number;
  /** Of the last try; null: none has failed. */
  readonly failure: string | null;
  /** Null: at once. */
  readonly againAtMs: number | null;
}

export interface Canary {
  readonly kind: 'canary';
  readonly percent: Percent;
  /** By the clock that attempts are stamped with. */
  readonly sinceMs: number;
  /** From then on what is missing is called for. */
  readonly endsAtMs: number;
  /** Calls of our own, of either key. */
  readonly calledFresh: Tally;
  readonly calledOld: Tally;
  /** The old key did as badly: it began again so often. */
  readonly holds: number;
}

export type RollBackReason = 'refused' | 'worse' | 'asked';

export type Stage =
  | ({ readonly kind: 'creating' | 'probing' | 'revoking' | 'verifying' } & Trying)
  | { readonly kind: 'awaiting_key'; readonly remindAtMs: number; readonly reminders: number }
  | Canary
  | { readonly kind: 'grace'; readonly endsAtMs: number }
  /** The old key is not routed any more, and perhaps still in use. Null: until it is not; an emergency waits for no long stream. */
  | { readonly kind: 'draining'; readonly atLatestMs: number | null }
  | ({ readonly kind: 'undoing'; readonly why: RollBackReason } & Trying)
  | { readonly kind: 'completed' }
  | { readonly kind: 'rolled_back'; readonly why: RollBackReason };

export const PERCENTS = [5, 25, 100] as const;
export type Percent = (typeof PERCENTS)[number];

const SECOND_MS = 1_000;
export const CANARY_MS = 10 * MINUTE_MS;
export const REMIND_EVERY_MS = DAY_MS;
/** How often it is looked at what has become of attempts, and whether gateways have followed. */
const WATCH_EVERY_MS = 30 * SECOND_MS;
const WATCH_GRACE_EVERY_MS = 15 * MINUTE_MS;
const DRAIN_EVERY_MS = 5 * SECOND_MS;
/** Calls of one look. */
const CALLS_AT_ONCE = 20;

/** How things stand when it is looked at. */
export interface Seen {
  readonly nowMs: number;
  /** The clock that attempts are stamped with, which nobody moves. */
  readonly realMs: number;
  /** Every live gateway has the table in which keys stand as they do now. */
  readonly isLoaded: boolean;
  /** And no request of one works by an older one. */
  readonly isDrained: boolean;
  /** Of requests since the stage began. */
  readonly fresh: Tally;
  readonly old: Tally;
  /** Calls of our own that can still be paid for. */
  readonly affordableCalls: number;
  /** Whether keys can be deleted at the provider by us. */
  readonly hasAdmin: boolean;
  /** Whether the old key is one of them. */
  readonly canRevoke: boolean;
}

export type RotationAsk =
  /** Its secret goes with the event that tells of it. */
  | { readonly kind: 'create' }
  | { readonly kind: 'probe' | 'revoke' | 'verify' | 'remove' }
  | { readonly kind: 'call'; readonly which: 'fresh' | 'old'; readonly calls: number };

/** What is routed of the two keys. */
export interface Places {
  readonly old: { readonly status: 'active' | 'disabled' | 'revoked'; readonly share: number };
  readonly fresh: { readonly status: 'new' | 'active' | 'disabled'; readonly share: number };
}

export function placesIn({ stage }: ChannelKeyRotation): Places {
  switch (stage.kind) {
    case 'creating':
    case 'awaiting_key':
    case 'probing':
      return { old: { status: 'active', share: 100 }, fresh: { status: 'new', share: 0 } };
    case 'canary':
      return {
        old: { status: 'active', share: 100 - stage.percent },
        fresh: { status: 'active', share: stage.percent },
      };
    case 'grace':
      return { old: { status: 'active', share: 0 }, fresh: { status: 'active', share: 100 } };
    case 'draining':
    case 'revoking':
    case 'verifying':
      return { old: { status: 'disabled', share: 0 }, fresh: { status: 'active', share: 100 } };
    case 'completed':
      return { old: { status: 'revoked', share: 0 }, fresh: { status: 'active', share: 100 } };
    case 'undoing':
    case 'rolled_back':
      return { old: { status: 'active', share: 100 }, fresh: { status: 'disabled', share: 0 } };
  }
}

interface Begun {
  readonly origin: 'made' | 'brought';
  readonly isEmergency: boolean;
  readonly baseline: Tally;
}

export function newRotation(begun: Begun, nowMs: number): ChannelKeyRotation {
  const stage: Stage =
    begun.origin === 'made'
      ? trying('creating')
      : { kind: 'awaiting_key', remindAtMs: nowMs + REMIND_EVERY_MS, reminders: 0 };
  return { revision: 1, stage, results: [], ...begun };
}

export function hasEnded({ stage }: ChannelKeyRotation): boolean {
  return stage.kind === 'completed' || stage.kind === 'rolled_back';
}

export function trying<Kind extends 'creating' | 'probing' | 'revoking' | 'verifying'>(kind: Kind) {
  return { kind, tries: 0, failure: null, againAtMs: null } as const;
}

export function entering(state: ChannelKeyRotation, stage: Stage): ChannelKeyRotation {
  return { ...state, stage };
}

export function canary(percent: Percent, { nowMs, realMs }: Seen, holds = 0): Canary {
  const called = { calledFresh: NO_ATTEMPTS, calledOld: NO_ATTEMPTS };
  return { kind: 'canary', percent, sinceMs: realMs, endsAtMs: nowMs + CANARY_MS, holds, ...called };
}

export function tallies(stage: Canary, seen: Seen): { readonly fresh: Tally; readonly old: Tally } {
  return { fresh: together(seen.fresh, stage.calledFresh), old: together(seen.old, stage.calledOld) };
}

export function asksOf({ stage, baseline }: ChannelKeyRotation, seen: Seen): readonly RotationAsk[] {
  if ('againAtMs' in stage && (stage.againAtMs ?? seen.nowMs) > seen.nowMs) return [];
  switch (stage.kind) {
    case 'creating':
      return [{ kind: 'create' }];
    case 'probing':
      return [{ kind: 'probe' }];
    case 'revoking':
      return [{ kind: 'revoke' }];
    case 'verifying':
      return [{ kind: 'verify' }];
    case 'undoing':
      return seen.isDrained ? [{ kind: 'remove' }] : [];
    case 'canary':
      return callsFor(stage, baseline, seen);
    default:
      return [];
  }
}

/** Of the new key what its stage lacks when its time is over; of the old one what it takes to compare them. */
function callsFor(stage: Canary, baseline: Tally, seen: Seen): readonly RotationAsk[] {
  if (seen.affordableCalls === 0) return [];
  const { fresh, old } = tallies(stage, seen);
  const most = Math.min(CALLS_AT_ONCE, seen.affordableCalls);
  if (verdictOn({ fresh, old, baseline, enough: ENOUGH_ATTEMPTS }) === 'unknown') {
    return [{ kind: 'call', which: 'old', calls: Math.min(OLD_ATTEMPTS - old.attempts, most) }];
  }
  if (stage.endsAtMs > seen.nowMs) return [];
  return [{ kind: 'call', which: 'fresh', calls: Math.min(ENOUGH_ATTEMPTS - fresh.attempts, most) }];
}

/** Null: there is something to do at once, or it has ended. */
export function wakeAt({ stage }: ChannelKeyRotation, { nowMs }: Seen): number | null {
  if ('againAtMs' in stage && (stage.againAtMs ?? 0) > nowMs) return stage.againAtMs;
  switch (stage.kind) {
    case 'awaiting_key':
      return stage.remindAtMs;
    case 'canary':
      return stage.endsAtMs > nowMs ? Math.min(stage.endsAtMs, nowMs + WATCH_EVERY_MS) : nowMs + WATCH_EVERY_MS;
    case 'grace':
      return Math.min(stage.endsAtMs, nowMs + WATCH_GRACE_EVERY_MS);
    case 'draining':
    case 'undoing':
      return nowMs + DRAIN_EVERY_MS;
    default:
      return null;
  }
}

export function withCalls(stage: Canary, which: 'fresh' | 'old', tally: Tally): Canary {
  return which === 'fresh'
    ? { ...stage, calledFresh: together(stage.calledFresh, tally) }
    : { ...stage, calledOld: together(stage.calledOld, tally) };
}
