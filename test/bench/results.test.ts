// A window in which the ruler itself was at its end measures nothing: it is void, not slow.
import { expect, test } from '@jest/globals';
import { median, medianOf, p99, toMs, type Window, whyVoid } from '../../bench/results.ts';

const COUNTS: Window = {
  completed: 1_000,
  failed: 0,
  firstFailure: -1,
  seconds: 5,
  cpuMicros: 100,
  postgresCpuMicros: 20,
  generatorBusy: 0.9,
  events: 0,
  firstByteP50Micros: 0,
  p50Micros: 0,
  p99Micros: 0,
};

test('a window counts when every request was answered and the generator had time left', () => {
  expect(whyVoid(COUNTS)).toBeNull();
});

test('a window is void when a single request failed, and says with which status', () => {
  expect(whyVoid({ ...COUNTS, failed: 1, firstFailure: 503 })).toBe('1 of 1001 requests failed (the first with 503)');
  expect(whyVoid({ ...COUNTS, failed: 1 })).toBe('1 of 1001 requests failed');
});

test('a window is void when nothing was answered or the generator itself was the brake', () => {
  expect(whyVoid({ ...COUNTS, completed: 0 })).toBe('no request was answered');
  expect(whyVoid({ ...COUNTS, generatorBusy: 0.901 })).toBe("the generator's core was 90.1 % busy");
});

test('the median is the middle value in whatever order the rounds came, the mean of two middles, and never of nothing', () => {
  expect(median([9, 1, 100])).toBe(9);
  expect(median([4, 1, 100, 2])).toBe(3);
  expect(() => median([])).toThrow(RangeError);
});

test('the 99th percentile is a value that was measured: no more than a hundredth of them is above it', () => {
  const upTo = (n: number) => Array.from({ length: n }, (_, index) => n - index);
  expect([1, 99, 100, 101, 600].map((n) => p99(upTo(n)))).toEqual([1, 99, 99, 100, 594]);
  expect(() => p99([])).toThrow(RangeError);
});

test('a figure of rounds is the median of each round by itself, not of the subjects apart', () => {
  const round = (mine: number, other: number) => ({
    nginx: { ...COUNTS, cpuMicros: other },
    tollgate: { ...COUNTS, cpuMicros: mine },
  });
  const rounds = [round(40, 10), round(90, 30), round(50, 25)];
  expect(medianOf(rounds, ({ nginx, tollgate }) => tollgate.cpuMicros / nginx.cpuMicros)).toBe(3);
});

test('microseconds become milliseconds to the tenth of a microsecond', () => {
  expect(toMs(1_234.56)).toBe(1.2346);
});
