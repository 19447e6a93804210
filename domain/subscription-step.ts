// How a subscription goes on: time passes, payments are answered, people command. Whatever the order of events, a period is paid at
// most once and begins with its payment, and money that bought nothing is given back.
import { endOf, monthOf } from './billing-periods.ts';
import type { ChargeOutcome } from './charges.ts';
import { earliestAfter } from './moments.ts';
import type { Refused, Stepped } from './process-step.ts';
import {
  type Course,
  entering,
  monthOfCredit,
  type Order,
  openOrder,
  pausing,
  type Subscription,
  type SubscriptionWrite,
  voiding,
} from './subscription.ts';
import { obeyed, type SubscriptionCommand, type SubscriptionRefusal } from './subscription-commands.ts';
import {
  askingLater,
  declined,
  orderedAnew,
  orderFound,
  ordering,
  paid,
  refunded,
  refundRefused,
  voided,
  voidInDoubt,
} from './subscription-payments.ts';

export type SubscriptionFact =
  | { readonly kind: 'tick' }
  | { readonly kind: 'charged'; readonly invoice: string; readonly outcome: ChargeOutcome }
  /** The PaymentIntent is cancelled: it will take no money. */
  | { readonly kind: 'voided'; readonly invoice: string }
  /** It cannot be said yet whether it took money. */
  | { readonly kind: 'void_in_doubt'; readonly invoice: string }
  /** Dunning has come to its end. */
  | { readonly kind: 'grace_over'; readonly invoice: string }
  | { readonly kind: 'refunded'; readonly invoice: string }
  | { readonly kind: 'refund_refused'; readonly invoice: string }
  /** It was ordered in days that a restored database has forgotten, and is paid: 'charged' follows. */
  | { readonly kind: 'order_found'; readonly order: Order }
  /** The organization has become an enterprise. Not while anything is asked of Stripe for it (`isAtRest`). */
  | { readonly kind: 'converted' };

export type SubscriptionAsk =
  | { readonly kind: 'charge'; readonly order: Order }
  | { readonly kind: 'start_dunning'; readonly invoice: string; readonly overdueSinceMs: number }
  | { readonly kind: 'void_invoice'; readonly invoice: string }
  | { readonly kind: 'refund'; readonly invoice: string };

export type SubscriptionResult =
  | Stepped<Subscription, SubscriptionWrite, SubscriptionAsk>
  | Refused<SubscriptionRefusal>;

export function stepSubscription(
  before: Subscription,
  event: SubscriptionFact | SubscriptionCommand,
  nowMs: number,
): SubscriptionResult {
  const current = timePassed({ state: before, writes: [] }, nowMs);
  const told = 'requestId' in event ? commanded(current, event, before.revision) : learned(current, event, nowMs);
  if ('kind' in told) return told;
  const { state: after, writes } = timePassed(told, nowMs);
  const state = after === before ? before : { ...after, revision: before.revision + 1 };
  return {
    kind: 'stepped',
    state,
    writes: [...writes, ...changesOfPhase(before, state)],
    asks: asksOf(state, nowMs),
    wakeAtMs: wakeAt(state, nowMs),
  };
}

function commanded(
  { state, writes }: Course,
  command: SubscriptionCommand,
  seenRevision: number,
): Course | Refused<SubscriptionRefusal> {
  const done = obeyed(state, command, seenRevision);
  return 'kind' in done ? done : { state: done, writes };
}

function timePassed(course: Course, nowMs: number): Course {
  const credited = creditForMonth(course, nowMs);
  const { phase, period } = credited.state;
  switch (phase.kind) {
    case 'active':
      return nowMs < endOf(period) ? credited : periodOver(credited, nowMs);
    case 'paying': {
      if (phase.ifDeclined === 'past_due' || (phase.authenticateByMs ?? nowMs + 1) > nowMs) return credited;
      return entering(credited, voiding(phase.order, { kind: 'return', to: phase.ifDeclined }));
    }
    case 'past_due': {
      if (phase.order.period === null || nowMs < endOf(phase.order.period)) return credited;
      return entering(credited, voiding(phase.order, { kind: 'move_on', sinceMs: phase.sinceMs }));
    }
    default:
      return credited;
  }
}

function creditForMonth(course: Course, nowMs: number): Course {
  const { period, creditedMonth, phase } = course.state;
  const credit = monthOfCredit(course.state, nowMs);
  const { firstMonth } = credit.month;
  if (nowMs >= endOf(period) || firstMonth <= creditedMonth || phase.kind === 'ended') return course;
  return {
    state: { ...course.state, creditedMonth: firstMonth },
    writes: [...course.writes, { kind: 'credit_granted', ...credit }],
  };
}

