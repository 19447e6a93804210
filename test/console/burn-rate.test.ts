// How long credit lasts is said of what was spent lately, exactly, and not at all where nothing was.
import { expect, test } from '@jest/globals';
import { burnPerDay, daysLeft } from '../../console/src/burn-rate.ts';

const NOW = Date.parse('2026-11-29T12:00:00Z');
const charged = (chargeNano: string, admittedAt: string) => ({ chargeNano, admittedAt });

test('a week that is known as a whole is spread over its days', () => {
  const data = [charged('5000000000', '2026-11-29T11:00:00Z'), charged('2000000000', '2026-11-24T12:00:00Z')];
  expect(burnPerDay({ data, nextCursor: null }, NOW)).toBe('1000000000');
});

test('where one answer does not hold the week, what it holds is spread over the time that it reaches back', () => {
  const data = [charged('9007199254740993', '2026-11-29T11:00:00Z'), charged('1', '2026-11-29T00:00:00Z')];
  expect(burnPerDay({ data, nextCursor: 'more' }, NOW)).toBe('18014398509481988');
});

test('credit lasts for whole days, for none when there is none, and nobody says for how long when nothing is spent', () => {
  expect(daysLeft('10500000000', '1000000000')).toBe(10);
  expect(daysLeft('-1', '1000000000')).toBe(0);
  expect(daysLeft('10500000000', '0')).toBeNull();
  expect(burnPerDay({ data: [], nextCursor: null }, NOW)).toBe('0');
});
