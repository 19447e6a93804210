// What a subscription is: a period that is paid, what its customer wants after it, and at most one order whose payment is awaited. A
// period begins when it is paid and not before (billing.md 4.3); its bounds come from its anchor, never from the moment at which
// somebody woke up.
import { endOf, monthOf, type Period } from './billing-periods.ts';
import { isUpgrade, type Terms } from './plans.ts';
import type { Commanded } from './process-step.ts';

export interface Subscription extends Commanded {
  readonly phase: Phase;
  /** Of the period paid last. */
  readonly terms: Terms;
  readonly period: Period;
  readonly inForceFromMs: number;
  /** The invoice that paid for it. */
  readonly invoice: string;
  /** The month of the period whose credit was granted last. */
  readonly creditedMonth: number;
  readonly atPeriodEnd: 'renew' | 'cancel' | 'pause';
  /** What it renews to. */
  readonly nextTerms: Terms;
  /** Void invoices: money that arrives for one of them goes back. */
  readonly voided: readonly string[];
  readonly toRefund: readonly string[];
  /** Whose money Stripe would not give back: a person has to look at it. */
  readonly refundsRefused: readonly string[];
}

export type Phase =
  | { readonly kind: 'active' }
  | Paying
  | PastDue
  | Voiding
  | { readonly kind: 'paused' }
  | { readonly kind: 'ended'; readonly why: 'cancelled' | 'unpaid' | 'converted' };

export interface Paying {
  readonly kind: 'paying';
  readonly order: Order;
  readonly ifDeclined: 'past_due' | 'active' | 'paused';
  /** Since the first decline of an order that this one replaces. */
  readonly overdueSinceMs: number | null;
  /** Until when the customer may still confirm in person. */
  readonly authenticateByMs: number | null;
  readonly askAgainAtMs: number | null;
}

export interface PastDue {
  readonly kind: 'past_due';
  readonly order: Order;
  /** Since its first decline, or that of an order that it replaces. */
  readonly sinceMs: number;
}

/** The order's PaymentIntent is being cancelled, which may find that it was paid. */
export interface Voiding {
  readonly kind: 'voiding';
  readonly order: Order;
  readonly afterwards: Afterwards;
  readonly askAgainAtMs: number | null;
}

export type Afterwards =
  | { readonly kind: 'end'; readonly why: 'cancelled' | 'unpaid' }
  | { readonly kind: 'pause' }
  /** The order changes nothing. */
  | { readonly kind: 'return'; readonly to: 'active' | 'paused' }
  /** Another order takes its place. */
  | { readonly kind: 'replace'; readonly order: Order; readonly sinceMs: number }
  /** Its period passed unpaid: the one in force is ordered. */
  | { readonly kind: 'move_on'; readonly sinceMs: number };

/** The ids of invoices follow from their names. */
export interface Order {
  readonly invoice: string;
  readonly terms: Terms;
  readonly amountCents: number;
  /** Null: one that begins, with an anchor of its own, when it is paid. */
  readonly period: Period | null;
}

export function renewalOrder(terms: Terms, period: Period): Order {
  const invoice = `period:${new Date(period.anchorMs).toISOString()}:${period.firstMonth}`;
  return { invoice, terms, amountCents: terms.priceCents, period };
}

export function purchaseOrder(requestId: string, terms: Terms, amountCents: number): Order {
  return { invoice: purchaseName(requestId), terms, amountCents, period: null };
}

export function purchaseName(requestId: string): string {
  return `purchase:${requestId}`;
}

export function awaiting(order: Order, facts: Pick<Paying, 'ifDeclined'> & Partial<Paying>): Paying {
  return { kind: 'paying', order, overdueSinceMs: null, authenticateByMs: null, askAgainAtMs: null, ...facts };
}

export function voiding(order: Order, afterwards: Afterwards): Voiding {
  return { kind: 'voiding', order, afterwards, askAgainAtMs: null };
}

/** The order whose payment would be taken; null: there is none. */
export function openOrder({ phase }: Subscription): Order | null {
  return 'order' in phase ? phase.order : null;
}

