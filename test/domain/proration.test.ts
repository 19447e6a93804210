// What is credited and refunded, to the cent, and never a cent more than the unused part was worth.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { endOf, startOf } from '../../domain/billing-periods.ts';
import { cents, nanoOf } from '../../domain/cents.ts';
import { formatUsd, nano } from '../../domain/nano.ts';
import { type BoughtPack, type PaidPeriod, packRefund, upgradeCredit, yearRefund } from '../../domain/proration.ts';

const at = (iso: string): number => Date.parse(iso);
const DAY_MS = 86_400_000;

function pro(facts: Partial<PaidPeriod> = {}): PaidPeriod {
  return {
    priceCents: cents(1_900),
    inForceFromMs: at('2027-04-01T00:00:00Z'),
    endMs: at('2027-05-01T00:00:00Z'),
    months: 1,
    monthsCredited: 1,
    monthlyCreditNano: nanoOf(cents(2_500)),
    unusedNano: nanoOf(cents(2_500)),
    ...facts,
  };
}

test.each([
  [2_000, 380, 9_520],
  [500, 950, 8_950],
])('M25: half way with %d cents used, Pro is worth %d and Team costs %d', (usedCents, creditCents, chargeCents) => {
  const period = pro({ unusedNano: nanoOf(cents(2_500 - usedCents)) });

  const credit = upgradeCredit(period, at('2027-04-16T00:00:00Z'));

  expect([credit, 9_900 - credit]).toEqual([creditCents, chargeCents]);
});

test('M26: time is counted by the second over the actual length of the period', () => {
  const period = { anchorMs: at('2027-01-31T10:00:00Z'), firstMonth: 1, months: 1 } as const;
  const unused = pro({ inForceFromMs: startOf(period), endMs: endOf(period) });

  const credit = upgradeCredit(unused, at('2027-03-17T13:45:10Z'));

  expect([credit, 9_900 - credit]).toEqual([848, 9_052]);
});

test('M34: a renewal that had just been paid is worth all of it to the plan that replaces it', () => {
  const nowMs = at('2027-04-04T08:15:00Z');

  const credit = upgradeCredit(pro({ inForceFromMs: nowMs }), nowMs);

  expect([credit, 9_900 - credit]).toEqual([1_900, 8_000]);
});

test('a year counts the months of credit still to come as unused', () => {
  const year = pro({
    priceCents: cents(19_000),
    endMs: at('2028-04-01T00:00:00Z'),
    months: 12,
    monthsCredited: 3,
    unusedNano: nano(0),
  });

  // 9 of 12 months of credit, which is less than the time left
  expect(upgradeCredit(year, at('2027-06-15T00:00:00Z'))).toBe(14_250);
});

const share = fc.nat(1_000).map((permille) => permille / 1_000);

test('whatever is unused, its credit lies between nothing and the price and only shrinks with time and use', () => {
  fc.assert(
    fc.property(share, share, fc.bigInt({ min: 0n, max: 25_000_000_000n }), (early, late, unused) => {
      const { inForceFromMs, endMs } = pro();
      const [sooner = 0, later = 0] = [early, late]
        .toSorted((a, b) => a - b)
        .map((part) => Math.floor(inForceFromMs + part * (endMs - inForceFromMs)));
      const credit = upgradeCredit(pro({ unusedNano: nano(unused) }), sooner);

      expect(credit >= 0 && credit <= 1_900).toBe(true);
      expect(upgradeCredit(pro({ unusedNano: nano(unused) }), later)).toBeLessThanOrEqual(credit);
      expect(upgradeCredit(pro({ unusedNano: nano(unused / 2n) }), sooner)).toBeLessThanOrEqual(credit);
    }),
  );
});

test('in the last second of a period nothing of it is left', () => {
  const { endMs } = pro();

  expect(upgradeCredit(pro({ inForceFromMs: endMs - 500 }), endMs - 400)).toBe(0);
});

test.each([
  [1, 17_100],
  [3, 13_300],
  [10, 0],
  [12, 0],
])('a year of Pro left in its month %d returns %d cents', (monthsBegun, refundCents) => {
  expect(yearRefund(cents(19_000), cents(1_900), monthsBegun)).toBe(refundCents);
});

const bought: BoughtPack = {
  paidCents: cents(5_000),
  bonusCents: cents(500),
  taxCents: cents(1_000),
  usedNano: nano('7300000000'),
  boughtAtMs: 0,
};

test('M29: a pack of 50 + 5 with 7.30 used returns 42.70 and its tax, and the rest is void', () => {
  const refund = packRefund(bought, DAY_MS);

  expect(refund).toMatchObject({ refundCents: 4_270, taxCents: 854 });
  expect(formatUsd(refund?.voidedNano ?? nano(0))).toBe('5.000000000');
});

test('a pack is taken back for fourteen days, and as long as more was paid than used', () => {
  expect(packRefund(bought, 14 * DAY_MS - 1)).not.toBeNull();
  expect(packRefund(bought, 14 * DAY_MS)).toBeNull();
  expect(packRefund({ ...bought, usedNano: nano('49995000000') }, 0)).toBeNull();
});

test('used, refunded and void make up the pack, and used and refunded are at most what was paid while there is a refund', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 55_000_000_000n }), (usedNano) => {
      const refund = packRefund({ ...bought, usedNano: nano(usedNano) }, 0);
      if (refund === null) return;
      const refunded = nanoOf(refund.refundCents);

      expect(usedNano + refunded + refund.voidedNano).toBe(55_000_000_000n);
      expect(usedNano + refunded <= 50_000_000_000n).toBe(true);
    }),
  );
});
