// Between nano and cents money is rounded once and in the open: what an invoice rounds is a line on it.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { cents, floorToCents, invoiceTotal, nanoOf } from '../../domain/cents.ts';
import { formatUsd, nano } from '../../domain/nano.ts';

const amounts = fc.bigInt({ min: 0n, max: 10n ** 15n }).map(nano);

test.each([
  ['10004999999', 1_000, '-0.004999999'],
  ['10005000000', 1_001, '0.005000000'],
])('M03: usage of %s nano is invoiced at %d cents with a rounding line of %s', (usage, totalCents, rounding) => {
  const invoice = invoiceTotal(nano(usage));

  expect([invoice.totalCents, formatUsd(invoice.roundingNano)]).toEqual([totalCents, rounding]);
});

test('usage and rounding add up to the total, and no more than half a cent is rounded', () => {
  fc.assert(
    fc.property(amounts, (usage) => {
      const { totalCents, roundingNano } = invoiceTotal(usage);

      expect(usage + roundingNano).toBe(nanoOf(totalCents));
      expect(roundingNano > -5_000_000n && roundingNano <= 5_000_000n).toBe(true);
    }),
  );
});

test('what is given back is never more than what it stands for, and less than a cent below', () => {
  fc.assert(
    fc.property(amounts, (amount) => {
      const lost = amount - nanoOf(floorToCents(amount));

      expect(lost >= 0n && lost < 10_000_000n).toBe(true);
    }),
  );
});

test.each([0.5, Number.NaN, 2 ** 53])('%p is no number of cents', (value) => {
  expect(() => cents(value)).toThrow(RangeError);
});
