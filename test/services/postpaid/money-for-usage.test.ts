// Money for an invoice of usage, by bank or by card: it is lent again to the cent, and who has paid is free in the same transaction.
import { afterEach, expect, test } from '@jest/globals';
import { standingOf } from '../../../services/payments/charge-standing.ts';
import { inTransaction } from '../../../services/platform/postgres.ts';
import { issueDueInvoices } from '../../../services/postpaid/usage-invoices.ts';
import { invoicePaid } from '../../../services/subscriptions/learn.ts';
import type { Customer } from '../../support/bare-gateway.ts';
import { openPlanShop } from '../subscriptions/plan-shop.ts';
import { enterprise, invoicesOf, reverse, spend, spendable, transfer } from './enterprise.ts';

const shop = await openPlanShop();

afterEach(async () => {
  expect(await shop.differences()).toEqual([]);
});

interface Debtor extends Customer {
  readonly invoiceId: string;
}

/** A line of 1,000.00, of which 600.00 are on an invoice that is due in 30 days. */
async function debtor(): Promise<Debtor> {
  const customer = await enterprise(shop, 100_000);
  await spend(shop, customer, '600');
  await shop.advanceTo(await firstOfNextMonth());
  await issueDueInvoices(shop.db, null);
  await shop.rest();
  const [invoice] = await invoicesOf(shop, customer);
  return { ...customer, invoiceId: invoice?.invoiceId ?? '' };
}

async function limitedDebtor(): Promise<Debtor> {
  const one = await debtor();
  await shop.advanceTo(await daysFromNow(46));
  expect(await shop.stageOf(one.orgId)).toBe('limited');
  return one;
}

async function firstOfNextMonth(): Promise<string> {
  return clock(`(date_trunc('month', billing_now() at time zone 'UTC') + interval '1 month') at time zone 'UTC'`);
}

async function daysFromNow(days: number): Promise<string> {
  return clock(`billing_now() + interval '${days} days'`);
}

async function clock(moment: string): Promise<string> {
  const { rows } = await shop.admin.query<{ at: Date }>(`select ${moment} as at`);
  return (rows[0]?.at ?? new Date(0)).toISOString();
}

/** What Stripe would capture for the payment that waits, or for an earlier one. */
async function capture(paymentId: string, cents: number, dies = false): Promise<void> {
  await inTransaction(shop.db, async (tx) => {
    const { rows } = await tx.query<{ outcome: string; invoiceId: string }>(
      `select record_payment($1, $2, $3, 'usd', 'test') as outcome, (select invoice_id from payments where id = $1) as "invoiceId"`,
      [paymentId, `pi_${paymentId}`, cents],
    );
    if (rows[0]?.outcome !== 'recorded') return;
    const paid = await invoicePaid(tx, rows[0].invoiceId, { actor: 'test' });
    if (paid === 'unwanted')
      await tx.query(`select begin_refund(gen_random_uuid(), $1, null, null, 'test')`, [paymentId]);
    if (dies) throw new Error('died');
  });
}

async function waitingPayment({ invoiceId }: Debtor): Promise<{ readonly id: string; readonly cents: number }> {
  const { rows } = await shop.admin.query<{ id: string; cents: number }>(
    `select id, amount_cents as cents from payments where invoice_id = $1 and state = 'open'`,
    [invoiceId],
  );
  return rows[0] ?? { id: 'none', cents: 0 };
}

async function stateOf({ invoiceId, ...customer }: Debtor) {
  const invoice = (await invoicesOf(shop, customer)).find((one) => one.invoiceId === invoiceId);
  const { rows } = await shop.admin.query<{ state: string }>('select state from invoices where id = $1', [invoiceId]);
  return { state: rows[0]?.state, remaining: invoice?.remainingCents, free: await spendable(shop, customer) };
}

async function receiptsOf({ orgId }: Customer): Promise<number[]> {
  const { rows } = await shop.admin.query<{ cents: number }>(
    `select (facts ->> 'amountCents')::integer as cents from notifications where org_id = $1 and kind = 'receipt' order by 1`,
    [orgId],
  );
  return rows.map(({ cents }) => cents);
}

test('a transfer for a part lends that part again, and the card is asked for the rest', async () => {
  const one = await debtor();

  await transfer(shop, one.invoiceId, 25_050);

  expect(await stateOf(one)).toEqual({ state: 'open', remaining: 34_950, free: '650.500000000' });
  const waiting = await waitingPayment(one);
  expect(waiting.cents).toBe(34_950);
  expect(await standingOf(shop.db, one.invoiceId, null)).toMatchObject({
    payment: { id: waiting.id, amountCents: 34_950 },
  });
  expect(await shop.openCases(one.orgId)).toEqual([one.invoiceId]);
  expect((await shop.dunnings.tick(one.invoiceId)).amountCents).toBe(34_950);
});

test('a transfer of all that remains pays the invoice, closes its case and lifts the limit, with a receipt for each', async () => {
  const one = await limitedDebtor();

  await transfer(shop, one.invoiceId, 20_000);
  expect(await shop.stageOf(one.orgId)).toBe('limited');
  await transfer(shop, one.invoiceId, 40_000);

  expect(await receiptsOf(one)).toEqual([20_000, 40_000]);
  expect(await stateOf(one)).toEqual({ state: 'paid', remaining: 0, free: '1000.000000000' });
  expect([await shop.stageOf(one.orgId), await shop.openCases(one.orgId)]).toEqual(['none', []]);
  expect((await waitingPayment(one)).id).toBe('none');
});

