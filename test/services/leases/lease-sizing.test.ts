// How large a lease is asked for (design.md 3.1): enough for about ten seconds, found within a few transactions from a cold start.
import { expect, test } from '@jest/globals';
import { type Nano, nano } from '../../../domain/nano.ts';
import { creditWanted, newKeyLeases } from '../../../services/leases/key-leases.ts';
import { newLease, reserveFrom } from '../../../services/leases/lease.ts';

const REQUEST = nano(1_000);

const aKey = () => newKeyLeases({ id: 'key', orgId: 'org', enforcementSeq: 0 });

function waiting(floor: Nano, preferred: Nano, wish: Nano) {
  return { need: { floor, preferred, wish }, own: null, resolve: () => {}, reject: () => {} };
}

function leaseOf(amount: Nano) {
  const lease = newLease('lease', 'key', 'org');
  lease.amount = amount;
  return lease;
}

test('the first lease of a cold key is for eight requests like the one that waits', () => {
  const cold = aKey();
  cold.waiters.push(waiting(nano(200), REQUEST, REQUEST));

  const wanted = creditWanted(cold, leaseOf(nano(0)), 5_000);

  expect(wanted).toEqual({ waiting: REQUEST, target: nano(8_000), least: nano(200), inHand: nano(0) });
});

test('credit that lasted less than a second is doubled, whatever the smoothed spending says', () => {
  const hot = { ...aKey(), lastAmount: nano(8_000), lastTakenAtMs: 5_000, spendPerSecond: 10n };

  const wanted = creditWanted(hot, leaseOf(nano(100)), 5_999);

  expect(wanted.target).toBe(nano(16_000));
});

test('credit that lasted longer is renewed for ten seconds of spending', () => {
  const steady = { ...aKey(), lastAmount: nano(8_000), lastTakenAtMs: 5_000, spendPerSecond: 900n };

  const wanted = creditWanted(steady, leaseOf(nano(100)), 6_000);

  expect(wanted).toEqual({ waiting: nano(1), target: nano(9_000), least: nano(1), inHand: nano(0) });
});

test('what a lease has in hand counts for those who wait, and what is reserved on it does not', () => {
  const busy = aKey();
  busy.waiters.push(waiting(nano(600), REQUEST, REQUEST), waiting(nano(700), REQUEST, REQUEST));
  const lease = leaseOf(nano(900));
  reserveFrom(lease, nano(500), 0);

  const wanted = creditWanted(busy, lease, 5_000);

  expect(wanted).toMatchObject({ waiting: nano(1_600), least: nano(600), inHand: nano(400) });
});

test('a request that costs nothing asks for one nano, because nothing cannot be leased', () => {
  const busy = aKey();
  busy.waiters.push(waiting(nano(0), nano(0), nano(0)));

  expect(creditWanted(busy, leaseOf(nano(0)), 5_000)).toMatchObject({ waiting: nano(1), least: nano(1) });
});
