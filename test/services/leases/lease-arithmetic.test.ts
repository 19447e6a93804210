// What a gateway counts in memory, without a database: a lease against the plainest model of it, and whom the credit of one lease
// transaction serves. A nano counted wrong here is spent twice, or held for ever.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Nano, nano } from '../../../domain/nano.ts';
import { type CreditNeed, creditWanted, newKeyLeases, serve } from '../../../services/leases/key-leases.ts';
import {
  free,
  newLease,
  type Reservation,
  releaseOf,
  reserveFrom,
  settleOn,
  widen,
} from '../../../services/leases/lease.ts';

const money = fc.integer({ min: 0, max: 1_000 }).map(nano);
const step = fc.record({
  what: fc.constantFrom('grow', 'reserve', 'widen', 'settle', 'release', 'giveBack'),
  which: fc.nat(9),
  amount: money,
});

/** The same once more: each reservation by itself, and what was charged in all. */
interface PlainReservation {
  amount: bigint;
  isOpen: boolean;
}

test('free, reserved and consumed are what the reservations add up to, and each of these ends once (10,000 histories)', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const lease = newLease('lease', 'key', 'org');
      const reservations: [Reservation, PlainReservation][] = [];
      let [amount, consumed, settlements] = [0n, 0n, 0];
      for (const { what, which, amount: sum } of steps) {
        const [reservation, plain] = reservations[which] ?? [];
        if (what === 'grow') {
          lease.amount = (lease.amount + sum) as Nano;
          amount += sum;
        } else if (what === 'reserve' && free(lease) >= sum) {
          reservations.push([reserveFrom(lease, sum, 0), { amount: sum, isOpen: true }]);
        } else if (what === 'giveBack' && free(lease) > 0n) {
          amount -= free(lease);
          lease.amount = (lease.amount - free(lease)) as Nano;
        } else if (reservation !== undefined && plain !== undefined) {
          if (what === 'widen' && plain.isOpen && free(lease) >= sum) {
            widen(reservation, sum);
            plain.amount += sum;
          } else if (what === 'settle') {
            settleOn(reservation, sum);
            if (plain.isOpen) {
              consumed = consumed + sum > amount ? amount : consumed + sum;
              settlements += 1;
            }
            plain.isOpen = false;
          } else if (what === 'release') {
            releaseOf(reservation);
            plain.isOpen = false;
          }
        }
      }
      const open = reservations.map(([, one]) => one).filter(({ isOpen }) => isOpen);
      const reserved = open.reduce((total, one) => total + one.amount, 0n);
      // After the last step only: every beginning of a history is drawn as a history of its own.
      expect([
        lease.amount,
        lease.consumed,
        lease.reserved,
        lease.reservations,
        lease.unconfirmed,
        free(lease),
      ]).toEqual([amount, consumed, reserved, open.length, settlements, amount - consumed - reserved]);
    }),
    { numRuns: 10_000 },
  );
});

const need: fc.Arbitrary<CreditNeed> = fc
  .tuple(fc.integer({ min: 1, max: 100 }), fc.nat(100), fc.nat(100))
  .map(([floor, more, most]) => ({
    ...{ floor: nano(floor), preferred: nano(floor + more), wish: nano(floor + more + most) },
  }));
const waiters = fc.array(need, { minLength: 1, maxLength: 8 });

function waiting(needs: readonly CreditNeed[], inHand: bigint) {
  const keyLeases = newKeyLeases({ id: 'key', orgId: 'org', enforcementSeq: 0 });
  const lease = newLease('lease', 'key', 'org');
  lease.amount = inHand as Nano;
  keyLeases.current = lease;
  const served: (bigint | null)[] = needs.map(() => null);
  for (const [at, one] of needs.entries()) {
    keyLeases.waiters.push({
      ...{ need: one, own: null, reject: () => {} },
      resolve: ({ amount }) => {
        served[at] = amount;
      },
    });
  }
  return { keyLeases, lease, served };
}

test('whoever waits gets between his floor and his wish, in order, and nobody is left whose floor is there', () => {
  fc.assert(
    fc.property(waiters, money, (needs, inHand) => {
      const { keyLeases, lease, served } = waiting(needs, inHand);

      serve(keyLeases);

      const given = served.reduce<bigint>((total, amount) => total + (amount ?? 0n), 0n);
      expect([lease.reserved, free(lease)]).toEqual([given, inHand - given]);
      expect(free(lease)).toBeGreaterThanOrEqual(0n);
      expect(keyLeases.waiters.map((waiter) => waiter.need)).toEqual(needs.filter((_, at) => served[at] === null));
      for (const [at, { floor, wish }] of needs.entries()) {
        const amount = served[at] ?? null;
        if (amount === null) expect(floor).toBeGreaterThan(free(lease));
        else expect(amount >= floor && amount <= wish).toBe(true);
      }
    }),
    { numRuns: 1_000 },
  );
});

test('a lease transaction that brings what waits for it serves everybody with what he expects', () => {
  fc.assert(
    fc.property(waiters, money, (needs, inHand) => {
      const { keyLeases, lease, served } = waiting(needs, inHand);
      const wanted = creditWanted(keyLeases, lease, 0);
      const floors = needs.map(({ floor }) => floor);
      expect(wanted.least).toBe(floors.reduce((least, floor) => (floor < least ? floor : least)));
      expect(wanted.inHand).toBe(free(lease));

      lease.amount = (lease.amount + wanted.waiting) as Nano;
      serve(keyLeases);

      for (const [at, { preferred }] of needs.entries()) expect(served[at]).toBeGreaterThanOrEqual(preferred);
    }),
    { numRuns: 1_000 },
  );
});
