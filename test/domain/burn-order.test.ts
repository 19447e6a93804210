// Which grant is spent first decides what a customer loses at an expiry. Slices must add up to the nano.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { cutSlices, type GrantView, inBurnOrder } from '../../domain/burn-order.ts';
import { formatUsd, nano, sum } from '../../domain/nano.ts';

const now = Date.UTC(2027, 3, 10);

function grant(id: string, facts: Partial<GrantView> = {}): GrantView {
  return {
    id,
    source: 'manual',
    priority: 10,
    effectiveAtMs: 0,
    expiresAtMs: null,
    grantedAtMs: 0,
    availableNano: nano(1_000),
    ...facts,
  };
}

const grantFacts = fc.record({
  priority: fc.constantFrom(10, 20),
  effectiveAtMs: fc.constantFrom(0, now, now + 1),
  expiresAtMs: fc.constantFrom(null, now, now + 1, now + 2),
  grantedAtMs: fc.nat(3),
  availableNano: fc.integer({ min: -50, max: 1_000 }).map(nano),
});
const grantLists = fc
  .array(grantFacts, { maxLength: 12 })
  .map((facts) => facts.map((one, position) => grant(`g${position}`, one)));
const sums = fc.nat(8_000).map(nano);

const names = (grants: readonly { id: string }[]) => grants.map(({ id }) => id);

test('M04: 27.00 burns the trial, then the included credit, then the bonus, and leaves what was paid', () => {
  const grants = [
    grant('paid', { priority: 20, availableNano: nano('50000000000') }),
    grant('bonus', { priority: 20, availableNano: nano('5000000000'), expiresAtMs: Date.UTC(2028, 3, 1) }),
    grant('included', { availableNano: nano('25000000000'), expiresAtMs: Date.UTC(2027, 4, 1) }),
    grant('trial', { availableNano: nano('400000000'), expiresAtMs: Date.UTC(2027, 3, 20) }),
  ];

  const slices = cutSlices(grants, nano('27000000000'), now);

  expect(slices.map(({ grantId, amountNano }) => `${grantId} ${formatUsd(amountNano)}`)).toEqual([
    'trial 0.400000000',
    'included 25.000000000',
    'bonus 1.600000000',
  ]);
});

test('a grant that expires tomorrow burns before one that never does', () => {
  const tomorrow = grant('tomorrow', { expiresAtMs: now + 86_400_000, grantedAtMs: 5 });

  expect(names(inBurnOrder([grant('never'), tomorrow]))).toEqual(['tomorrow', 'never']);
});

test('what was given burns before what was bought, even when it expires later', () => {
  const bought = grant('bought', { priority: 20, expiresAtMs: now + 1 });

  expect(names(inBurnOrder([bought, grant('given')]))).toEqual(['given', 'bought']);
});

test('between equals the older grant burns first, and the id settles the rest', () => {
  const grants = [grant('c', { grantedAtMs: 1 }), grant('b', { grantedAtMs: 2 }), grant('a', { grantedAtMs: 2 })];

  expect(names(inBurnOrder(grants))).toEqual(['c', 'a', 'b']);
});

test('the order does not depend on the order in which the rows came', () => {
  fc.assert(
    fc.property(
      grantLists.chain((grants) =>
        fc.tuple(fc.constant(grants), fc.shuffledSubarray(grants, { minLength: grants.length })),
      ),
      ([grants, shuffled]) => expect(names(inBurnOrder(shuffled))).toEqual(names(inBurnOrder(grants))),
    ),
  );
});

test('credit is spent from its first instant until just before its expiry (I7)', () => {
  const grants = [grant('from now', { effectiveAtMs: now }), grant('expired', { expiresAtMs: now })];

  expect(cutSlices(grants, nano(5_000), now)).toEqual([{ grantId: 'from now', amountNano: 1_000n }]);
  expect(cutSlices(grants, nano(5_000), now - 1)).toEqual([{ grantId: 'expired', amountNano: 1_000n }]);
});

test.each(['limited', 'stopped'] as const)(
  'while an invoice is overdue (%s) what was bought or given is spent, and neither included credit nor a credit line',
  (stage) => {
    const grants = ['included', 'promo', 'pack', 'credit_line'].map((source) => grant(source, { source }));

    expect(cutSlices(grants, nano(5_000), now, stage).map(({ grantId }) => grantId)).toEqual(['pack', 'promo']);
  },
);

test('nothing is cut for nothing', () => {
  expect(cutSlices([grant('a')], nano(0), now)).toEqual([]);
  expect(cutSlices([grant('a')], nano(-5), now)).toEqual([]);
});

test('slices add up to the amount or to all there is, empty each grant before the next, and take none unduly', () => {
  fc.assert(
    fc.property(grantLists, sums, (grants, amount) => {
      const spendable = inBurnOrder(grants).filter(
        (one) => one.effectiveAtMs <= now && (one.expiresAtMs ?? now + 1) > now && one.availableNano > 0n,
      );
      const available = sum(spendable.map((one) => one.availableNano));

      const slices = cutSlices(grants, amount, now);

      expect(sum(slices.map((slice) => slice.amountNano))).toBe(amount < available ? amount : available);
      slices.forEach((slice, position) => {
        const source = spendable[position];
        expect(slice.grantId).toBe(source?.id);
        expect(slice.amountNano).toBeGreaterThan(0n);
        if (position < slices.length - 1) expect(slice.amountNano).toBe(source?.availableNano);
        else expect(slice.amountNano <= (source?.availableNano ?? 0n)).toBe(true);
      });
    }),
    { numRuns: 1_000 },
  );
});
