// Tax is owed to the cent: rounded once, half up, on the net total of an invoice.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { cents } from '../../domain/cents.ts';
import { nano } from '../../domain/nano.ts';
import { packRefund } from '../../domain/proration.ts';
import { type ReckonedTax, taxOn } from '../../domain/tax.ts';

const rate = (ratePpm: number): ReckonedTax => ({ kind: 'fixed_rate', ratePpm });
const nets = fc.integer({ min: 0, max: 1_000_000_000 });
const rates = fc.integer({ min: 0, max: 1_000_000 });

test('M29: at 20 % VAT a pack of $50 is charged 60.00, and of it with 7.30 used 42.70 and VAT 8.54 go back', () => {
  const paidCents = cents(5_000);
  const taxCents = taxOn(rate(200_000), paidCents);
  const pack = { paidCents, bonusCents: cents(500), taxCents, usedNano: nano('7300000000'), boughtAtMs: 0 };

  const refund = packRefund(pack, 0);

  expect(paidCents + taxCents).toBe(6_000);
  expect((refund?.refundCents ?? 0) + (refund?.taxCents ?? 0)).toBe(5_124);
});

test.each([
  [1_900, 190_000, 361],
  [250, 190_000, 48], // 47.5
  [249, 190_000, 47], // 47.31
  [1, 499_999, 0],
  [1, 500_000, 1],
])('on %d cents at %d ppm the tax is %d cents', (net, ratePpm, tax) => {
  expect(taxOn(rate(ratePpm), cents(net))).toBe(tax);
});

test('tax is within half a cent of what the rate comes to, and less of it on less', () => {
  fc.assert(
    fc.property(nets, nets, rates, (one, other, ratePpm) => {
      const net = cents(Math.min(one, other));
      const twice = 2n * (BigInt(net) * BigInt(ratePpm) - BigInt(taxOn(rate(ratePpm), net)) * 1_000_000n);

      expect(twice > -1_000_001n && twice < 1_000_000n).toBe(true);
      expect(taxOn(rate(ratePpm), net)).toBeLessThanOrEqual(taxOn(rate(ratePpm), cents(Math.max(one, other))));
    }),
  );
});

test('without tax nothing is added', () => {
  fc.assert(fc.property(nets, (net) => expect(taxOn({ kind: 'none' }, cents(net))).toBe(0)));
});
