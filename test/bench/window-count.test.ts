// Renewals are held against bare cycles, so both are counted alike: what is done within the window, and nothing that was done before it or after.
import { expect, test } from '@jest/globals';
import { type Course, countWithin, pace } from '../../bench/workflows/window-count.ts';

function course(dueAtMs: number, doneAtMs: number): Course {
  return { dueAtMs, doneAtMs };
}

test('what was done before the window began, or after it ended, is not counted, however much of it was open within', () => {
  const courses = [course(0, 900), course(0, 1_000), course(0, 1_001), course(500, 3_000), course(500, 3_001)];

  const { perSecond } = countWithin(courses, 1_000, 3_000);

  expect(perSecond).toBe(1);
});

test('how many were open is told of the emptiest and of the fullest moment of the window', () => {
  const courses = [
    course(0, 1_500),
    course(0, 1_600),
    course(1_700, 2_500),
    course(1_800, 9_000),
    course(1_900, 9_000),
  ];

  const { fewestOpen, mostOpen } = countWithin(courses, 1_000, 2_000);

  expect([fewestOpen, mostOpen]).toEqual([0, 3]);
});

test('the pace of all is from the first that was due to the last that was done', () => {
  expect(pace([course(1_000, 2_000), course(1_100, 5_000), course(4_000, 4_500)])).toBe(0.75);
});
