// What is logged of what happens too often: the first of a kind at once, then one a second, each with the number that it stands for.
import { expect, test } from '@jest/globals';
import { LogSample } from '../../../services/platform/log-sample.ts';

test('of a storm one line a second is left, and the lines add up to the storm', () => {
  const sample = new LogSample();
  const taken: (number | null)[] = [];
  for (let atMs = 0; atMs <= 3_000; atMs += 10) taken.push(sample.take('rate_limit_exceeded', atMs));

  const lines = taken.filter((leftOut) => leftOut !== null);

  expect(lines).toEqual([0, 99, 99, 99]);
  expect(taken[0]).toBe(0);
});

test('a storm of one kind hides no other kind', () => {
  const sample = new LogSample();
  sample.take('rate_limit_exceeded', 0);

  expect(sample.take('insufficient_credit', 1)).toBe(0);
  expect(sample.take('rate_limit_exceeded', 2)).toBeNull();
});
