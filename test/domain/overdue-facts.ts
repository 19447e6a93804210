// Unpaid invoices for tests: with the facts that a test is about, and at random with everything that may have happened to one by now.
import fc from 'fast-check';
import type { ChargeAttempt } from '../../domain/charges.ts';
import { classifyDecline } from '../../domain/declines.ts';
import type { EnforcementFacts } from '../../domain/enforcement.ts';
import type { Interval } from '../../domain/intervals.ts';
import { type Notice, OVERDUE_POLICIES, type UnpaidInvoice } from '../../domain/overdue-policy.ts';

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
export const days = (count: number): number => count * DAY_MS;

export const softDecline = classifyDecline({
  declineCode: 'insufficient_funds',
  adviceCode: null,
  networkAdviceCode: null,
});

/** Due at 0. */
export function unpaid(facts: Partial<UnpaidInvoice> = {}): UnpaidInvoice {
  return {
    invoiceId: 'invoice',
    policy: 'renewal',
    ladder: { atMs: 0, afterMs: 0 },
    attempts: [],
    extensions: [],
    waived: false,
    stopDecidedAtMs: null,
    customerPaysSinceMs: null,
    handedOver: {},
    ...facts,
  };
}

/** Whose mails all went out when they were due. */
export function warned(facts: Partial<UnpaidInvoice> = {}): UnpaidInvoice {
  const invoice = unpaid(facts);
  const { notices } = OVERDUE_POLICIES[invoice.policy];
  const handedOver = Object.fromEntries(notices.map(({ name, afterMs }) => [name, afterMs]));
  return { ...invoice, handedOver: { ...handedOver, ...facts.handedOver } };
}

export interface AtSomeTime {
  readonly facts: EnforcementFacts;
  readonly nowMs: number;
}

/** Nothing in the facts is later than now, but for the days to which somebody extended. */
export const anyFacts: fc.Arbitrary<AtSomeTime> = fc.integer({ min: -200, max: 1_200 }).chain((nowHours) => {
  const past = fc.integer({ min: -240, max: nowHours }).map((hours) => hours * HOUR_MS);
  const invoices = fc.array(invoiceUntil(past), { minLength: 1, maxLength: 3 });
  return fc
    .record({
      unpaidInvoices: invoices.map((some) => some.map((one, n) => ({ ...one, invoiceId: `invoice-${n}` }))),
      incidents: fc.array(intervalUntil(past), { maxLength: 2, size: 'xsmall' }),
      moving: fc.constant(null),
    })
    .map((facts) => ({ facts, nowMs: nowHours * HOUR_MS }));
});

function intervalUntil(past: fc.Arbitrary<number>): fc.Arbitrary<Interval> {
  return fc
    .tuple(past, past, fc.boolean())
    .map(([a, b, isOver]) => ({ fromMs: Math.min(a, b), toMs: isOver || a % 7 ? Math.max(a, b) : null }));
}

function invoiceUntil(past: fc.Arbitrary<number>): fc.Arbitrary<UnpaidInvoice> {
  const mailed = (name: Notice) => past.map((atMs) => [name, atMs] as const);
  const notices = [...OVERDUE_POLICIES.renewal.notices, ...OVERDUE_POLICIES.postpaid.notices].map(({ name }) => name);
  return fc
    .record({
      policy: fc.constantFrom('renewal', 'postpaid'),
      attempts: attemptsUntil(past),
      extensions: fc.array(
        fc.tuple(past, fc.integer({ min: 1, max: 300 })).map(([fromMs, hours]) => ({
          fromMs,
          toMs: fromMs + hours * HOUR_MS,
        })),
        { maxLength: 2, size: 'xsmall' },
      ),
      customerPaysSinceMs: fc.option(past, { freq: 1 }),
      stopDecidedAtMs: fc.option(past),
      mails: fc.tuple(...notices.map((name) => fc.option(mailed(name), { freq: 8 }))),
    })
    .map(({ mails, ...facts }) =>
      unpaid({ ...facts, handedOver: Object.fromEntries(mails.filter((mail) => mail !== null)) }),
    );
}

/** One after the other, the last one perhaps still open. */
function attemptsUntil(past: fc.Arbitrary<number>): fc.Arbitrary<ChargeAttempt[]> {
  const ends = fc.constantFrom<'declined' | 'fault' | 'doubt'>('declined', 'declined', 'fault', 'doubt');
  return fc
    .tuple(fc.array(past, { maxLength: 7 }), fc.array(ends, { minLength: 7, maxLength: 7 }))
    .map(([times, how]) => {
      const inOrder = times.toSorted((a, b) => a - b);
      return inOrder.flatMap((askedAtMs, n): ChargeAttempt[] => {
        if (n % 2 === 1) return [];
        const endMs = inOrder[n + 1];
        const decline = how[n] === 'fault' ? null : softDecline;
        return [
          {
            number: n / 2 + 1,
            askedAtMs,
            doubtfulAtMs: how[n] === 'doubt' ? askedAtMs : null,
            answer: endMs === undefined ? null : { atMs: endMs, decline },
          },
        ];
      });
    });
}
