// One unpaid invoice from its first reminder to its end. The state is what has happened, so what is owed now (a mail, an attempt, the
// end of the plan) follows from it and the time. The stage of the organization is not decided here: after what is news here,
// domain/enforcement.ts is asked anew.
import {
  ASK_AGAIN_AFTER_MS,
  type ChargeAttempt,
  type ChargeOutcome,
  mayTryAgain,
  nextAttemptAt,
  timesInDoubt,
} from './charges.ts';
import type { Interval } from './intervals.ts';
import { DAY_MS, earliestAfter } from './moments.ts';
import {
  type Notice,
  OVERDUE_POLICIES,
  type PolicyName,
  type RungName,
  rungAt,
  standingOf,
  type UnpaidInvoice,
} from './overdue-policy.ts';
import { type Command, type Commanded, type Refused, refuse, remembering, type Stepped } from './process-step.ts';

export interface Dunning extends Commanded {
  readonly invoice: UnpaidInvoice;
  readonly incidents: readonly Interval[];
  /** A person or a new card asks for an attempt that has not been made yet. */
  readonly attemptWantedSinceMs: number | null;
  /** After an unknown outcome the same attempt is asked about again then. */
  readonly askAgainAtMs: number | null;
  /** When somebody looks what has become of the customer's own payment. */
  readonly lookAtMs: number | null;
  readonly card: string | null;
  readonly closed: 'paid' | 'void' | 'waived' | null;
}

export type DunningFact =
  | { readonly kind: 'tick' }
  | { readonly kind: 'charged'; readonly attempt: number; readonly outcome: ChargeOutcome }
  /** Whether a card that the customer chose himself is being asked, or his bank waits for him. */
  | { readonly kind: 'customer_pays'; readonly isUnderWay: boolean }
  /** By whatever way: the invoice wants no more money. */
  | { readonly kind: 'settled'; readonly how: 'paid' | 'void' }
  | { readonly kind: 'handed_over'; readonly notice: Notice }
  /** Named as it is now: another card, or the same one with new dates, has another name. */
  | { readonly kind: 'card_changed'; readonly card: string }
  /** All that are known, in place of those known before. */
  | { readonly kind: 'incidents_changed'; readonly incidents: readonly Interval[] };

export type DunningCommand = Command &
  (
    | { readonly kind: 'retry_now' | 'waive' | 'decide_stop' }
    | { readonly kind: 'extend'; readonly untilMs: number }
    | { readonly kind: 'skip_to'; readonly rung: RungName }
  );

export type DunningAsk =
  | { readonly kind: 'reevaluate_enforcement' }
  | { readonly kind: 'charge'; readonly attempt: number }
  | { readonly kind: 'look_at_payment' }
  | { readonly kind: 'notify'; readonly notice: Notice }
  | { readonly kind: 'end_plan' };

export type DunningRefusal =
  | 'stale_revision'
  | 'closed'
  /** The outcome of an attempt is not known yet. */
  | 'payment_in_doubt'
  /** Only another card can be charged. */
  | 'card_refused'
  | 'attempts_used_up'
  /** Behind us, or not on the ladder of this invoice. */
  | 'no_such_step'
  | 'not_for_this_policy';

export type DunningResult = Stepped<Dunning, never, DunningAsk> | Refused<DunningRefusal>;

/** Watched from its first decline on. What was overdue before a plan was changed stays overdue since then. */
export function renewalDunning(invoiceId: string, overdueSinceMs: number, declined: ChargeAttempt): Dunning {
  return opened(invoiceId, 'renewal', overdueSinceMs, [declined]);
}

/** The same debt under another invoice: it stands where it stood on the ladder, with what was told and the time that was given. */
export function movedDunning(former: Dunning, invoiceId: string, declined: ChargeAttempt): Dunning {
  const { ladder, attempts, extensions, handedOver } = former.invoice;
  const inDoubt = timesInDoubt(attempts).map(({ fromMs, toMs }) => ({ fromMs, toMs: toMs ?? declined.askedAtMs }));
  const moved = renewalDunning(invoiceId, ladder.atMs, declined);
  return about(moved, { ladder, extensions: [...extensions, ...inDoubt], handedOver });
}

/** Watched from when it was issued; nobody charges a card for it. */
export function postpaidDunning(invoiceId: string, dueAtMs: number): Dunning {
  return opened(invoiceId, 'postpaid', dueAtMs, []);
}

