// Clocks that stand still are where ladders go wrong by days: both functions against counting moment by moment.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { covers, firstMomentOutside, type Interval, momentOnStoppedClock } from '../../domain/intervals.ts';

const intervals = fc.array(
  fc
    .record({ fromMs: fc.integer({ min: -20, max: 40 }), length: fc.option(fc.nat(15), { nil: null, freq: 8 }) })
    .map(({ fromMs, length }): Interval => ({ fromMs, toMs: length === null ? null : fromMs + length })),
  { maxLength: 5 },
);
const moments = fc.integer({ min: -10, max: 30 });
const FAR_MS = 300;

test('an interval holds its first moment and not its last', () => {
  const once = [{ fromMs: 10, toMs: 20 }];

  expect([9, 10, 19, 20].map((atMs) => covers(once, atMs))).toEqual([false, true, true, false]);
  expect(covers([{ fromMs: 10, toMs: null }], FAR_MS)).toBe(true);
});

test('the first moment outside is the first that no interval covers', () => {
  fc.assert(
    fc.property(intervals, moments, (some, atMs) => {
      let counted: number | null = atMs;
      while (counted !== null && covers(some, counted)) counted = counted < FAR_MS ? counted + 1 : null;

      expect(firstMomentOutside(some, atMs)).toBe(counted);
    }),
  );
});

test('a stopped clock counts every moment that no interval covers, once, and none that one does', () => {
  fc.assert(
    fc.property(intervals, moments, fc.nat(20), (some, startMs, afterMs) => {
      let [moment, ran]: [number | null, number] = [startMs, 0];
      while (moment !== null && ran < afterMs) {
        ran += covers(some, moment) ? 0 : 1;
        moment = moment < FAR_MS ? moment + 1 : null;
      }

      expect(momentOnStoppedClock(startMs, afterMs, some)).toBe(moment);
    }),
    { numRuns: 1_000 },
  );
});

test('what was before the start is counted as it was', () => {
  expect(momentOnStoppedClock(100, -30, [{ fromMs: 60, toMs: 90 }])).toBe(70);
});
