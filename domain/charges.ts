// Attempts to charge one invoice, and when the next one is due. Three ways of not being paid are kept apart: a bank that declines, an
// outcome that nobody knows, and a fault of ours or of Stripe's. Only the first says anything about the customer.
import { classifyDecline, type Decline, type DeclineCodes } from './declines.ts';
import type { Interval } from './intervals.ts';
import { DAY_MS, earliest, HOUR_MS, MINUTE_MS } from './moments.ts';

export type ChargeOutcome =
  | { readonly kind: 'paid' }
  | { readonly kind: 'declined'; readonly decline: Decline }
  /** Perhaps captured: asked again with the same idempotency key until it is known. */
  | { readonly kind: 'unknown' }
  /** Certainly not captured, and no bank has been asked. */
  | { readonly kind: 'fault' };

export interface ChargeAttempt {
  readonly number: number;
  readonly askedAtMs: number;
  /** Since when its outcome is unknown. */
  readonly doubtfulAtMs: number | null;
  readonly answer: ChargeAnswer | null;
}

export interface ChargeAnswer {
  readonly atMs: number;
  /** Null: a fault. */
  readonly decline: Decline | null;
}

/** A bank that has seen this transaction before may have paid it: first somebody looks for that payment. */
export function outcomeOfRefusal(codes: DeclineCodes): ChargeOutcome {
  const decline = classifyDecline(codes);
  return decline.class === 'duplicate' ? { kind: 'unknown' } : { kind: 'declined', decline };
}

const RETRIES_AFTER_MS = [1, 3, 5, 7, 10, 13].map((days) => days * DAY_MS);
const AFTER_A_PASSING_DECLINE_MS = 2 * HOUR_MS;
const AFTER_A_FAULT_MS = HOUR_MS;
/** As long as the longest pause of an activity that asks Stripe. */
export const ASK_AGAIN_AFTER_MS = 10 * MINUTE_MS;

const DECLINES_PER_INVOICE = 8;
const ATTEMPTS_PER_CARD_IN_30_DAYS = 15;

/** Below Visa's 20. Asked before each attempt, over all invoices. */
export function cardMayBeTried(attemptsIn30Days: number): boolean {
  return attemptsIn30Days < ATTEMPTS_PER_CARD_IN_30_DAYS;
}

export interface RetryFacts {
  readonly attempts: readonly ChargeAttempt[];
  /** A person, or a new card, has asked for an attempt that has not been made yet. */
  readonly wantedSinceMs: number | null;
  /** When so much time has passed on the clock of the overdue policy; null: it stands still. */
  readonly clock: (afterMs: number) => number | null;
}

/** Null: nothing is tried again until something happens. May lie in the past: then it is due. */
export function nextAttemptAt({ attempts, wantedSinceMs, clock }: RetryFacts): number | null {
  const last = attempts.at(-1);
  if (last === undefined || !mayTryAgain(attempts)) return null;
  return last.answer === null ? null : earliest([wantedSinceMs, scheduledRetry(last, last.answer, attempts, clock)]);
}

/** What no new card can change. */
export function mayTryAgain(attempts: readonly ChargeAttempt[]): boolean {
  return attempts.filter(({ answer }) => answer?.decline).length < DECLINES_PER_INVOICE;
}

function scheduledRetry(
  { askedAtMs }: ChargeAttempt,
  { atMs, decline }: ChargeAnswer,
  attempts: readonly ChargeAttempt[],
  clock: RetryFacts['clock'],
): number | null {
  if (decline === null) return atMs + AFTER_A_FAULT_MS;
  if (decline.class !== 'later') return null;
  const onSchedule = RETRIES_AFTER_MS.map(clock).filter((dueMs) => dueMs !== null && dueMs > askedAtMs);
  // The schedule and one more are all that an invoice may have.
  const isFirstToPass = decline.passing && attempts.filter(({ answer }) => answer?.decline?.passing).length === 1;
  return earliest([...onSchedule, isFirstToPass ? atMs + AFTER_A_PASSING_DECLINE_MS : null]);
}

/** While Stripe has the question. Nothing is done against a customer who may be paying. */
export function timesUnderWay(attempts: readonly ChargeAttempt[]): Interval[] {
  return attempts.map(({ askedAtMs, answer }) => ({ fromMs: askedAtMs, toMs: answer?.atMs ?? null }));
}

/** From an unknown outcome or a fault to the next word of a bank: time that no customer answers for. */
export function timesInDoubt(attempts: readonly ChargeAttempt[]): Interval[] {
  const times: Interval[] = [];
  let sinceMs: number | null = null;
  for (const { doubtfulAtMs, answer } of attempts) {
    sinceMs ??= doubtfulAtMs ?? (answer?.decline === null ? answer.atMs : null);
    if (sinceMs === null || !answer?.decline) continue;
    times.push({ fromMs: sinceMs, toMs: answer.atMs });
    sinceMs = null;
  }
  return sinceMs === null ? times : [...times, { fromMs: sinceMs, toMs: null }];
}
