// What the answers of Stripe make of a subscription: paid, declined, void, or not known yet. Money that arrives for an order begins its
// period whatever was planned meanwhile; money that arrives for a void one goes back.
import { endOf, following, type Period } from './billing-periods.ts';
import { ASK_AGAIN_AFTER_MS } from './charges.ts';
import type { Decline } from './declines.ts';
import { DAY_MS } from './moments.ts';
import { isUpgrade, type Terms } from './plans.ts';
import {
  type Afterwards,
  awaiting,
  type Course,
  entering,
  monthOfCredit,
  type Order,
  openOrder,
  type PastDue,
  type Paying,
  pausing,
  purchaseOrder,
  renewalOrder,
  type Subscription,
  type Voiding,
  voiding,
} from './subscription.ts';

export function paid(course: Course, invoice: string, nowMs: number): Course {
  const { state, writes } = course;
  const order = openOrder(state);
  if (order?.invoice === invoice) return begun(course, order, nowMs);
  if (!state.voided.includes(invoice) || state.toRefund.includes(invoice)) return course;
  return { state: { ...state, toRefund: [...state.toRefund, invoice] }, writes };
}

export function refunded({ state, writes }: Course, invoice: string): Course {
  const { toRefund, refundsRefused, voided } = state;
  if (!toRefund.includes(invoice) && !refundsRefused.includes(invoice)) return { state, writes };
  const others = (invoices: readonly string[]) => invoices.filter((one) => one !== invoice);
  return {
    state: {
      ...state,
      toRefund: others(toRefund),
      refundsRefused: others(refundsRefused),
      voided: others(voided),
    },
    writes,
  };
}

/** Also of one that had gone back, and came back later. It is not asked for again before a person says so. */
export function refundRefused({ state, writes }: Course, invoice: string): Course {
  if (state.refundsRefused.includes(invoice)) return { state, writes };
  const toRefund = state.toRefund.filter((one) => one !== invoice);
  return { state: { ...state, toRefund, refundsRefused: [...state.refundsRefused, invoice] }, writes };
}

/** A payment that comes after the end of its period buys one from now on: money never buys the past. */
function begun({ state, writes }: Course, order: Order, nowMs: number): Course {
  const { terms } = order;
  const isInTime = order.period !== null && nowMs < endOf(order.period);
  const period = isInTime ? order.period : ({ anchorMs: nowMs, firstMonth: 0, months: terms.months } as const);
  const passed = isInTime || order.period === null ? [] : [{ kind: 'period_skipped', period: order.period } as const];
  const cut = nowMs < endOf(state.period) ? [{ kind: 'period_cut', period: state.period, atMs: nowMs } as const] : [];
  const credit = monthOfCredit({ invoice: order.invoice, period, terms }, nowMs);
  const active: Subscription = {
    ...state,
    phase: { kind: 'active' },
    terms,
    period,
    inForceFromMs: nowMs,
    invoice: order.invoice,
    creditedMonth: credit.month.firstMonth,
    nextTerms: terms,
  };
  const begins = { kind: 'period_begun', order, period, fromMs: nowMs } as const;
  return {
    state: state.phase.kind === 'voiding' ? afterAll(active, order, state.phase.afterwards) : active,
    writes: [...writes, ...passed, ...cut, begins, { kind: 'credit_granted', ...credit }],
  };
}

/** Paid while it was being cancelled: the change for which it was cancelled is now one of a paid period (D34), as in M34. */
function afterAll(active: Subscription, order: Order, afterwards: Afterwards): Subscription {
  if (afterwards.kind !== 'replace') return active;
  if (!isUpgrade(order.terms, afterwards.order.terms)) return { ...active, nextTerms: afterwards.order.terms };
  const amountCents = afterwards.order.terms.priceCents - order.amountCents;
  return { ...active, phase: awaiting({ ...afterwards.order, amountCents }, { ifDeclined: 'active' }) };
}

const AUTHENTICATE_WITHIN_MS = DAY_MS;

