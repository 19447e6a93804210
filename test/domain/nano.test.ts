// Money is exact from PostgreSQL to JSON: what is no whole number of nano-USD is refused, never rounded.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { formatUsd, larger, nano, smaller, sum, ZERO } from '../../domain/nano.ts';

const amounts = fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n });

test('an amount survives the way to Postgres and JSON as a decimal string, to the nano', () => {
  fc.assert(fc.property(amounts, (amount) => expect(nano(nano(amount).toString())).toBe(amount)));
});

test.each([
  1.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  2 ** 53,
  '',
  ' 1',
  '1.0',
  '1e3',
  '0x10',
  '+1',
  '--1',
  '9'.repeat(20),
])('%p is refused instead of rounded', (garbage) => {
  expect(() => nano(garbage)).toThrow(RangeError);
});

test('people see dollars with all nine decimals', () => {
  expect(formatUsd(nano(-8_755_000))).toBe('-0.008755000');
  expect(formatUsd(nano(1))).toBe('0.000000001');
  expect(formatUsd(ZERO)).toBe('0.000000000');
  expect(formatUsd(nano('50000000001'))).toBe('50.000000001');
});

test('a printed amount, without its dot, is the amount', () => {
  fc.assert(fc.property(amounts, (amount) => expect(BigInt(formatUsd(nano(amount)).replace('.', ''))).toBe(amount)));
});

test('sums and comparisons stay exact far beyond what a double can count', () => {
  const nineBillionDollars = nano('9000000000000000001');

  expect(sum([nineBillionDollars, nano(-1), ZERO])).toBe(9_000_000_000_000_000_000n);
  expect(sum([])).toBe(ZERO);
  expect(smaller(nineBillionDollars, nano(2))).toBe(2n);
  expect(larger(nineBillionDollars, nano('9000000000000000000'))).toBe(nineBillionDollars);
});