function opened(invoiceId: string, policy: PolicyName, dueAtMs: number, attempts: readonly ChargeAttempt[]): Dunning {
  return {
    revision: 1,
    requestIds: [],
    invoice: {
      invoiceId,
      policy,
      ladder: { atMs: dueAtMs, afterMs: 0 },
      attempts,
      customerPaysSinceMs: null,
      extensions: [],
      waived: false,
      stopDecidedAtMs: null,
      handedOver: {},
    },
    incidents: [],
    attemptWantedSinceMs: null,
    askAgainAtMs: null,
    lookAtMs: null,
    card: null,
    closed: null,
  };
}

export function stepDunning(before: Dunning, event: DunningFact | DunningCommand, nowMs: number): DunningResult {
  const told = 'requestId' in event ? obeyed(before, event, nowMs) : learned(before, event, nowMs);
  if ('kind' in told) return told;
  const acted = attempting(told, nowMs);
  const state = acted === before ? before : { ...acted, revision: before.revision + 1 };
  const isNews = state !== before || event.kind === 'tick';
  return {
    kind: 'stepped',
    state,
    writes: [],
    asks: [...(isNews ? [{ kind: 'reevaluate_enforcement' } as const] : []), ...asksOf(state, nowMs)],
    wakeAtMs: wakeAt(state, nowMs),
  };
}

function learned(state: Dunning, event: DunningFact, nowMs: number): Dunning {
  if (state.closed !== null) return state;
  switch (event.kind) {
    case 'tick':
      return state;
    case 'charged':
      return event.outcome.kind === 'paid' ? { ...state, closed: 'paid' } : notPaid(state, event, event.outcome, nowMs);
    case 'customer_pays':
      return event.isUnderWay ? customerPays(state, nowMs) : customerHasDone(state);
    case 'settled':
      return { ...state, closed: event.how };
    case 'handed_over': {
      if (state.invoice.handedOver[event.notice] !== undefined) return state;
      return about(state, { handedOver: { ...state.invoice.handedOver, [event.notice]: nowMs } });
    }
    case 'card_changed':
      return event.card === state.card ? state : { ...state, card: event.card, attemptWantedSinceMs: nowMs };
    case 'incidents_changed':
      return isSame(event.incidents, state.incidents) ? state : { ...state, incidents: event.incidents };
  }
}

function about(state: Dunning, change: Partial<UnpaidInvoice>): Dunning {
  return { ...state, invoice: { ...state.invoice, ...change } };
}

function isSame(some: readonly Interval[], others: readonly Interval[]): boolean {
  return JSON.stringify(some) === JSON.stringify(others);
}

function notPaid(
  state: Dunning,
  { attempt }: { readonly attempt: number },
  outcome: Exclude<ChargeOutcome, { kind: 'paid' }>,
  nowMs: number,
): Dunning {
  const asked = state.invoice.attempts.find(({ number, answer }) => number === attempt && answer === null);
  if (asked === undefined) return state;
  const askAgainAtMs = outcome.kind === 'unknown' ? nowMs + ASK_AGAIN_AFTER_MS : null;
  if (askAgainAtMs !== null && askAgainAtMs === state.askAgainAtMs) return state;
  const decline = outcome.kind === 'declined' ? outcome.decline : null;
  const told: ChargeAttempt =
    outcome.kind === 'unknown'
      ? { ...asked, doubtfulAtMs: asked.doubtfulAtMs ?? nowMs }
      : { ...asked, answer: { atMs: nowMs, decline } };
  return {
    ...about(state, { attempts: state.invoice.attempts.map((one) => (one === asked ? told : one)) }),
    askAgainAtMs,
  };
}

function customerPays(state: Dunning, nowMs: number): Dunning {
  const sinceMs = state.invoice.customerPaysSinceMs;
  if (sinceMs !== null && (state.lookAtMs ?? nowMs) > nowMs) return state;
  return { ...about(state, { customerPaysSinceMs: sinceMs ?? nowMs }), lookAtMs: nowMs + ASK_AGAIN_AFTER_MS };
}

function customerHasDone(state: Dunning): Dunning {
  if (state.invoice.customerPaysSinceMs === null) return state;
  return { ...about(state, { customerPaysSinceMs: null }), lookAtMs: null };
}

function obeyed(state: Dunning, command: DunningCommand, nowMs: number): Dunning | Refused<DunningRefusal> {
  if (state.requestIds.includes(command.requestId)) return state;
  if (state.closed !== null) return refuse('closed');
  if (command.revision !== state.revision) return refuse('stale_revision');
  const done = carriedOut(state, command, nowMs);
  return 'kind' in done ? done : { ...done, requestIds: remembering(state.requestIds, command.requestId) };
}