export function declined(course: Course, phase: Paying, decline: Decline, nowMs: number): Course {
  const { atPeriodEnd, period } = course.state;
  const { order, ifDeclined } = phase;
  if (ifDeclined !== 'past_due') {
    if (decline.class !== 'authenticate') return entering(course, voiding(order, { kind: 'return', to: ifDeclined }));
    if (phase.authenticateByMs !== null) return course;
    const latestMs = nowMs + AUTHENTICATE_WITHIN_MS;
    const authenticateByMs = ifDeclined === 'active' ? Math.min(latestMs, endOf(period)) : latestMs;
    return entering(course, { ...phase, authenticateByMs });
  }
  if (atPeriodEnd === 'cancel') return entering(course, voiding(order, { kind: 'end', why: 'cancelled' }));
  if (atPeriodEnd === 'pause') return entering(course, voiding(order, { kind: 'pause' }));
  return entering(course, { kind: 'past_due', order, sinceMs: phase.overdueSinceMs ?? nowMs });
}

export function askingLater(course: Course, phase: Paying | Voiding, nowMs: number): Course {
  const askAgainAtMs = nowMs + ASK_AGAIN_AFTER_MS;
  return phase.askAgainAtMs === askAgainAtMs ? course : entering(course, { ...phase, askAgainAtMs });
}

const VOIDED_REMEMBERED = 50;

function remembering({ state, writes }: Course, { invoice }: Order): Course {
  return { state: { ...state, voided: [...state.voided, invoice].slice(-VOIDED_REMEMBERED) }, writes };
}

export function voided(course: Course, { order, afterwards }: Voiding, nowMs: number): Course {
  const remembered = remembering(course, order);
  switch (afterwards.kind) {
    case 'end':
      return entering(remembered, { kind: 'ended', why: afterwards.why });
    case 'pause':
      return pausing(remembered);
    case 'return': {
      const isLeaving = afterwards.to === 'paused' && course.state.atPeriodEnd === 'cancel';
      return entering(remembered, isLeaving ? { kind: 'ended', why: 'cancelled' } : { kind: afterwards.to });
    }
    case 'replace':
      return entering(
        remembered,
        awaiting(afterwards.order, { ifDeclined: 'past_due', overdueSinceMs: afterwards.sinceMs }),
      );
    case 'move_on':
      return movingOn(remembered, order, afterwards.sinceMs, nowMs);
  }
}

/** Of two who cancelled it for a change of plan one was in doubt, and the change was dropped: the plan is asked for anew, as overdue as it was. */
export function orderedAnew(course: Course, { order, sinceMs }: PastDue): Course {
  const { invoice, terms } = order;
  const anew = purchaseOrder(invoice, terms, terms.priceCents);
  return entering(remembering(course, order), awaiting(anew, { ifDeclined: 'past_due', overdueSinceMs: sinceMs }));
}

/**
 * Whatever is asked for in its place is void, also the end of a subscription that somebody has paid to go on with. What is asked for by its own
 * name is what was paid, whatever the clock would have ordered.
 */
export function orderFound(course: Course, order: Order): Course {
  const { state } = course;
  const { phase } = state;
  if ('order' in phase && phase.order.invoice === order.invoice) return entering(course, { ...phase, order });
  const instead = openOrder(state);
  const freed = instead === null ? course : remembering(course, instead);
  const isEnded = state.phase.kind === 'ended';
  return entering(
    { ...freed, state: isEnded ? { ...freed.state, atPeriodEnd: 'renew' } : freed.state },
    awaiting(order, { ifDeclined: 'active' }),
  );
}

function movingOn(course: Course, { period, terms }: Order, sinceMs: number, nowMs: number): Course {
  if (period === null) return course;
  const writes = [...course.writes, { kind: 'period_skipped', period } as const];
  return ordering({ ...course, writes }, period, terms, sinceMs, nowMs);
}

/** A change that cannot be made now is not made (409 at the API); an end waits. */
export function voidInDoubt(course: Course, phase: Voiding, nowMs: number): Course {
  if (phase.afterwards.kind !== 'replace') return askingLater(course, phase, nowMs);
  return entering(course, { kind: 'past_due', order: phase.order, sinceMs: phase.afterwards.sinceMs });
}

/** The period that follows, or after an outage the one in force. */
export function ordering(
  course: Course,
  last: Period,
  terms: Terms,
  overdueSinceMs: number | null,
  nowMs: number,
): Course {
  const { period, skipped } = following(last, terms.months, nowMs);
  return {
    state: {
      ...course.state,
      phase: awaiting(renewalOrder(terms, period), { ifDeclined: 'past_due', overdueSinceMs }),
    },
    writes: [...course.writes, ...skipped.map((one) => ({ kind: 'period_skipped', period: one }) as const)],
  };
}
