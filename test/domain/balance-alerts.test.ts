// A customer is told once that credit runs low, and told again only after it had really recovered.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  ALERT_PERCENTS,
  type BalanceAlerts,
  newBalanceAlerts,
  onBalance,
  quietRange,
} from '../../domain/balance-alerts.ts';
import { nano, ZERO } from '../../domain/nano.ts';

const BASIS = nano(100_000_000_000);

/** The mails of a balance that moves through these shares of what was bought. */
function firedBy(percents: readonly number[]): (number | null)[] {
  let alerts: BalanceAlerts = newBalanceAlerts();
  return percents.map((percent) => {
    const moved = onBalance(alerts, nano(Math.round(percent * 1_000_000_000)), BASIS);
    alerts = moved.alerts;
    return moved.fired;
  });
}

test('50, 20, 10, 5 and 0 percent are told of once each on the way down', () => {
  expect(firedBy([100, 51, 50, 49, 20, 19, 10, 9, 5, 4, 0, -1])).toEqual([
    null,
    null,
    50,
    null,
    20,
    null,
    10,
    null,
    5,
    null,
    0,
    null,
  ]);
});

test('of several that are crossed at once only the lowest is told of', () => {
  expect(firedBy([100, 3, 2, 0])).toEqual([null, 5, null, 0]);
});

test('a share is armed again a tenth above it, and not before', () => {
  expect(firedBy([100, 50, 60, 50, 61, 50])).toEqual([null, 50, null, null, null, 50]);
});

test('a share that is armed again is told of under another epoch', () => {
  const after = (percents: readonly number[]) =>
    percents.reduce(
      (alerts, percent) => onBalance(alerts, nano(percent * 1_000_000_000), BASIS).alerts,
      newBalanceAlerts(),
    );

  expect([after([100]).epoch, after([100, 50, 45]).epoch, after([100, 50, 61]).epoch]).toEqual([1, 1, 2]);
});

test('whoever never bought anything is warned of nothing', () => {
  expect(onBalance(newBalanceAlerts(), ZERO, ZERO)).toEqual({ alerts: newBalanceAlerts(), fired: null });
});

test('between two mails about one share the balance has been a tenth above it, and repeating a balance says nothing', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -5, max: 120 }), { maxLength: 60, size: 'max' }), (percents) => {
      const fired = firedBy(percents.flatMap((percent) => [percent, percent]));

      expect(fired.filter((_, n) => n % 2 === 1).every((percent) => percent === null)).toBe(true);
      for (const share of ALERT_PERCENTS) {
        const times = fired.flatMap((percent, n) => (percent === share ? [n / 2] : []));
        times.forEach((time, n) => {
          const since = percents.slice(times[n - 1] ?? 0, time);

          expect(percents[time]).toBeLessThanOrEqual(share);
          expect(since.some((percent) => percent > share + 10)).toBe(true);
        });
      }
    }),
  );
});

test('a balance changes something exactly when it is not in the quiet range', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: -5, max: 120 }), { minLength: 1, maxLength: 30, size: 'max' }),
      (percents) => {
        let alerts = newBalanceAlerts();
        for (const percent of percents) {
          const balance = nano(percent * 1_000_000_000);
          const { belowNano, aboveNano } = quietRange(alerts, BASIS);
          const isQuiet = !(belowNano !== null && balance <= belowNano) && !(aboveNano !== null && balance > aboveNano);
          const moved = onBalance(alerts, balance, BASIS);
          expect(isQuiet).toBe(moved.alerts === alerts);
          alerts = moved.alerts;
        }
      },
    ),
  );
});
