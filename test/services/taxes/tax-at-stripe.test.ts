// Tax is asked for with the price and goes back with it: what Stripe takes is net and tax, and the books keep them apart to the cent
// (billing.md 5: M29).
import { expect, test } from '@jest/globals';
import { balanceOf } from '../../../services/grants/balance.ts';
import { newInvoicePayment } from '../../../services/payments/charge-standing.ts';
import { askForCharge } from '../../../services/payments/charges.ts';
import { refundUnusedPack, sendRefunds } from '../../../services/payments/refunds.ts';
import { inTransaction } from '../../../services/platform/postgres.ts';
import { setTaxRegime } from '../../../services/taxes/taxes.ts';
import { ledgerOf, passHours, withCard } from '../../fake-stripe/stripe-client.ts';
import { newCustomer, openBareGateway } from '../../support/bare-gateway.ts';
import { billed, takenFor } from '../payments/billed-customer.ts';
import { openTill } from '../payments/till.ts';

const till = await openTill();

async function taxed(ratePpm: number | null): Promise<void> {
  const tax = ratePpm === null ? ({ kind: 'none' } as const) : ({ kind: 'fixed_rate', ratePpm } as const);
  await inTransaction(till.db, (tx) => setTaxRegime(tx, tax, 'test'));
}

async function exempt(orgId: string): Promise<void> {
  await till.admin.query(`insert into billing_details (org_id, tax_id, tax_exempt) values ($1, 'DE 123', true)`, [
    orgId,
  ]);
}

async function taxOwed(orgId: string): Promise<string> {
  const { rows } = await till.admin.query<{ owed: string }>(
    `select coalesce(-sum(amount_nano) / 10000000, 0)::bigint as owed from ledger_entries where account = 'tax_payable' and org_id = $1`,
    [orgId],
  );
  return rows[0]?.owed ?? '';
}

async function hearAll(): Promise<void> {
  const inbox = till.newInbox();
  for (const event of (await till.events()).toReversed()) await inbox.store(event);
  await inbox.processDue();
}

test('an invoice of a plan is charged with its tax, which is owed and never credit, and of what is exempt nothing is', async () => {
  await taxed(190_000);
  const [german, other] = [await billed(till), await till.newOrganization()];
  await exempt(other);

  const outcome = await askForCharge(till, german.invoiceId, 1);
  const { paymentIntent } = await till.pay(other, 'pack_10');
  await till.record(paymentIntent);

  expect(outcome).toEqual({ kind: 'paid' });
  expect((await takenFor(till, german.invoiceId)).captured).toEqual([2_261]);
  expect((await till.grantsOf(german.orgId)).map(({ source, amount }) => [source, amount])).toEqual([
    ['included', '25000000000'],
  ]);
  expect([await taxOwed(german.orgId), await taxOwed(other)]).toEqual(['361', '0']);
  expect((await ledgerOf(till.stripeUrl))[paymentIntent]).toMatchObject({ captured: 1_000 });
  expect(await till.differences()).toEqual([]);
});

test('what was ordered keeps the tax that it was ordered with, whatever is taxed by the time it is paid', async () => {
  await taxed(190_000);
  const { invoiceId, orgId } = await billed(till);

  await taxed(250_000);
  await askForCharge(till, invoiceId, 1);

  expect((await takenFor(till, invoiceId)).captured).toEqual([2_261]);
  expect(await taxOwed(orgId)).toBe('361');
  expect(await till.differences()).toEqual([]);
});

test('what somebody gives back at Stripe in parts takes its tax along, and of all that is back no cent of tax is left', async () => {
  await taxed(190_000);
  const { invoiceId, orgId } = await billed(till);
  await askForCharge(till, invoiceId, 1);
  const { rows } = await till.admin.query(
    'select stripe_payment_intent as intent from payments where invoice_id = $1',
    [invoiceId],
  );
  const owed: string[] = [];

  for (const amount of [1, 1_000, 999, 261]) {
    await till.sdk.refunds.create({ payment_intent: rows[0].intent, amount });
    await hearAll();
    owed.push(await taxOwed(orgId));
  }

  expect(owed).toEqual(['361', '202', '42', '0']);
  expect(await till.differences()).toEqual([]);
});

