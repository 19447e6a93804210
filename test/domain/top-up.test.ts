// A top-up buys what was agreed, once, and never beyond what its customer allows, whatever the gateways and Stripe say in which order.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { ChargeOutcome } from '../../domain/charges.ts';
import { formatUsd, nano } from '../../domain/nano.ts';
import type { Tax } from '../../domain/tax.ts';
import {
  newTopUp,
  stepTopUp,
  type TopUp,
  type TopUpCommand,
  type TopUpFact,
  type TopUpSettings,
} from '../../domain/top-up.ts';
import { at, PAID, refusal, UNKNOWN } from './billing-world.ts';
import { days, HOUR_MS } from './overdue-facts.ts';

const NOON = at('2027-04-10T12:00:00Z');
const declined = refusal('insufficient_funds');
const FAULT: ChargeOutcome = { kind: 'fault' };
const settings: TopUpSettings = {
  thresholdCents: 500,
  amountCents: 2_500,
  dailyCapCents: 5_000,
  monthlyCapCents: 10_000,
};

const UNTAXED: Tax = { kind: 'none' };

function stepped(state: TopUp, event: TopUpFact | TopUpCommand, nowMs: number, tax = UNTAXED) {
  const result = stepTopUp(state, event, nowMs, tax);
  if (result.kind === 'refused') throw new Error(result.reason);
  return result;
}

const balance = (usd: string): TopUpFact => ({ kind: 'balance', balanceNano: usd.replace('.', '') });
const LOW = balance('4.999000000');
const configure = { kind: 'configure', settings, requestId: 'on', revision: 1 } as const;
const on = stepped(newTopUp(), configure, NOON).state;

/** Low, charged, answered so. */
function answered(state: TopUp, outcome: ChargeOutcome, nowMs: number) {
  const low = stepped(state, LOW, nowMs);
  return stepped(low.state, { kind: 'charged', number: low.state.made, outcome }, nowMs);
}

test('M36: two gateways that fall below 5.00 at once buy 25.00 once', () => {
  let credit = nano('5001000000');
  const spend = () => {
    credit = nano(credit - 2_000_000n);
    return { kind: 'balance', balanceNano: credit.toString() } as const;
  };

  const first = stepped(on, spend(), NOON);
  const second = stepped(first.state, spend(), NOON);
  const paid = stepped(second.state, { kind: 'charged', number: 1, outcome: PAID }, NOON);
  credit = nano(credit + 25_000_000_000n);

  expect([first, second].map(({ asks }) => asks)).toEqual([
    [{ kind: 'charge', number: 1, amountCents: 2_500 }],
    [{ kind: 'charge', number: 1, amountCents: 2_500 }],
  ]);
  expect(paid).toMatchObject({ asks: [], writes: [{ kind: 'topped_up', number: 1, amountCents: 2_500 }] });
  expect(formatUsd(credit)).toBe('29.997000000');
});

test('M36: after a decline nothing is tried for an hour', () => {
  const { state, wakeAtMs, writes } = answered(on, declined, NOON);

  expect([writes, wakeAtMs]).toEqual([[{ kind: 'declined', number: 1 }], NOON + HOUR_MS]);
  expect(stepped(state, LOW, NOON + HOUR_MS - 1).asks).toEqual([]);
  expect(stepped(state, LOW, NOON + HOUR_MS).asks).toEqual([{ kind: 'charge', number: 2, amountCents: 2_500 }]);
});

test('M36: after three declines in a row it is off, until somebody switches it on', () => {
  const twice = [0, 1].reduce((state, hour) => answered(state, declined, NOON + hour * HOUR_MS).state, on);

  const { state, writes, wakeAtMs } = answered(twice, declined, NOON + 2 * HOUR_MS);

  expect([writes, wakeAtMs]).toEqual([[{ kind: 'declined', number: 3 }, { kind: 'switched_off' }], null]);
  expect(stepped(state, LOW, NOON + days(9)).asks).toEqual([]);
  const again = stepped(state, { ...configure, requestId: 'again', revision: state.revision }, NOON + days(9));
  expect(stepped(again.state, LOW, NOON + days(9)).asks).toHaveLength(1);
});

test('a payment between two declines starts the count anew', () => {
  const outcomes = [declined, declined, PAID, declined, declined];
  const state = outcomes.reduce((before, outcome, hour) => answered(before, outcome, NOON + hour * HOUR_MS).state, on);

  expect(state.settings).toEqual(settings);
});

test('a timeout is not a decline: the same top-up is asked about again, and no other one is begun', () => {
  const { state, asks, wakeAtMs } = answered(on, UNKNOWN, NOON);

  expect([asks, wakeAtMs]).toEqual([[], NOON + HOUR_MS / 6]);
  expect(stepped(state, LOW, NOON + HOUR_MS).asks).toEqual([{ kind: 'charge', number: 1, amountCents: 2_500 }]);
  expect(state.declinesInARow).toBe(0);
});

test("a fault rests for an hour too, and is nobody's decline", () => {
  const { state, writes, wakeAtMs } = answered(on, FAULT, NOON);

  expect([state.declinesInARow, writes, wakeAtMs]).toEqual([0, [], NOON + HOUR_MS]);
});