test('a transfer of more than remains, one that is known, and one of a day to come are refused and change nothing', async () => {
  const one = await debtor();
  await transfer(shop, one.invoiceId, 10_000, { reference: 'INV 7' });

  const tooMuch = transfer(shop, one.invoiceId, 50_001);
  const doubled = transfer(shop, one.invoiceId, 10_000, { reference: 'INV 7' });
  const toCome = transfer(shop, one.invoiceId, 10_000, { receivedOn: '2099-01-01' });

  await expect(tooMuch).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('500.00') });
  await expect(doubled).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('INV 7') });
  await expect(toCome).rejects.toMatchObject({ code: 'invalid_body' });
  expect(await stateOf(one)).toEqual({ state: 'open', remaining: 50_000, free: '500.000000000' });
});

test('of two who record the same transfer at once, one is refused', async () => {
  const one = await debtor();

  const recorded = await Promise.allSettled(
    [1, 2].map(() => transfer(shop, one.invoiceId, 60_000, { reference: 'twice' })),
  );

  expect(recorded.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  expect(await stateOf(one)).toMatchObject({ state: 'paid', free: '1000.000000000' });
});

test('a transfer that is reversed is owed again, with its case and what its customer was told, and may come once more', async () => {
  const one = await limitedDebtor();
  const transferId = await transfer(shop, one.invoiceId, 60_000, { reference: 'bounces' });
  expect(await shop.stageOf(one.orgId)).toBe('none');

  await reverse(shop, transferId);

  expect(await stateOf(one)).toEqual({ state: 'open', remaining: 60_000, free: '400.000000000' });
  expect([await shop.stageOf(one.orgId), await shop.openCases(one.orgId)]).toEqual(['limited', [one.invoiceId]]);
  await expect(reverse(shop, transferId)).rejects.toMatchObject({ code: 'conflict' });
  await transfer(shop, one.invoiceId, 60_000, { reference: 'bounces' });
  expect([(await stateOf(one)).state, await shop.stageOf(one.orgId)]).toEqual(['paid', 'none']);
});

test('what was lent again and used before its transfer was reversed is above the line, and nothing is free until it is paid', async () => {
  const one = await debtor();
  const transferId = await transfer(shop, one.invoiceId, 60_000);
  await spend(shop, one, '900');

  await reverse(shop, transferId);
  expect(await stateOf(one)).toEqual({ state: 'open', remaining: 60_000, free: '0.000000000' });
  await transfer(shop, one.invoiceId, 60_000);

  expect(await stateOf(one)).toEqual({ state: 'paid', remaining: 0, free: '100.000000000' });
});

test('a card pays the invoice like a transfer', async () => {
  const one = await limitedDebtor();
  const { id, cents } = await waitingPayment(one);

  await capture(id, cents);

  expect(await stateOf(one)).toEqual({ state: 'paid', remaining: 0, free: '1000.000000000' });
  expect(await shop.stageOf(one.orgId)).toBe('none');
});

test('money, the line, the case and the limit change together or not at all', async () => {
  const one = await limitedDebtor();
  const { id, cents } = await waitingPayment(one);

  await expect(capture(id, cents, true)).rejects.toThrow('died');

  expect(await stateOf(one)).toEqual({ state: 'open', remaining: 60_000, free: '400.000000000' });
  expect([await shop.stageOf(one.orgId), await shop.openCases(one.orgId)]).toEqual(['limited', [one.invoiceId]]);
});

test('a card that was charged for all while a transfer paid a part pays the rest, and gets the difference back', async () => {
  const one = await debtor();
  const { id, cents } = await waitingPayment(one);
  await transfer(shop, one.invoiceId, 20_000);

  await capture(id, cents);
  await capture(id, cents);

  expect(await stateOf(one)).toEqual({ state: 'paid', remaining: 0, free: '1000.000000000' });
  const { rows } = await shop.admin.query('select amount_cents from refunds where payment_id = $1', [id]);
  expect(rows).toEqual([{ amount_cents: 20_000 }]);
});

test('a card that was charged for what a transfer has paid gets all of it back', async () => {
  const one = await debtor();
  const { id, cents } = await waitingPayment(one);
  await transfer(shop, one.invoiceId, 60_000);

  await capture(id, cents);

  expect(await stateOf(one)).toEqual({ state: 'paid', remaining: 0, free: '1000.000000000' });
  const { rows } = await shop.admin.query('select amount_cents from refunds where payment_id = $1', [id]);
  expect(rows).toEqual([{ amount_cents: 60_000 }]);
});

test('with two invoices overdue and one paid the organization stays limited', async () => {
  const one = await debtor();
  await spend(shop, one, '100');
  await shop.advanceTo(await firstOfNextMonth());
  await issueDueInvoices(shop.db, null);
  const [first = '', second = ''] = await shop.openCases(one.orgId);
  await shop.advanceTo(await daysFromNow(46));

  await transfer(shop, first, 60_000);
  expect(await shop.stageOf(one.orgId)).toBe('limited');
  await transfer(shop, second, 10_000);

  expect(await shop.stageOf(one.orgId)).toBe('none');
});
