// What follows a payment: refunds of every fate, disputes, warnings, and a balance that adds up.
import { expect, test } from '@jest/globals';
import type Stripe from 'stripe';
import { ledgerOf, ownStripe, passHours, refusalOf, withCard } from './stripe-client.ts';

const fake = await ownStripe();
const { stripe } = fake;

async function paid(card: string, amount = 6_000): Promise<Stripe.PaymentIntent> {
  const { customer, payment_method } = await withCard(stripe, card);
  const pay = { amount, currency: 'usd', customer, payment_method, confirm: true, off_session: true };
  return stripe.paymentIntents.create({ ...pay, allowed_payment_method_types: ['card'], expand: ['latest_charge'] });
}

const chargeOf = async ({ id }: Stripe.PaymentIntent) => (await stripe.charges.list({ payment_intent: id })).data[0];

test('refunds in parts, up to what was paid and no cent more', async () => {
  const intent = await paid('pm_card_visa');
  const refund = (amount?: number) =>
    stripe.refunds.create({
      payment_intent: intent.id,
      ...(amount === undefined ? {} : { amount }),
      metadata: { r: '1' },
    });
  expect(await refund(5_124)).toMatchObject({
    status: 'succeeded',
    amount: 5_124,
    charge: (await chargeOf(intent))?.id,
  });
  expect(await refusalOf(refund(877))).toMatchObject({ statusCode: 400, param: 'amount' });
  expect((await refund()).amount).toBe(876);
  expect(await refusalOf(refund())).toMatchObject({ code: 'charge_already_refunded' });

  expect(await chargeOf(intent)).toMatchObject({ refunded: true, amount_refunded: 6_000 });
  expect((await stripe.refunds.list({ payment_intent: intent.id })).data).toHaveLength(2);
  expect((await ledgerOf(fake.url))[intent.id]).toMatchObject({ captured: 6_000, refunded: 6_000 });
});

test('a refund that waits succeeds later; one that fails gives the money back, and says so', async () => {
  const [slow, failing] = [await paid('pm_card_pendingRefund'), await paid('pm_card_refundFail')];
  const waiting = await stripe.refunds.create({ payment_intent: slow.id });
  const doomed = await stripe.refunds.create({ payment_intent: failing.id });
  expect([waiting.status, waiting.pending_reason, doomed.status]).toEqual(['pending', 'processing', 'succeeded']);
  expect((await refusalOf(stripe.refunds.cancel(waiting.id))).message).toContain('requires_action');

  await passHours(fake.url, 2);

  expect((await stripe.refunds.retrieve(waiting.id)).status).toBe('succeeded');
  expect(await stripe.refunds.retrieve(doomed.id)).toMatchObject({
    status: 'failed',
    failure_reason: 'lost_or_stolen_card',
    failure_balance_transaction: expect.stringMatching(/^txn_/),
  });
  expect(await chargeOf(failing)).toMatchObject({ refunded: false, amount_refunded: 0 });
  const ledger = await ledgerOf(fake.url);
  expect([ledger[slow.id]?.refunded, ledger[failing.id]?.refunded]).toEqual([6_000, 0]);
  const [event] = (await stripe.events.list({ type: 'refund.failed' })).data;
  expect(event?.data.object).toMatchObject({ id: doomed.id });
});

test('only a refund that needs the customer can be cancelled', async () => {
  const intent = await paid('pm_fake_refund_requires_action');
  const { id, status } = await stripe.refunds.create({ payment_intent: intent.id });
  expect(status).toBe('requires_action');
  expect((await stripe.refunds.cancel(id)).status).toBe('canceled');
  expect((await ledgerOf(fake.url))[intent.id]).toMatchObject({ captured: 6_000, refunded: 0 });
});

test('what was never paid is not refunded', async () => {
  const { id } = await stripe.paymentIntents.create({ amount: 500, currency: 'usd' });
  expect((await refusalOf(stripe.refunds.create({ payment_intent: id }))).message).toContain('successful charge');
  expect((await refusalOf(stripe.refunds.create({}))).statusCode).toBe(400);
});

test('later a dispute takes the money and a fee, or a warning comes first', async () => {
  const [disputed, warned] = [await paid('pm_card_createDispute'), await paid('pm_card_createIssuerFraudRecord')];
  expect((await stripe.events.list({ type: 'charge.dispute.*' })).data).toEqual([]);
  await passHours(fake.url, 2);

  const [withdrawn, created] = (await stripe.events.list({ type: 'charge.dispute.*' })).data;
  expect([created?.type, withdrawn?.type]).toEqual(['charge.dispute.created', 'charge.dispute.funds_withdrawn']);
  expect(await chargeOf(disputed)).toMatchObject({ disputed: true });
  expect(await refusalOf(stripe.refunds.create({ payment_intent: disputed.id }))).toMatchObject({
    code: 'charge_disputed',
  });
  const dispute = created?.type === 'charge.dispute.created' ? created.data.object : null;
  expect(await stripe.disputes.retrieve(dispute?.id ?? '')).toMatchObject({
    payment_intent: disputed.id,
    status: 'needs_response',
    balance_transactions: [{ amount: -6_000, fee: 1_500, net: -7_500 }],
  });
  const [warning] = (await stripe.events.list({ type: 'radar.early_fraud_warning.created' })).data;
  expect(warning?.data.object).toMatchObject({ payment_intent: warned.id, actionable: true });
});

test('the balance transactions are the captures less fees and refunds, to the cent', async () => {
  const rows = await stripe.balanceTransactions.list({ limit: 100 }).autoPagingToArray({ limit: 1_000 });
  const sum = (type: string) => rows.filter((row) => row.type === type).reduce((total, row) => total + row.amount, 0);
  const payments = Object.values(await ledgerOf(fake.url));
  const total = (of: 'captured' | 'refunded') => payments.reduce((all, payment) => all + payment[of], 0);

  expect(sum('charge')).toBe(total('captured'));
  expect(-sum('refund') - sum('refund_failure')).toBe(total('refunded'));
  for (const row of rows.filter(({ type }) => type === 'charge'))
    expect(row.fee).toBe(Math.round(row.amount * 0.029) + 30);
  expect((await stripe.balanceTransactions.retrieve(rows[0]?.id ?? '')).id).toBe(rows[0]?.id);
});
