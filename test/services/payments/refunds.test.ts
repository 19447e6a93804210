// Money goes back once, and never more than came in or than was left (billing.md 5: M17, M29 without tax).
import { afterEach, expect, test } from '@jest/globals';
import { balanceOf } from '../../../services/grants/balance.ts';
import { askForCharge } from '../../../services/payments/charges.ts';
import { refundUnusedPack, sendRefunds } from '../../../services/payments/refunds.ts';
import { inTransaction } from '../../../services/platform/postgres.ts';
import { control, ledgerOf, noMoreFaults, passHours } from '../../fake-stripe/stripe-client.ts';
import { type BareGateway, type Customer, newCustomer, openBareGateway } from '../../support/bare-gateway.ts';
import { billed } from './billed-customer.ts';
import { openTill } from './till.ts';

const till = await openTill();

afterEach(() => noMoreFaults(till.stripeUrl));

async function bought(pack: 'pack_10' | 'pack_50', card?: string) {
  const customer = await newCustomer(till.admin, []);
  const { paymentId, paymentIntent } = await till.pay(customer.orgId, pack, card);
  await till.record(paymentIntent);
  return { customer, paymentId, paymentIntent };
}

async function use(customer: Customer, ...amounts: string[]): Promise<void> {
  const gateway = await openBareGateway(till.database);
  for (const usd of amounts) await gateway.settle(customer, await gateway.hold(customer, usd), usd);
  await gateway.close();
}

async function refund(paymentId: string): Promise<number> {
  const { amountCents } = await inTransaction(till.db, (tx) => refundUnusedPack(tx, paymentId, 'test'));
  return amountCents;
}

async function hearAll(newestFirst = false): Promise<void> {
  const inbox = till.newInbox();
  const events = await till.events();
  for (const event of newestFirst ? events : events.toReversed()) await inbox.store(event);
  await inbox.processDue();
}

async function refundsOf(paymentId: string): Promise<object[]> {
  const { rows } = await till.admin.query(
    'select amount_cents as cents, state from refunds where payment_id = $1 order by created_at',
    [paymentId],
  );
  return rows;
}

async function available(orgId: string): Promise<string> {
  return String((await balanceOf(till.db, orgId)).availableNano);
}

test('M17: a refund that is heard of before its payment leaves one payment, one refund, and nothing', async () => {
  const customer = await newCustomer(till.admin, []);
  const { paymentId, paymentIntent } = await till.pay(customer.orgId, 'pack_10');
  await till.sdk.refunds.create({ payment_intent: paymentIntent });
  const refunded = (await till.events()).filter(({ type }) => type === 'charge.refunded');
  const inbox = till.newInbox();

  for (const event of refunded) await inbox.store(event);
  await inbox.processDue();
  const heardFirst = await refundsOf(paymentId);
  await hearAll();

  expect(heardFirst).toEqual([{ cents: 1_000, state: 'succeeded' }]);
  expect(await available(customer.orgId)).toBe('0');
  expect(await till.grantsOf(customer.orgId)).toHaveLength(1);
  expect(await refundsOf(paymentId)).toEqual([{ cents: 1_000, state: 'succeeded' }]);
  expect(await till.differences()).toEqual([]);
});

test('credit that a gateway holds is not refunded, and can be when it has come back', async () => {
  const { customer, paymentId } = await bought('pack_50');
  const gateway: BareGateway = await openBareGateway(till.database);
  const held = await gateway.hold(customer, '1.00');
  const { availableNano } = await balanceOf(till.db, customer.orgId);

  const first = await refund(paymentId);
  gateway.leases.release(held);
  await gateway.close();
  const second = await refund(paymentId);

  expect(first).toBe(Number((availableNano - 5_000_000_000n) / 10_000_000n));
  expect(first + second).toBe(5_000);
  await expect(refund(paymentId)).rejects.toMatchObject({ code: 'conflict' });
  expect(await available(customer.orgId)).toBe('0');
  await sendRefunds(till.db, till.stripe);
  expect(await till.differences()).toEqual([]);
});

test('a refund that Stripe has done and not confirmed is asked for again and done once', async () => {
  const { paymentId, paymentIntent } = await bought('pack_10');
  await control(till.stripeUrl, 'fault', { answer: 'POST /v1/refunds', fault: 'drop_after', count: 2 });
  await refund(paymentId);

  const unheard = await sendRefunds(till.db, till.stripe).catch((error: unknown) => error);
  await Promise.allSettled([sendRefunds(till.db, till.stripe), sendRefunds(till.db, till.stripe)]);

  expect(unheard).toMatchObject({ code: 'payment_provider_unavailable' });
  expect((await ledgerOf(till.stripeUrl))[paymentIntent]).toMatchObject({ captured: 1_000, refunded: 1_000 });
  expect(await refundsOf(paymentId)).toEqual([{ cents: 1_000, state: 'succeeded' }]);
  expect(await till.differences()).toEqual([]);
});

