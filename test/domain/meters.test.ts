// Every billed unit is in exactly one meter: a unit in two would be charged twice.
import { expect, test } from '@jest/globals';
import {
  inputTokens,
  isPlausibleUsage,
  MAX_METER,
  METERS,
  outputTokens,
  sameUsage,
  totalTokens,
  type Usage,
} from '../../domain/meters.ts';

test('every meter counts once, either as input or as output', () => {
  for (const meter of METERS) {
    const usage: Usage = { [meter]: 7 };

    expect([inputTokens(usage), outputTokens(usage)].sort()).toEqual([0, 7]);
    expect(totalTokens(usage)).toBe(7);
  }
});

test('reasoning tokens are added to the output, because output does not contain them (T29)', () => {
  expect(outputTokens({ output: 100, reasoning: 400 })).toBe(500);
});

test('usage that no provider can mean is not plausible (T7)', () => {
  for (const absurd of [1e15, MAX_METER + 1, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(isPlausibleUsage({ input: 1, output: absurd })).toBe(false);
  }
});

test('usage as text is not plausible: it was not parsed where it entered', () => {
  const fromOutside: Usage = JSON.parse('{"input": "12"}');

  expect(isPlausibleUsage(fromOutside)).toBe(false);
});

test('an explicit zero and the largest count are plausible, and so is nothing at all (T24)', () => {
  expect(isPlausibleUsage({ input: 0, cachedInput: MAX_METER })).toBe(true);
  expect(isPlausibleUsage({})).toBe(true);
});

test('an absent meter is the same as zero', () => {
  expect(sameUsage({ input: 5 }, { input: 5, output: 0 })).toBe(true);
  expect(sameUsage({ input: 5 }, { cachedInput: 5 })).toBe(false);
});