test('a day and a month end where their customer said, and begin again at midnight UTC', () => {
  const twice = [0, 1].reduce((state, hour) => answered(state, PAID, NOON + hour * HOUR_MS).state, on);
  const full = stepped(twice, LOW, NOON + 2 * HOUR_MS);
  const month = [1, 1].reduce((state, later) => answered(state, PAID, NOON + days(later)).state, twice);

  expect([full.asks, full.wakeAtMs]).toEqual([[], at('2027-04-11T00:00:00Z')]);
  expect(stepped(month, LOW, NOON + days(2)).wakeAtMs).toBe(at('2027-05-01T00:00:00Z'));
});

test('a cap is what is paid, with tax: what was bought under another tax counts as it was paid', () => {
  const tax: Tax = { kind: 'fixed_rate', ratePpm: 190_000 };
  const once = answered(on, PAID, NOON).state;

  const refused = stepTopUp(newTopUp(), { ...configure, settings: { ...settings, amountCents: 4_500 } }, NOON, tax);
  const taxed = stepped(once, LOW, NOON + HOUR_MS, tax);
  const exempt = stepped(once, LOW, NOON + HOUR_MS);

  expect(refused).toEqual({ kind: 'refused', reason: 'amount_above_cap' });
  expect([taxed.state.open, taxed.wakeAtMs]).toEqual([null, at('2027-04-11T00:00:00Z')]);
  expect(exempt.state.open).toMatchObject({ amountCents: 2_500, priceCents: 2_500 });
  expect(stepped(taxed.state, LOW, at('2027-04-11T00:00:00Z'), tax).state.open).toMatchObject({
    amountCents: 2_500,
    priceCents: 2_975,
  });
});

test('nothing is bought at the threshold itself, when it is off, or for an amount beyond its own cap', () => {
  const greedy = { ...configure, settings: { ...settings, amountCents: 5_001 } };

  expect(stepped(on, balance('5.000000000'), NOON).asks).toEqual([]);
  expect(stepped(newTopUp(), LOW, NOON).asks).toEqual([]);
  expect(stepTopUp(newTopUp(), greedy, NOON, UNTAXED)).toEqual({ kind: 'refused', reason: 'amount_above_cap' });
  expect(stepTopUp(newTopUp(), { ...configure, revision: 7 }, NOON, UNTAXED)).toEqual({
    kind: 'refused',
    reason: 'stale_revision',
  });
});

const outcomes = fc.constantFrom(PAID, PAID, declined, UNKNOWN, FAULT);
const acts = fc.oneof(
  fc.constant(LOW),
  fc.constant(balance('30.000000000')),
  fc.tuple(outcomes, fc.nat(1)).map(([outcome, back]) => ({ outcome, back })),
  fc.constantFrom<'configure' | 'switch_off'>('configure', 'switch_off'),
);

function eventOf(
  act: typeof acts extends fc.Arbitrary<infer Act> ? Act : never,
  state: TopUp,
  n: number,
): TopUpFact | TopUpCommand {
  if (typeof act === 'string') {
    const about = { requestId: `request-${n}`, revision: state.revision };
    return act === 'configure' ? { kind: act, settings, ...about } : { kind: act, ...about };
  }
  return 'back' in act ? { kind: 'charged', number: state.made - act.back, outcome: act.outcome } : act;
}

test('in any order of events: a top-up is paid once, a day within its cap, and a repeated event changes nothing', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(acts, fc.nat(12)), { maxLength: 80, size: 'max' }), (story) => {
      let [state, nowMs] = [on, NOON];
      const paid: { number: number; atMs: number }[] = [];
      story.forEach(([act, hours], n) => {
        nowMs += hours * HOUR_MS;
        const event = eventOf(act, state, n);
        const result = stepped(state, event, nowMs);
        const again = stepped(result.state, event, nowMs);
        state = result.state;
        for (const write of result.writes)
          if (write.kind === 'topped_up') paid.push({ number: write.number, atMs: nowMs });

        expect(again.state === state && again.writes.length === 0).toBe(true);
        expect(result.wakeAtMs === null || result.wakeAtMs > nowMs).toBe(true);
      });
      const perDay = Map.groupBy(paid, ({ atMs }) => Math.floor(atMs / days(1)));

      expect(new Set(paid.map(({ number }) => number)).size).toBe(paid.length);
      expect(Math.max(0, ...[...perDay.values()].map((some) => some.length * 2_500))).toBeLessThanOrEqual(5_000);
    }),
    { numRuns: 300 },
  );
});

test('one that was paid in days that a restored database has forgotten is counted: its number is not given again, and its price is part of the caps', () => {
  const found = { kind: 'charged', number: 3, outcome: PAID, paidCents: 4_000 } as const;

  const known = stepped(on, found, NOON);
  const again = stepped(known.state, found, NOON);
  const low = stepped(known.state, LOW, NOON);

  expect(known.state).toMatchObject({ made: 3, open: null, paid: [{ number: 3, priceCents: 4_000, atMs: NOON }] });
  expect(again.state).toBe(known.state);
  // 40.00 and 25.00 are above the 50.00 of a day.
  expect(low.asks).toEqual([]);
});

test('while nobody knows the balance nothing is bought, and the card that is being asked is asked on', () => {
  const low = stepped(on, LOW, NOON);

  const unknown = stepped(on, { kind: 'balance_unknown' }, NOON);
  const meanwhile = stepped(low.state, { kind: 'balance_unknown' }, NOON);

  expect(unknown.asks).toEqual([]);
  expect(meanwhile.asks).toEqual(low.asks);
});