test('two processes that send a refund at once send one', async () => {
  const { customer, paymentId, paymentIntent } = await bought('pack_50');
  await use(customer, '30.00');
  await refund(paymentId);

  await Promise.allSettled([1, 2, 3].map(() => sendRefunds(till.db, till.stripe)));

  expect((await ledgerOf(till.stripeUrl))[paymentIntent]).toMatchObject({ captured: 5_000, refunded: 2_000 });
  expect(await refundsOf(paymentId)).toEqual([{ cents: 2_000, state: 'succeeded' }]);
});

test('the customer is told once that his money went back, and not before Stripe has said so', async () => {
  const { customer, paymentId } = await bought('pack_10');
  await refund(paymentId);
  const before = await toldOfRefunds(customer.orgId);

  await sendRefunds(till.db, till.stripe);
  await Promise.allSettled([sendRefunds(till.db, till.stripe), sendRefunds(till.db, till.stripe)]);

  expect([before, await toldOfRefunds(customer.orgId)]).toEqual([[], [1_000]]);
});

/** Cents. */
async function toldOfRefunds(orgId: string): Promise<number[]> {
  const { rows } = await till.admin.query<{ cents: number }>(
    `select (facts ->> 'amountCents')::integer as cents from notifications where org_id = $1 and kind = 'refunded'`,
    [orgId],
  );
  return rows.map(({ cents }) => cents);
}

test('what was used before somebody refunds it at Stripe is lost to us, and nobody falls below zero', async () => {
  const { customer, paymentId, paymentIntent } = await bought('pack_10');
  await use(customer, '4.00');

  await till.sdk.refunds.create({ payment_intent: paymentIntent });
  await hearAll(true);

  expect(await available(customer.orgId)).toBe('0');
  expect(await refundsOf(paymentId)).toEqual([{ cents: 1_000, state: 'succeeded' }]);
  expect(await till.differences()).toEqual([]);
});

test('after 14 days a pack is refunded by an operator’s word alone, and what was captured twice always', async () => {
  const { paymentId } = await bought('pack_10');
  const { paymentId: twice } = await bought('pack_10');
  await till.db.query(`select record_payment($1, 'pi_twice', 1000, 'usd', 'test')`, [twice]);
  const { rows } = await till.admin.query<{ id: string; refundId: string }>(
    'select p.id, r.id as "refundId" from payments p join refunds r on r.payment_id = p.id where p.second_of = $1',
    [twice],
  );
  await till.db.query(`select settle_refund($1, null, 'failed', 'test')`, [rows[0]?.refundId]);
  await clockAt(`now() + interval '14 days'`);

  await expect(refund(paymentId)).rejects.toMatchObject({ code: 'refund_window_over' });
  const byHisWord = await inTransaction(till.db, (tx) => refundUnusedPack(tx, paymentId, 'test', true));
  const ofSecond = await refund(rows[0]?.id ?? '');
  await clockAt('now()');

  expect([byHisWord.amountCents, ofSecond]).toEqual([1_000, 1_000]);
  // Stripe never heard of it: it was captured by the hand of a test.
  await till.db.query(
    `select settle_refund(r.id, 're_twice', 'succeeded', 'test') from refunds r where r.payment_id = $1 and r.state = 'submitted'`,
    [rows[0]?.id],
  );
  await sendRefunds(till.db, till.stripe);
  expect(await till.differences()).toEqual([]);
});

test('the payment of an invoice is no pack', async () => {
  const { invoiceId } = await billed(till);
  await askForCharge(till, invoiceId, 1);
  const { rows } = await till.admin.query<{ id: string }>('select id from payments where invoice_id = $1', [invoiceId]);

  await expect(refund(rows[0]?.id ?? '')).rejects.toMatchObject({ code: 'conflict' });
});

async function clockAt(moment: string): Promise<void> {
  await till.admin.query(
    `create or replace function billing_now() returns timestamptz language sql stable as $$ select ${moment} $$`,
  );
}

// Last: the fake's clock is two days ahead of ours after it.
test('M29: of $50+5 with 7.30 used 42.70 goes back and 5.000000 is void, and a refund that fails brings both back', async () => {
  const { customer, paymentId, paymentIntent } = await bought('pack_50', 'pm_card_refundFail');
  await use(customer, '5.00', '2.30');
  expect(await available(customer.orgId)).toBe('47700000000');

  expect(await refund(paymentId)).toBe(4_270);
  expect(await available(customer.orgId)).toBe('0');
  await sendRefunds(till.db, till.stripe);
  expect((await ledgerOf(till.stripeUrl))[paymentIntent]).toMatchObject({ captured: 5_000, refunded: 4_270 });
  expect(await till.differences()).toEqual([]);

  await passHours(till.stripeUrl, 48);
  await hearAll();
  expect(await available(customer.orgId)).toBe('47700000000');
  expect(await refundsOf(paymentId)).toEqual([{ cents: 4_270, state: 'failed' }]);
  expect(await till.differences()).toEqual([]);
});
