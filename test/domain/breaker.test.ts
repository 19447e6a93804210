// A breaker that opens too late hammers a dead upstream, one that never lets a probe through keeps a recovered one out.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { allows, type Breaker, newBreaker, onAttempt, onFailure, onSuccess } from '../../domain/breaker.ts';

function failed(breaker: Breaker, ...atMs: number[]): Breaker {
  return atMs.reduce(onFailure, breaker);
}

/** Opened by five failures at 0 ms: the first probe may go at 5,000 ms. */
const opened = failed(newBreaker(), 0, 0, 0, 0, 0);

test('five failures within ten seconds open it', () => {
  expect(allows(failed(newBreaker(), 0, 1, 2, 3), 3)).toBe(true);
  expect(allows(failed(newBreaker(), 0, 1, 2, 3, 9_999), 9_999)).toBe(false);
});

test('five failures spread over ten seconds or more do not', () => {
  expect(allows(failed(newBreaker(), 0, 1, 2, 3, 10_000), 10_000)).toBe(true);
  expect(allows(failed(newBreaker(), 0, 3_000, 6_000, 9_000, 12_000), 12_000)).toBe(true);
});

test('a success among the failures shows that the upstream answers, so they do not add up', () => {
  const shaken = onSuccess(failed(newBreaker(), 0, 0, 0, 0));

  expect(allows(failed(shaken, 1, 1, 1, 1), 1)).toBe(true);
});

test('of a hundred calls after the wait exactly one gets through as the probe (T47)', () => {
  let breaker = opened;
  let sent = 0;
  for (let call = 0; call < 100; call += 1) {
    if (!allows(breaker, 5_000)) continue;
    breaker = onAttempt(breaker, 5_000);
    sent += 1;
  }

  expect(sent).toBe(1);
});

test('nothing gets through before the wait is over', () => {
  expect(allows(opened, 4_999)).toBe(false);
  expect(onAttempt(opened, 4_999)).toBe(opened);
});

test('a probe that succeeds closes it, and the next outage waits five seconds again', () => {
  const closed = onSuccess(onAttempt(opened, 5_000));

  expect(allows(closed, 5_001)).toBe(true);
  expect(failed(closed, 6_000, 6_000, 6_000, 6_000, 6_000)).toEqual({ kind: 'open', untilMs: 11_000, waitMs: 5_000 });
});

test('each probe that fails doubles the wait, up to five minutes', () => {
  const waits: number[] = [];
  let breaker = opened;
  while (breaker.kind === 'open' && waits.length < 9) {
    waits.push(breaker.waitMs / 1_000);
    breaker = onFailure(onAttempt(breaker, breaker.untilMs), breaker.untilMs);
  }

  expect(waits).toEqual([5, 10, 20, 40, 80, 160, 300, 300, 300]);
});

test('stragglers that fail while it is open do not lengthen the wait', () => {
  expect(onFailure(opened, 4_000)).toBe(opened);
});

test('a probe whose verdict never comes is replaced after 30 s instead of shutting the channel for good', () => {
  const probing = onAttempt(opened, 5_000);

  expect(allows(probing, 34_999)).toBe(false);
  expect(allows(probing, 35_000)).toBe(true);
  expect(allows(onAttempt(probing, 35_000), 35_000)).toBe(false);
});

test('it survives being stored between two calls', () => {
  for (const breaker of [newBreaker(), failed(newBreaker(), 1, 2), opened, onAttempt(opened, 5_000)]) {
    expect(JSON.parse(JSON.stringify(breaker))).toEqual(breaker);
  }
});

test('a healthy breaker is the same object after every success: the hot path allocates nothing', () => {
  expect(onSuccess(newBreaker())).toBe(newBreaker());
});

test('in any history no two probes start within 30 s of each other without a verdict between them', () => {
  const steps = fc.array(
    fc.record({
      afterMs: fc.nat(8_000),
      event: fc.constantFrom('attempt', 'attempt', 'success', 'failure', 'failure'),
    }),
    { maxLength: 120 },
  );

  fc.assert(
    fc.property(steps, (history) => {
      let breaker = newBreaker();
      let nowMs = 0;
      let probedAtMs: number | null = null;
      for (const { afterMs, event } of history) {
        nowMs += afterMs;
        if (event === 'success') breaker = onSuccess(breaker);
        if (event === 'failure') breaker = onFailure(breaker, nowMs);
        if (event !== 'attempt') probedAtMs = null;
        if (event !== 'attempt' || !allows(breaker, nowMs)) continue;
        breaker = onAttempt(breaker, nowMs);
        if (breaker.kind !== 'probing') continue;
        expect(probedAtMs === null || nowMs - probedAtMs >= 30_000).toBe(true);
        probedAtMs = nowMs;
      }
    }),
    { numRuns: 300 },
  );
});