test('of a pack that is half given back at Stripe while the refund of all of it is refused, half of credit and tax is left', async () => {
  await taxed(200_000);
  const orgId = await till.newOrganization();
  const { paymentId, paymentIntent } = await till.pay(orgId, 'pack_10');
  await till.record(paymentIntent);
  await inTransaction(till.db, (tx) => refundUnusedPack(tx, paymentId, 'test'));
  await till.sdk.refunds.create({ payment_intent: paymentIntent, amount: 600 });
  await hearAll();

  await sendRefunds(till.db, till.stripe);
  const { availableNano } = await balanceOf(till.db, orgId);
  const owed = await taxOwed(orgId);
  await hearAll();
  await inTransaction(till.db, (tx) => refundUnusedPack(tx, paymentId, 'test'));
  await sendRefunds(till.db, till.stripe);

  expect([String(availableNano), owed]).toEqual(['5000000000', '100']);
  expect((await ledgerOf(till.stripeUrl))[paymentIntent]).toMatchObject({ captured: 1_200, refunded: 1_200 });
  expect(await taxOwed(orgId)).toBe('0');
  expect(await till.differences()).toEqual([]);
});

test('what is taxed and captured a second time goes back as a whole, and its tax is owed once', async () => {
  await taxed(190_000);
  const orgId = await till.newOrganization();
  const pack = await till.pay(orgId, 'pack_10');
  const { orgId: subscriber, invoiceId } = await billed(till, null);
  const [first, second] = [await askedFor(subscriber, invoiceId), await askedFor(subscriber, invoiceId)];
  await till.record(pack.paymentIntent);

  const outcomes: string[] = [];
  for (const [paymentId, amount] of [
    [pack.paymentId, 1_190],
    [second, 2_261],
    [first, 2_261],
    [first, 2_261],
  ] as const) {
    outcomes.push(await till.record(await captured(paymentId, amount)));
  }
  await sendRefunds(till.db, till.stripe);

  expect(outcomes).toEqual(['twice', 'recorded', 'twice', 'twice']);
  expect([await taxOwed(orgId), await taxOwed(subscriber)]).toEqual(['190', '361']);
  expect(await till.differences()).toEqual([]);
});

/** The payment before it can be paid no more, as far as we know. */
async function askedFor(orgId: string, invoiceId: string): Promise<string> {
  await till.admin.query(`update payments set state = 'expired' where invoice_id = $1`, [invoiceId]);
  return inTransaction(till.db, (tx) => newInvoicePayment(tx, invoiceId, { orgId, amountCents: 2_261 }, 'test'));
}

async function captured(paymentId: string, amount: number): Promise<string> {
  const card = await withCard(till.sdk, 'pm_card_visa');
  const { id } = await till.sdk.paymentIntents.create({
    ...{ amount, currency: 'usd', ...card, confirm: true, off_session: true },
    ...{ allowed_payment_method_types: ['card'], metadata: { payment_id: paymentId } },
  });
  return id;
}

// Last: the fake's clock is two days ahead of ours after it.
test('M29: a pack of $50+5 at 20 % is charged 60.00; of it with 7.30 used 51.24 go back, of which 8.54 tax, and all comes back if that fails', async () => {
  await taxed(200_000);
  const customer = await newCustomer(till.admin, []);
  const { orgId } = customer;
  const { paymentId, paymentIntent } = await till.pay(orgId, 'pack_50', 'pm_card_refundFail');
  await till.record(paymentIntent);
  const gateway = await openBareGateway(till.database);
  for (const usd of ['5.00', '2.30']) await gateway.settle(customer, await gateway.hold(customer, usd), usd);
  await gateway.close();
  const owed = [await taxOwed(orgId)];

  const { amountCents } = await inTransaction(till.db, (tx) => refundUnusedPack(tx, paymentId, 'test'));
  await sendRefunds(till.db, till.stripe);
  owed.push(await taxOwed(orgId));
  const { captured, refunded } = (await ledgerOf(till.stripeUrl))[paymentIntent] ?? {};
  await passHours(till.stripeUrl, 48);
  await hearAll();
  owed.push(await taxOwed(orgId));

  expect([captured, amountCents, refunded]).toEqual([6_000, 5_124, 5_124]);
  expect(owed).toEqual(['1000', '146', '1000']);
  expect((await till.grantsOf(orgId)).map(({ paidCents }) => paidCents)).toEqual([0, 5_000]);
  expect(await till.differences()).toEqual([]);
});
