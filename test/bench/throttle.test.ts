// Bare cycles go on as soon as they have ended, so a fixed number is open; renewals fall due by the clock, and are held to the same number.
import { expect, test } from '@jest/globals';
import { Throttle } from '../../bench/workflows/throttle.ts';

const AHEAD_MS = 1_000;
const STEP_MS = 100;

/** How many were open at each step of a minute in which so many were due and could be done a second. */
function openIn(dueAtMs: readonly number[], donePerSecond: (atMs: number) => number): number[] {
  const throttle = new Throttle(60, AHEAD_MS);
  const taken: number[] = [];
  const counts: number[] = [];
  let next = 0;
  let done = 0;
  for (let atMs = 0; atMs < 60_000; atMs += STEP_MS) {
    throttle.saw(atMs, Math.floor(done));
    for (; (dueAtMs[next] ?? Number.POSITIVE_INFINITY) <= atMs + AHEAD_MS; next += 1) {
      const dueMs = dueAtMs[next] ?? 0;
      if (throttle.takes(dueMs <= atMs)) taken.push(dueMs);
    }
    const due = taken.filter((dueMs) => dueMs <= atMs).length;
    counts.push(due - Math.floor(done));
    done = Math.min(due, done + (donePerSecond(atMs) * STEP_MS) / 1_000);
  }
  return counts;
}

/** Sixty at once, and then one after another. */
function dueEvery(ms: number): number[] {
  return Array.from({ length: 3_000 }, (_, at) => Math.max(0, at - 59) * ms);
}

test('however many fall due, hardly more are open than shall be, and hardly fewer', () => {
  const counts = openIn(dueEvery(40), () => 16);

  expect(Math.max(...counts)).toBeLessThanOrEqual(75);
  expect(Math.min(...counts)).toBeGreaterThanOrEqual(50);
});

test('when a machine becomes slower, fewer are let through, and more when it is quick again', () => {
  const counts = openIn(dueEvery(40), (atMs) => (atMs > 20_000 && atMs < 40_000 ? 8 : 16));

  expect(Math.max(...counts)).toBeLessThanOrEqual(75);
  expect(Math.min(...counts)).toBeGreaterThanOrEqual(50);
});

test('nobody is left out where no more fall due than are done', () => {
  const due = dueEvery(100);

  expect(openIn(due, () => 16).at(-1)).toBeLessThanOrEqual(1);
});

test('whoever is due is not left out, since he is renewed whatever is decided', () => {
  const throttle = new Throttle(1, AHEAD_MS);
  throttle.saw(0, 0);
  throttle.saw(STEP_MS, 0);

  expect([throttle.takes(true), throttle.takes(true), throttle.takes(false)]).toEqual([true, true, false]);
});