/** When its card is asked next, if nobody says otherwise before; null: it is being asked, or no more. */
export function renewsAt({ phase, atPeriodEnd, period }: Subscription): number | null {
  return phase.kind === 'active' && atPeriodEnd === 'renew' ? endOf(period) : null;
}

/** Since when it has owed a renewal, whatever invoice asks for it now; null: it owes none. */
export function overdueSince({ phase }: Subscription): number | null {
  if (phase.kind === 'past_due') return phase.sinceMs;
  if (phase.kind === 'paying') return phase.overdueSinceMs;
  return phase.kind === 'voiding' && 'sinceMs' in phase.afterwards ? phase.afterwards.sinceMs : null;
}

/** Begins with its first payment: before it there is a Checkout Session and no subscription. */
export function newSubscription(terms: Terms, invoice: string, paidAtMs: number): Subscription {
  return {
    revision: 1,
    requestIds: [],
    phase: { kind: 'active' },
    terms,
    period: { anchorMs: paidAtMs, firstMonth: 0, months: terms.months },
    inForceFromMs: paidAtMs,
    invoice,
    creditedMonth: 0,
    atPeriodEnd: 'renew',
    nextTerms: terms,
    voided: [],
    toRefund: [],
    refundsRefused: [],
  };
}

/**
 * Whose rates, seats and models count now. Null: pay-as-you-go. In grace, those of the order, so that what is left behind ends on
 * time (M28); but nothing is given in advance.
 */
export function termsInForce(subscription: Subscription, nowMs: number): Terms | null {
  const { phase, terms, period, nextTerms } = subscription;
  if (phase.kind === 'ended' || isPaused(phase)) return null;
  if (nowMs < endOf(period)) return terms;
  const awaited = openOrder(subscription)?.terms ?? nextTerms;
  return isUpgrade(terms, awaited) ? terms : awaited;
}

function isPaused(phase: Phase): boolean {
  if (phase.kind === 'paying') return phase.ifDeclined === 'paused';
  if (phase.kind === 'voiding') return phase.afterwards.kind === 'return' && phase.afterwards.to === 'paused';
  return phase.kind === 'paused';
}

export interface MonthOfCredit {
  /** That paid for it: with the month it names the grant. */
  readonly invoice: string;
  readonly month: Period;
  /** Not before somebody is there to grant it: credit has no past. */
  readonly fromMs: number;
  readonly untilMs: number;
  readonly creditCents: number;
}

export function monthOfCredit(
  { invoice, period, terms }: Pick<Subscription, 'invoice' | 'period' | 'terms'>,
  nowMs: number,
): MonthOfCredit {
  const month = monthOf(period, nowMs);
  return { invoice, month, fromMs: nowMs, untilMs: endOf(month), creditCents: terms.monthlyCreditCents };
}

export type SubscriptionWrite =
  /** Nothing is charged and nothing is granted for it. */
  | { readonly kind: 'period_skipped'; readonly period: Period }
  | { readonly kind: 'period_begun'; readonly order: Order; readonly period: Period; readonly fromMs: number }
  /** An upgrade, or a contract, takes its place: what is left of its included credit is void. */
  | { readonly kind: 'period_cut'; readonly period: Period; readonly atMs: number }
  | ({ readonly kind: 'credit_granted' } & MonthOfCredit)
  | { readonly kind: 'ordered'; readonly order: Order }
  | { readonly kind: 'paused' }
  | { readonly kind: 'plan_ended'; readonly why: 'cancelled' | 'unpaid' | 'converted' };

/** The state on its way, with what has been written so far. */
export interface Course {
  readonly state: Subscription;
  readonly writes: readonly SubscriptionWrite[];
}

export function entering({ state, writes }: Course, phase: Subscription['phase']): Course {
  return { state: { ...state, phase }, writes };
}

export function pausing(course: Course): Course {
  const { state, writes } = entering(course, { kind: 'paused' });
  return { state, writes: [...writes, { kind: 'paused' }] };
}