function carriedOut(state: Dunning, command: DunningCommand, nowMs: number): Dunning | Refused<DunningRefusal> {
  const { invoice } = state;
  switch (command.kind) {
    case 'retry_now':
      return retried(state, nowMs);
    case 'waive': {
      // What is waived of a renewal is the plan: nothing was delivered for it.
      const waived = about(state, { waived: true });
      return invoice.policy === 'renewal' ? waived : { ...waived, closed: 'waived' };
    }
    case 'decide_stop':
      return invoice.policy === 'postpaid' ? about(state, { stopDecidedAtMs: nowMs }) : refuse('not_for_this_policy');
    case 'extend': {
      if (command.untilMs <= nowMs) return refuse('no_such_step');
      return about(state, { extensions: [...invoice.extensions, { fromMs: nowMs, toMs: command.untilMs }] });
    }
    case 'skip_to':
      return skipped(state, command.rung, nowMs);
  }
}

function retried(state: Dunning, nowMs: number): Dunning | Refused<DunningRefusal> {
  const last = state.invoice.attempts.at(-1);
  if (last === undefined || state.invoice.waived) return refuse('not_for_this_policy');
  if (last.answer === null || state.invoice.customerPaysSinceMs !== null) return refuse('payment_in_doubt');
  if (!mayTryAgain(state.invoice.attempts)) return refuse('attempts_used_up');
  const declined = last.answer.decline?.class;
  return declined === 'never' || declined === 'needs_customer'
    ? refuse('card_refused')
    : { ...state, attemptWantedSinceMs: nowMs };
}

/** The ladder stands at that rung from now on; a restriction still waits a day for its warning. */
function skipped(state: Dunning, to: RungName, nowMs: number): Dunning | Refused<DunningRefusal> {
  const { notices, restrict, end, escalations } = OVERDUE_POLICIES[state.invoice.policy];
  const rung = [...notices, restrict, end, ...escalations].find(({ name }) => name === to);
  if (rung === undefined) return refuse('no_such_step');
  const reachedMs = rungAt(state.invoice, state.incidents, rung.afterMs);
  if (reachedMs !== null && reachedMs <= nowMs) return refuse('no_such_step');
  return about(state, { ladder: { atMs: nowMs, afterMs: rung.afterMs } });
}

function attempting(state: Dunning, nowMs: number): Dunning {
  const dueMs = attemptDueAt(state, nowMs);
  if (dueMs === null || dueMs > nowMs) return state;
  const { attempts } = state.invoice;
  const next = { number: attempts.length + 1, askedAtMs: nowMs, doubtfulAtMs: null, answer: null };
  return { ...about(state, { attempts: [...attempts, next] }), attemptWantedSinceMs: null };
}

function attemptDueAt({ invoice, incidents, attemptWantedSinceMs, closed }: Dunning, nowMs: number): number | null {
  if (closed !== null || invoice.waived || standingOf(invoice, incidents, nowMs).planEndIsDue) return null;
  if (invoice.customerPaysSinceMs !== null) return null;
  return nextAttemptAt({
    attempts: invoice.attempts,
    wantedSinceMs: attemptWantedSinceMs,
    clock: (afterMs) => rungAt(invoice, incidents, afterMs),
  });
}

function asksOf(state: Dunning, nowMs: number): DunningAsk[] {
  if (state.closed !== null) return [];
  const { dueNotices, planEndIsDue } = standingOf(state.invoice, state.incidents, nowMs);
  const last = state.invoice.attempts.at(-1);
  const isAsked = last?.answer === null && (state.askAgainAtMs ?? nowMs) <= nowMs;
  const isLookedAt = state.invoice.customerPaysSinceMs !== null && (state.lookAtMs ?? nowMs) <= nowMs;
  return [
    ...(isAsked ? [{ kind: 'charge', attempt: last.number } as const] : []),
    ...(isLookedAt ? [{ kind: 'look_at_payment' } as const] : []),
    ...dueNotices.map((notice) => ({ kind: 'notify', notice }) as const),
    ...(planEndIsDue || state.invoice.waived ? [{ kind: 'end_plan' } as const] : []),
  ];
}

function wakeAt(state: Dunning, nowMs: number): number | null {
  if (state.closed !== null) return null;
  const { nextMs, dueNotices } = standingOf(state.invoice, state.incidents, nowMs);
  // There may be somebody to tell by then.
  const tellAgainMs = dueNotices.length > 0 ? nowMs + DAY_MS : null;
  return earliestAfter(nowMs, [nextMs, attemptDueAt(state, nowMs), state.askAgainAtMs, state.lookAtMs, tellAgainMs]);
}
