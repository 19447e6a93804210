// How often a request may be tried: by number, by time, and over several gateways together.
import { expect, test } from '@jest/globals';
import { AttemptBudget, LEFT_HEADER } from '../../../api/proxy/attempt-budget.ts';

test('a request is sent upstream four times at most', () => {
  const budget = new AttemptBudget({});
  const left: number[] = [];
  do left.push(budget.spend());
  while (budget.allowsAnother(0));

  expect(left).toEqual([3, 2, 1, 0]);
});

test('the time in which attempts may begin counts from the request, not from the last attempt (T45)', () => {
  const budget = new AttemptBudget({});
  budget.spend();

  expect(budget.allowsAnother(29_999)).toBe(true);
  expect(budget.allowsAnother(30_000)).toBe(false);
});

test('attempts of gateways below count, whoever made them (T42)', () => {
  const budget = new AttemptBudget({});
  expect(budget.spend()).toBe(3);
  budget.spentBelow('2');

  expect(budget.spent).toBe(3);
  expect(budget.spend()).toBe(0);
  expect(budget.allowsAnother(0)).toBe(false);
});

test('a gateway above may leave less, and nobody can ask for more (T42)', () => {
  expect(new AttemptBudget({ [LEFT_HEADER]: '0' }).isUsedUpBefore).toBe(true);
  const one = new AttemptBudget({ [LEFT_HEADER]: '1' });
  expect([one.isUsedUpBefore, one.spend(), one.allowsAnother(0)]).toEqual([false, 0, false]);
  for (const wish of ['50', '1e9', '-1', 'many', ''])
    expect(new AttemptBudget({ [LEFT_HEADER]: wish }).spend()).toBe(3);
});