function periodOver(course: Course, nowMs: number): Course {
  const { atPeriodEnd, period, nextTerms } = course.state;
  if (atPeriodEnd === 'cancel') return entering(course, { kind: 'ended', why: 'cancelled' });
  if (atPeriodEnd === 'pause') return pausing(course);
  return ordering(course, period, nextTerms, null, nowMs);
}

function learned(course: Course, fact: SubscriptionFact, nowMs: number): Course {
  const { phase } = course.state;
  if (fact.kind === 'tick') return course;
  if (fact.kind === 'converted') return converted(course, nowMs);
  if (fact.kind === 'order_found') return orderFound(course, fact.order);
  if (fact.kind === 'refunded') return refunded(course, fact.invoice);
  if (fact.kind === 'refund_refused') return refundRefused(course, fact.invoice);
  if (fact.kind === 'charged' && fact.outcome.kind === 'paid') return paid(course, fact.invoice, nowMs);
  if (openOrder(course.state)?.invoice !== fact.invoice) return course;
  if (fact.kind === 'charged' && phase.kind === 'paying') {
    return fact.outcome.kind === 'declined'
      ? declined(course, phase, fact.outcome.decline, nowMs)
      : askingLater(course, phase, nowMs);
  }
  if (fact.kind === 'voided' && phase.kind === 'voiding') return voided(course, phase, nowMs);
  if (fact.kind === 'voided' && phase.kind === 'past_due') return orderedAnew(course, phase);
  if (fact.kind === 'void_in_doubt' && phase.kind === 'voiding') return voidInDoubt(course, phase, nowMs);
  if (fact.kind === 'grace_over' && phase.kind === 'past_due') {
    return entering(course, voiding(phase.order, { kind: 'end', why: 'unpaid' }));
  }
  return course;
}

/** Nothing of it is under way: neither charged, nor cancelled, nor owed. */
export function isAtRest({ phase, toRefund }: Subscription): boolean {
  return (phase.kind === 'active' || phase.kind === 'paused' || phase.kind === 'ended') && toRefund.length === 0;
}

function converted(course: Course, nowMs: number): Course {
  const { state, writes } = course;
  if (!isAtRest(state) || state.phase.kind === 'ended') return course;
  const { period } = state;
  const cut = nowMs < endOf(period) ? [{ kind: 'period_cut', period, atMs: nowMs } as const] : [];
  return entering({ state, writes: [...writes, ...cut] }, { kind: 'ended', why: 'converted' });
}

function changesOfPhase({ phase: before }: Subscription, { phase: after }: Subscription): SubscriptionWrite[] {
  const known = 'order' in before ? before.order.invoice : null;
  const ordered =
    'order' in after && after.order.invoice !== known ? [{ kind: 'ordered', order: after.order } as const] : [];
  const ended =
    after.kind === 'ended' && before.kind !== 'ended' ? [{ kind: 'plan_ended', why: after.why } as const] : [];
  return [...ordered, ...ended];
}

function asksOf({ phase, toRefund }: Subscription, nowMs: number): SubscriptionAsk[] {
  const refunds = toRefund.map((invoice) => ({ kind: 'refund', invoice }) as const);
  switch (phase.kind) {
    case 'paying': {
      const isDue = phase.authenticateByMs === null && (phase.askAgainAtMs ?? nowMs) <= nowMs;
      return isDue ? [...refunds, { kind: 'charge', order: phase.order }] : refunds;
    }
    case 'past_due':
      return [...refunds, { kind: 'start_dunning', invoice: phase.order.invoice, overdueSinceMs: phase.sinceMs }];
    case 'voiding': {
      const isDue = (phase.askAgainAtMs ?? nowMs) <= nowMs;
      return isDue ? [...refunds, { kind: 'void_invoice', invoice: phase.order.invoice }] : refunds;
    }
    default:
      return refunds;
  }
}

function wakeAt({ phase, period }: Subscription, nowMs: number): number | null {
  const monthOver = phase.kind === 'ended' || phase.kind === 'paused' ? null : endOf(monthOf(period, nowMs));
  switch (phase.kind) {
    case 'paying':
      return earliestAfter(nowMs, [monthOver, phase.authenticateByMs, phase.askAgainAtMs]);
    case 'past_due':
      return earliestAfter(nowMs, [phase.order.period === null ? null : endOf(phase.order.period)]);
    case 'voiding':
      return earliestAfter(nowMs, [monthOver, phase.askAgainAtMs]);
    default:
      return earliestAfter(nowMs, [monthOver]);
  }
}
