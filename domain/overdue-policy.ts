// What happens to an unpaid invoice, and when: the policies as data, and one invoice's standing as a function of its facts. Nothing
// here counts steps, so it does not matter in which order the facts came, or whether somebody slept through a step.
import { type ChargeAttempt, timesInDoubt, timesUnderWay } from './charges.ts';
import { covers, firstMomentOutside, type Interval, momentOnStoppedClock } from './intervals.ts';
import { DAY_MS, earliestAfter } from './moments.ts';

export type Notice =
  | 'first_reminder'
  | 'second_reminder'
  | 'third_reminder'
  | 'limit_warning'
  | 'stop_warning'
  | 'plan_end_warning'
  // To the staff: a person must decide.
  | 'stop_decision_due'
  | 'stop_decision_late'
  | 'stop_decision_very_late';

interface Rung<Name> {
  readonly name: Name;
  readonly afterMs: number;
}

interface Restriction<Name> extends Rung<Name> {
  readonly warning: Notice;
}

interface OverduePolicy {
  readonly notices: readonly Rung<Notice>[];
  readonly restrict: Restriction<'limit'>;
  readonly end: Restriction<'stop' | 'end_plan'>;
  readonly escalations: readonly Rung<Notice>[];
}

export type PolicyName = 'renewal' | 'postpaid';
export type RungName = Notice | 'limit' | 'stop' | 'end_plan';

const WARNED_BEFORE_MS = DAY_MS;

function rung<Name extends RungName>(days: number, name: Name): Rung<Name> {
  return { name, afterMs: days * DAY_MS };
}

/** billing.md 1.4. What is paid in advance and not paid is no debt, so all it can lose is the plan. */
export const OVERDUE_POLICIES: Readonly<Record<PolicyName, OverduePolicy>> = {
  renewal: {
    notices: [
      rung(0, 'first_reminder'),
      rung(3, 'second_reminder'),
      rung(6, 'limit_warning'),
      rung(13, 'plan_end_warning'),
    ],
    restrict: { ...rung(7, 'limit'), warning: 'limit_warning' },
    end: { ...rung(14, 'end_plan'), warning: 'plan_end_warning' },
    escalations: [],
  },
  postpaid: {
    notices: [
      rung(-7, 'first_reminder'),
      rung(0, 'second_reminder'),
      rung(7, 'third_reminder'),
      rung(14, 'limit_warning'),
      rung(29, 'stop_warning'),
    ],
    restrict: { ...rung(15, 'limit'), warning: 'limit_warning' },
    end: { ...rung(30, 'stop'), warning: 'stop_warning' },
    escalations: [rung(30, 'stop_decision_due'), rung(31, 'stop_decision_late'), rung(33, 'stop_decision_very_late')],
  },
};

export interface UnpaidInvoice {
  readonly invoiceId: string;
  readonly policy: PolicyName;
  /** The ladder stood at `afterMs` then: when the invoice was due at 0, or where a person has skipped to. */
  readonly ladder: { readonly atMs: number; readonly afterMs: number };
  readonly attempts: readonly ChargeAttempt[];
  /** Since when the customer himself is paying it; null: he is not. What his cards answer is no attempt of ours (D61). */
  readonly customerPaysSinceMs: number | null;
  /** From a person's word to the day that he gave. While one runs, this invoice restricts nobody. */
  readonly extensions: readonly { readonly fromMs: number; readonly toMs: number }[];
  readonly waived: boolean;
  /** A person's decision that the customer is to be stopped. */
  readonly stopDecidedAtMs: number | null;
  /** When the mail server took each notice over. */
  readonly handedOver: { readonly [N in Notice]?: number };
}

export type Stage = 'none' | 'limited' | 'stopped';

export interface Standing {
  readonly stage: Stage;
  readonly sinceMs: number | null;
  readonly planEndIsDue: boolean;
  readonly dueNotices: readonly Notice[];
  /** When time alone may change any of this; null: it will not. */
  readonly nextMs: number | null;
}

