// A rate of n a minute admits n in any minute, not n on either side of the turn of the clock.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  counted,
  estimate,
  newRateWindow,
  type RateWindow,
  remaining,
  resetMs,
  wouldExceed,
} from '../../domain/rate-window.ts';

const minute = (minutes: number, seconds = 0): number => (minutes * 60 + seconds) * 1_000;

const windows: fc.Arbitrary<RateWindow> = fc.record({
  minute: fc.constant(100),
  current: fc.nat(2_000),
  previous: fc.nat(2_000),
});
const instants = fc.integer({ min: minute(99, 30), max: minute(103) });

test('of a burst of 200 at 60 a minute exactly 60 pass (T73)', () => {
  let window = newRateWindow(minute(5, 20));
  let passed = 0;
  for (let call = 0; call < 200; call += 1) {
    if (wouldExceed(window, minute(5, 20), 1, 60)) continue;
    window = counted(window, minute(5, 20), 1);
    passed += 1;
  }

  expect(passed).toBe(60);
  expect(remaining(window, minute(5, 20), 60)).toBe(0);
});

test('the burst of one minute is not forgotten at the turn of the clock', () => {
  const window = counted(newRateWindow(minute(5)), minute(5, 59), 60);

  expect(wouldExceed(window, minute(6), 1, 60)).toBe(true);
  expect(remaining(window, minute(6, 30), 60)).toBe(30);
  expect(remaining(window, minute(7), 60)).toBe(60);
});

test('the last minute fades evenly while this one fills', () => {
  const window = { minute: 6, current: 10, previous: 60 };

  expect(estimate(window, minute(6, 15))).toBe(55);
  expect(estimate(window, minute(6, 45))).toBe(25);
});

test('what an estimate took too much comes back, also after the minute has turned (T74)', () => {
  const window = counted(newRateWindow(minute(5)), minute(5, 59), 2_000);

  expect(estimate(counted(window, minute(5, 59), -1_500), minute(5, 59))).toBe(500);
  expect(estimate(counted(window, minute(6), -1_500), minute(6))).toBe(500);
});

test('giving back never creates room beyond the rate', () => {
  fc.assert(
    fc.property(windows, instants, fc.nat(9_000), (window, nowMs, units) => {
      expect(estimate(counted(window, nowMs, -units), nowMs)).toBeGreaterThanOrEqual(0);
      expect(remaining(counted(window, nowMs, -units), nowMs, 600)).toBeLessThanOrEqual(600);
    }),
  );
});

test('after the announced reset a request fits, and not a millisecond before', () => {
  fc.assert(
    fc.property(
      windows,
      instants,
      fc.nat(1_500),
      fc.integer({ min: 1, max: 1_500 }),
      (window, nowMs, units, perMinute) => {
        const waitMs = resetMs(window, nowMs, units, perMinute);
        if (waitMs === null) {
          expect(units).toBeGreaterThan(perMinute);
          return;
        }
        expect(wouldExceed(window, nowMs + waitMs, units, perMinute)).toBe(false);
        if (waitMs > 0) expect(wouldExceed(window, nowMs + waitMs - 1, units, perMinute)).toBe(true);
      },
    ),
    { numRuns: 2_000 },
  );
});

test('a request larger than a minute of its rate is told that waiting does not help', () => {
  expect(resetMs(newRateWindow(0), 0, 1_001, 1_000)).toBeNull();
});

test('what fits now need not wait', () => {
  expect(resetMs({ minute: 6, current: 10, previous: 60 }, minute(6, 15), 5, 60)).toBe(0);
});

test('a clock that steps back over the turn of a minute neither forgets nor doubles a count', () => {
  const window = counted(newRateWindow(minute(6)), minute(6), 7);

  expect(estimate(counted(window, minute(5, 59), 3), minute(5, 59))).toBe(10);
});
