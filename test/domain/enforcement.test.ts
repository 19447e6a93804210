// Enforcement is a function of facts: not of their order, not of how often it is asked, and never harsher than they allow.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type EnforcementFacts, enforcementOf, requestsPerMinuteAt } from '../../domain/enforcement.ts';
import { covers } from '../../domain/intervals.ts';
import type { Stage } from '../../domain/overdue-policy.ts';
import { anyFacts, DAY_MS, days, HOUR_MS, warned } from './overdue-facts.ts';

const SEVERITY: readonly Stage[] = ['none', 'limited', 'stopped'];
const severity = (facts: EnforcementFacts, nowMs: number) => SEVERITY.indexOf(enforcementOf(facts, nowMs).stage);

function owing(...unpaidInvoices: EnforcementFacts['unpaidInvoices']): EnforcementFacts {
  return { unpaidInvoices, incidents: [], moving: null };
}

const older = warned({ invoiceId: 'b-older' });
const younger = warned({
  invoiceId: 'a-younger',
  ladder: { atMs: days(2), afterMs: 0 },
  handedOver: { limit_warning: days(8) },
});

describe('what an organization owes', () => {
  test('whoever owes nothing may do everything', () => {
    expect(enforcementOf(owing(), days(10))).toEqual({
      stage: 'none',
      sinceMs: null,
      reasons: [],
      dueNotices: [],
      nextReevaluationAtMs: null,
    });
  });

  test('with two invoices open and one paid it stays limited, since the other one', () => {
    const both = enforcementOf(owing(older, younger), days(10));
    const one = enforcementOf(owing(younger), days(10));

    expect(both).toMatchObject({ stage: 'limited', sinceMs: days(7) });
    expect(both.reasons.map(({ invoiceId }) => invoiceId)).toEqual(['a-younger', 'b-older']);
    expect(one).toMatchObject({ stage: 'limited', sinceMs: days(9) });
  });

  test('waiving after the stop lifts it', () => {
    const stopped = warned({ policy: 'postpaid', stopDecidedAtMs: days(30) });

    expect(enforcementOf(owing(stopped), days(31)).stage).toBe('stopped');
    expect(enforcementOf(owing({ ...stopped, waived: true }), days(31)).stage).toBe('none');
  });

  test('M35: a part payment leaves the rest overdue, and it is stopped only when a person says so', () => {
    const rest = warned({ policy: 'postpaid' });

    expect(enforcementOf(owing(rest), days(60)).stage).toBe('limited');
    expect(enforcementOf(owing({ ...rest, stopDecidedAtMs: days(60) }), days(60)).stage).toBe('stopped');
  });
});

describe('whatever the facts', () => {
  test('the order in which they came changes nothing', () => {
    fc.assert(
      fc.property(anyFacts, fc.nat(), ({ facts, nowMs }, seed) => {
        const turned = <T>(some: readonly T[]) =>
          seed % 2 ? some.toReversed() : [...some.slice(1), ...some.slice(0, 1)];
        const shuffled: EnforcementFacts = {
          moving: facts.moving,
          incidents: turned(facts.incidents),
          unpaidInvoices: turned(facts.unpaidInvoices.map((one) => ({ ...one, extensions: turned(one.extensions) }))),
        };

        expect(enforcementOf(shuffled, nowMs)).toEqual(enforcementOf(facts, nowMs));
      }),
    );
  });

  test('time alone never lifts a stage', () => {
    fc.assert(
      fc.property(anyFacts, fc.array(fc.nat(2_000), { minLength: 2, maxLength: 6 }), ({ facts, nowMs }, hours) => {
        const stages = hours.toSorted((a, b) => a - b).map((later) => severity(facts, nowMs + later * HOUR_MS));

        expect(stages).toEqual(stages.toSorted((a, b) => a - b));
      }),
      { numRuns: 1_000 },
    );
  });

  test('until the moment at which it wants to be asked again nothing changes, and that moment is ahead', () => {
    fc.assert(
      fc.property(anyFacts, fc.nat(1_000), ({ facts, nowMs }, permille) => {
        const { nextReevaluationAtMs: nextMs, ...now } = enforcementOf(facts, nowMs);
        const endMs = nextMs ?? nowMs + days(2_000);
        const { nextReevaluationAtMs: _, ...before } = enforcementOf(
          facts,
          Math.min(endMs - 1, Math.floor(nowMs + (permille / 1_000) * (endMs - nowMs))),
        );

        expect(endMs).toBeGreaterThan(nowMs);
        expect(before).toEqual(now);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('whatever the facts, nobody is treated harsher than they allow', () => {
  test('one more debt never makes it milder, and the harshest decides', () => {
    fc.assert(
      fc.property(anyFacts, ({ facts, nowMs }) => {
        const alone = facts.unpaidInvoices.map((one) => severity({ ...facts, unpaidInvoices: [one] }, nowMs));

        expect(severity(facts, nowMs)).toBe(Math.max(0, ...alone));
      }),
    );
  });

  test('nobody is restricted without a warning a day before, nor earlier than the ladder says', () => {
    fc.assert(
      fc.property(anyFacts, ({ facts, nowMs }) => {
        for (const { invoiceId, stage, sinceMs } of enforcementOf(facts, nowMs).reasons) {
          const invoice = facts.unpaidInvoices.find((one) => one.invoiceId === invoiceId) ?? warned();
          const { handedOver, policy } = invoice;
          const warning = stage === 'stopped' ? handedOver.stop_warning : handedOver.limit_warning;
          const counted = policy === 'renewal' ? 7 : stage === 'stopped' ? 30 : 15;

          expect(sinceMs - (warning ?? Number.POSITIVE_INFINITY)).toBeGreaterThanOrEqual(DAY_MS);
          expect(sinceMs).toBeGreaterThanOrEqual(days(counted));
          expect(covers(invoice.extensions, nowMs)).toBe(false);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test('only a postpaid debt stops, and only from a decision on that is younger than every extension', () => {
    fc.assert(
      fc.property(anyFacts, ({ facts, nowMs }) => {
        const stopping = enforcementOf(facts, nowMs).reasons.filter(({ stage }) => stage === 'stopped');
        for (const { invoiceId, sinceMs } of stopping) {
          const invoice = facts.unpaidInvoices.find((one) => one.invoiceId === invoiceId) ?? warned();
          const decidedMs = invoice.stopDecidedAtMs ?? Number.NEGATIVE_INFINITY;

          expect(invoice.policy).toBe('postpaid');
          expect(invoice.extensions.every(({ fromMs }) => fromMs <= decidedMs)).toBe(true);
          expect(sinceMs).toBeGreaterThanOrEqual(decidedMs);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

test('whoever is restricted has a tenth of his requests a minute, and one at least, and no rate where he had none', () => {
  const rates = [600, 19, 10, 9, 1, null];

  expect(rates.map((rate) => requestsPerMinuteAt('none', rate))).toEqual(rates);
  expect(rates.map((rate) => requestsPerMinuteAt('limited', rate))).toEqual([60, 1, 1, 1, 1, null]);
});
