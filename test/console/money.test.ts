// Money in the console goes from a decimal string to a text and back, and never through a float.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { centsOf, dollarsOf, exactMoney, nanoOf, nanoOfCents, shownMoney } from '../../console/src/money.ts';

const MOST = 999_999_999_999_999_999n;

test('an amount is told to its last nano', () => {
  expect(exactMoney('25000000000', 'en')).toBe('$25.00');
  expect(exactMoney('9007199254740993', 'en')).toBe('$9,007,199.254740993');
  expect(exactMoney('-1', 'en')).toBe('-$0.000000001');
  expect(exactMoney('1234500000000', 'zh-CN')).toBe('$1,234.50');
});

test('what is shown is cut and never rounded up', () => {
  expect(shownMoney('999999999', 'en')).toBe('$0.99');
  expect(shownMoney('123456', 'en')).toBe('$0.00012');
  expect(shownMoney('0', 'en')).toBe('$0.00');
  fc.assert(
    fc.property(fc.bigInt(0n, MOST), (nano) => {
      expect(BigInt(nanoOf(shownMoney(String(nano), 'en').replaceAll(',', '')) ?? '-1')).toBeLessThanOrEqual(nano);
    }),
  );
});

test('every amount that is shown exactly is read back as it was', () => {
  fc.assert(
    fc.property(fc.bigInt(0n, MOST), (nano) => {
      expect(nanoOf(exactMoney(String(nano), 'en').replaceAll(',', ''))).toBe(String(nano));
    }),
  );
});

test('what is no amount in dollars is none', () => {
  for (const text of ['', ' ', '-1', '1e3', '0x10', '1,5', '1.', '.5', '1.0000000001', '10000000000', 'NaN'])
    expect([text, nanoOf(text)]).toEqual([text, null]);
});

test('an amount stands in its field as it was entered, to the cent at least', () => {
  expect(['0', '5000000', '12500000000', '1'].map(dollarsOf)).toEqual(['0.00', '0.005', '12.50', '0.000000001']);
  expect(dollarsOf(null)).toBe('');
  fc.assert(fc.property(fc.bigInt(0n, MOST), (nano) => expect(nanoOf(dollarsOf(String(nano)))).toBe(String(nano))));
});

test('cents are whole, and what is not is no amount', () => {
  expect(['12.5', '$0.01', '0.005', 'ten'].map(centsOf)).toEqual([1_250, 1, null, null]);
  fc.assert(fc.property(fc.nat(), (cents) => expect(centsOf(dollarsOf(nanoOfCents(cents)))).toBe(cents)));
});