const CLEAR: Standing = { stage: 'none', sinceMs: null, planEndIsDue: false, dueNotices: [], nextMs: null };

/** Incidents: outages of Stripe, and what was declared one. */
export function standingOf(invoice: UnpaidInvoice, incidents: readonly Interval[], nowMs: number): Standing {
  if (invoice.waived) return CLEAR;
  const { restrict, end } = OVERDUE_POLICIES[invoice.policy];
  const limitedMs = limitedAt(invoice, incidents);
  const endedMs = limitedMs === null ? null : endedAt(invoice, incidents, limitedMs);
  const isExtended = covers(invoice.extensions, nowMs);
  const isInForce = (atMs: number | null): atMs is number => atMs !== null && atMs <= nowMs && !isExtended;
  const stopped = end.name === 'stop' && isInForce(endedMs);
  const sinceMs = stopped ? endedMs : limitedMs;
  return {
    stage: stopped ? 'stopped' : isInForce(limitedMs) ? 'limited' : 'none',
    sinceMs: isInForce(sinceMs) ? Math.max(sinceMs, ...extensionsEnded(invoice, nowMs)) : null,
    planEndIsDue: end.name === 'end_plan' && isInForce(endedMs) && !covers(pauses(invoice, incidents), nowMs),
    dueNotices: dueNotices(invoice, incidents, isInForce(limitedMs), nowMs),
    nextMs: nextMoment(invoice, incidents, [restrict, end], nowMs),
  };
}

/** When the ladder reaches a rung; null: it stands still before. */
export function rungAt(
  { ladder, attempts, extensions }: UnpaidInvoice,
  incidents: readonly Interval[],
  afterMs: number,
): number | null {
  const still = [...incidents, ...extensions, ...timesInDoubt(attempts)];
  return momentOnStoppedClock(ladder.atMs, afterMs - ladder.afterMs, still);
}

/** What is still to come if nothing is paid and nobody decides; restrictions may wait longer, for their warnings. */
export function rungsAhead(
  invoice: UnpaidInvoice,
  incidents: readonly Interval[],
  nowMs: number,
): { readonly name: RungName; readonly atMs: number }[] {
  const { notices, restrict, end, escalations } = OVERDUE_POLICIES[invoice.policy];
  const isUndecided = end.name === 'stop' && stopDecision(invoice) === null;
  return [...notices, restrict, ...(isUndecided ? escalations : [end])]
    .map(({ name, afterMs }) => ({ name, atMs: rungAt(invoice, incidents, afterMs) ?? Number.POSITIVE_INFINITY }))
    .filter(({ atMs }) => atMs > nowMs && Number.isFinite(atMs))
    .sort((a, b) => a.atMs - b.atMs);
}

/** Since when a person is asked whether the customer is to be stopped; null: nobody is, or time was given, or it is decided. */
export function stopDecisionAskedAt(invoice: UnpaidInvoice, nowMs: number): number | null {
  const { handedOver, waived, extensions } = invoice;
  const askedMs = OVERDUE_POLICIES[invoice.policy].escalations.flatMap(({ name }) => handedOver[name] ?? []);
  if (askedMs.length === 0 || waived || stopDecision(invoice) !== null || covers(extensions, nowMs)) return null;
  return Math.max(Math.min(...askedMs), ...extensionsEnded(invoice, nowMs));
}

function limitedAt(invoice: UnpaidInvoice, incidents: readonly Interval[]): number | null {
  return takesEffectAt(invoice, incidents, OVERDUE_POLICIES[invoice.policy].restrict, Number.NEGATIVE_INFINITY);
}

function endedAt(invoice: UnpaidInvoice, incidents: readonly Interval[], limitedMs: number): number | null {
  const { end } = OVERDUE_POLICIES[invoice.policy];
  if (end.name === 'end_plan') return takesEffectAt(invoice, incidents, end, limitedMs);
  const decidedMs = stopDecision(invoice);
  return decidedMs === null ? null : takesEffectAt(invoice, incidents, end, Math.max(limitedMs, decidedMs));
}

