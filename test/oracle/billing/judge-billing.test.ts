// What the judge of billing sees: nothing where nothing is wrong, and each planted mistake by its name and its money.
import { expect, test } from '@jest/globals';
import type { BillingFacts } from './billing-facts.ts';
import { BILLING_FINDING_KINDS } from './billing-finding.ts';
import { judgeBilling } from './judge-billing.ts';
import { PLANTED, PRICE, stages, with_ } from './planted-billing-errors.ts';
import { smallBillingWorld } from './small-billing-world.ts';

test('where each was charged once for what he got, the judge finds nothing', () => {
  const world = smallBillingWorld();

  const findings = judgeBilling(world);

  expect(findings).toEqual([]);
});

const world = smallBillingWorld();

test.each(PLANTED)('the judge sees %s', (_what, change, kinds, differenceNano) => {
  const planted = { ...smallBillingWorld(), ...change };

  const findings = judgeBilling(planted);

  expect(findings.map(({ kind }) => kind)).toEqual(kinds);
  expect(findings.reduce((total, one) => total + one.differenceNano, 0n)).toBe(differenceNano);
});

test('each kind of finding has a planted mistake that shows it', () => {
  const shown = new Set(PLANTED.flatMap(([, , kinds]) => kinds));

  expect([...shown].sort()).toEqual([...BILLING_FINDING_KINDS].sort());
});

test('money for a void invoice that went back as a whole is booked as it came and went', () => {
  const payment = {
    ...{ id: 'p-debtor-1', invoiceId: 'debtor-1', secondOf: null },
    ...{ intent: 'pi-debtor-1', transactionId: 'came' },
  };

  const findings = judgeBilling({
    ...world,
    ...stages({ debtor: 'none', enterprise: 'none' }),
    subscriptions: world.subscriptions.map((one) => (one.id === 'debtor' ? { ...one, phase: 'ended' } : one)),
    invoices: world.invoices.map((one) => (one.id === 'debtor-1' ? { ...one, state: 'void' } : one)),
    cases: world.cases.map((one) => ({ ...one, closed: 'void' })),
    payments: [...world.payments.filter(({ id }) => id !== payment.id), payment],
    captures: with_(world.captures, 'pi-debtor-1', { captures: 1, capturedCents: 1_900, refundedCents: 1_900 }),
    // The first refund failed at its bank and was booked back.
    refunds: [
      { id: 'r-1', paymentId: payment.id, transactionId: 'went', reversalId: 'returned' },
      { id: 'r-2', paymentId: payment.id, transactionId: 'went again', reversalId: null },
    ],
    // The second time out of what is owed back.
    deferred: [...world.deferred, moved('came', -PRICE), moved('went', PRICE)],
    clearing: [
      ...world.clearing,
      { transactionId: 'came', amountNano: PRICE },
      { transactionId: 'went', amountNano: -PRICE },
      { transactionId: 'returned', amountNano: PRICE },
      { transactionId: 'went again', amountNano: -PRICE },
    ],
  });

  expect(findings).toEqual([]);
});

function moved(transactionId: string, amountNano: bigint): BillingFacts['deferred'][number] {
  return { orgId: 'debtor', transactionId, amountNano, monthEndsAt: null };
}