/** Whoever extends after he has decided has decided otherwise. */
function stopDecision({ stopDecidedAtMs, extensions }: UnpaidInvoice): number | null {
  const isWithdrawn = extensions.some(({ fromMs }) => stopDecidedAtMs !== null && fromMs > stopDecidedAtMs);
  return isWithdrawn ? null : stopDecidedAtMs;
}

/** A restriction whose warning was not handed over a day before waits for it, and one that falls into a pause for its end. */
function takesEffectAt(
  invoice: UnpaidInvoice,
  incidents: readonly Interval[],
  { afterMs, warning }: Restriction<RungName>,
  notBeforeMs: number,
): number | null {
  const reachedMs = rungAt(invoice, incidents, afterMs);
  const warnedMs = invoice.handedOver[warning];
  if (reachedMs === null || warnedMs === undefined) return null;
  return firstMomentOutside(pauses(invoice, incidents), Math.max(reachedMs, warnedMs + WARNED_BEFORE_MS, notBeforeMs));
}

/** A charge under way holds everything but the clock (D35): answered after the last day, it came too late (M33). */
function pauses(
  { attempts, extensions, customerPaysSinceMs }: UnpaidInvoice,
  incidents: readonly Interval[],
): Interval[] {
  const hisOwn = customerPaysSinceMs === null ? [] : [{ fromMs: customerPaysSinceMs, toMs: null }];
  return [...incidents, ...extensions, ...timesInDoubt(attempts), ...timesUnderWay(attempts), ...hisOwn];
}

function extensionsEnded({ extensions }: UnpaidInvoice, nowMs: number): number[] {
  return extensions.map(({ toMs }) => toMs).filter((toMs) => toMs <= nowMs);
}

function dueNotices(
  invoice: UnpaidInvoice,
  incidents: readonly Interval[],
  isLimited: boolean,
  nowMs: number,
): Notice[] {
  if (covers(pauses(invoice, incidents), nowMs)) return [];
  const { notices, escalations, end } = OVERDUE_POLICIES[invoice.policy];
  const isReached = ({ afterMs }: Rung<Notice>) =>
    (rungAt(invoice, incidents, afterMs) ?? Number.POSITIVE_INFINITY) <= nowMs;
  // Nobody is warned of the second restriction before he feels the first.
  const forCustomer = notices.filter(({ name }) => isLimited || name !== end.warning);
  const forStaff = isLimited && stopDecision(invoice) === null ? escalations : [];
  return [forCustomer, forStaff].flatMap((ladder) => lastUnsent(ladder, isReached, invoice.handedOver));
}

/** Whoever slept through three reminders sends the third. */
function lastUnsent(
  ladder: readonly Rung<Notice>[],
  isReached: (rung: Rung<Notice>) => boolean,
  handedOver: UnpaidInvoice['handedOver'],
): Notice[] {
  const last = ladder.findLastIndex(isReached);
  const isSent = ladder.slice(Math.max(last, 0)).some(({ name }) => handedOver[name] !== undefined);
  return ladder.slice(last, last + 1).flatMap(({ name }) => (isSent ? [] : [name]));
}

function nextMoment(
  invoice: UnpaidInvoice,
  incidents: readonly Interval[],
  restrictions: readonly Restriction<RungName>[],
  nowMs: number,
): number | null {
  const { notices, escalations } = OVERDUE_POLICIES[invoice.policy];
  const rungs = [...notices, ...restrictions, ...escalations].map(({ afterMs }) => rungAt(invoice, incidents, afterMs));
  const warned = restrictions.map(({ warning }) => (invoice.handedOver[warning] ?? Number.NaN) + WARNED_BEFORE_MS);
  const resumed = pauses(invoice, incidents).map(({ toMs }) => toMs);
  return earliestAfter(nowMs, [...rungs, ...warned, ...resumed]);
}
