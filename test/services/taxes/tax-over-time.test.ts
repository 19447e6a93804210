// Tax on what takes time: renewals, upgrades that are charged for a part, and usage that is invoiced afterwards.
import { afterEach, beforeAll, expect, test } from '@jest/globals';
import { inTransaction } from '../../../services/platform/postgres.ts';
import { issueDueInvoices } from '../../../services/postpaid/usage-invoices.ts';
import { invoicePaid } from '../../../services/subscriptions/learn.ts';
import { queueMailsAhead } from '../../../services/subscriptions/mails-ahead.ts';
import { setTaxRegime } from '../../../services/taxes/taxes.ts';
import { enterprise, invoicesOf, linesOf, reverse, spend, spendable, transfer } from '../postpaid/enterprise.ts';
import { openPlanShop } from '../subscriptions/plan-shop.ts';

const shop = await openPlanShop();

beforeAll(async () => {
  await inTransaction(shop.db, (tx) => setTaxRegime(tx, { kind: 'fixed_rate', ratePpm: 190_000 }, 'test'));
});
afterEach(async () => {
  expect(await shop.differences()).toEqual([]);
});

async function invoicedTo(orgId: string): Promise<object[]> {
  const { rows } = await shop.admin.query(
    `select amount_cents - tax_cents as net, tax_cents as tax, state from invoices where org_id = $1 order by issued_at, id`,
    [orgId],
  );
  return rows;
}

test('an upgrade is taxed on what it costs after the credit for what it cuts, and the next month on its price', async () => {
  const customer = await shop.customer('pro', 1, '2027-01-01T00:00:00Z');
  await shop.advanceTo('2027-01-16T12:00:00Z');

  await shop.command(customer, { command: 'changePlan', plan: 'team', months: 1 });
  await shop.advanceTo('2027-02-20T00:00:00Z');

  expect(await invoicedTo(customer.orgId)).toEqual([
    { net: 1_900, tax: 361, state: 'paid' },
    { net: 8_950, tax: 1_701, state: 'paid' }, // 99.00 - 9.50; 1700.5 half up
    { net: 9_900, tax: 1_881, state: 'paid' },
  ]);
  expect((await shop.charged(customer.orgId)).map((one) => one.split(' ')[1])).toEqual(['2261', '10651', '11781']);
});

test('usage is invoiced with a line of tax that is no usage, counts against the line until it is paid, and is paid in parts', async () => {
  await shop.sleepUntil('2027-03-05T00:00:00Z');
  const customer = await enterprise(shop, 100_000);
  await spend(shop, customer, '100.004999999');
  await shop.advanceTo('2027-04-01T00:00:00Z');

  const [invoiceId = ''] = await issueDueInvoices(shop.db, null);
  const [invoice] = await invoicesOf(shop, customer);
  const owing = await spendable(shop, customer);
  await transfer(shop, invoiceId, 1_900);
  await transfer(shop, invoiceId, 10_000);

  expect(invoice).toMatchObject({ amountCents: 11_900, taxCents: 1_900, remainingCents: 11_900 });
  expect(linesOf(invoice)).toEqual(['std x1 100004999999']);
  expect(owing).toBe('881.000000000');
  expect(await spendable(shop, customer)).toBe('1000.000000000');
  expect((await invoicesOf(shop, customer))[0]?.remainingCents).toBe(0);
});

test('who is told that a year will be renewed is told of what his card is asked for then, tax and all', async () => {
  const customer = await shop.customer('pro', 12, '2027-04-02T00:00:00Z');
  await shop.sleepUntil('2028-03-27T00:00:00Z');

  await queueMailsAhead(shop.db);
  await shop.advanceTo('2028-04-02T00:00:00Z');

  const { rows } = await shop.admin.query<{ cents: string }>(
    `select facts ->> 'amountCents' as cents from notifications where org_id = $1 and kind = 'renewal_ahead'`,
    [customer.orgId],
  );
  expect(rows).toEqual([{ cents: '22610' }]);
  expect((await shop.charged(customer.orgId)).map((one) => one.split(' ')[1])).toEqual(['22610', '22610']);
});

test('paid in part by bank and else by card, it wants exactly what the bank takes back, and the line is whole when that is paid', async () => {
  const customer = await enterprise(shop, 100_000);
  await spend(shop, customer, '100.004999999');
  await shop.advanceTo('2028-05-01T00:00:00Z');
  const [invoiceId = ''] = await issueDueInvoices(shop.db, null);
  const transferId = await transfer(shop, invoiceId, 1_899);

  const asked = [await paidByCard(invoiceId)];
  const free = [await spendable(shop, customer)];
  await reverse(shop, transferId);
  free.push(await spendable(shop, customer));
  asked.push(await paidByCard(invoiceId));

  expect(asked).toEqual([10_001, 1_899]);
  expect([...free, await spendable(shop, customer)]).toEqual(['1000.000000000', '981.010000000', '1000.000000000']);
  expect(await invoicedTo(customer.orgId)).toEqual([{ net: 10_000, tax: 1_900, state: 'paid' }]);
});

/** What its payment asks for; how much that is. */
function paidByCard(invoiceId: string): Promise<number> {
  return inTransaction(shop.db, async (tx) => {
    const { rows } = await tx.query<{ cents: number }>(
      `select p.amount_cents as cents, record_payment(p.id, 'pi_' || p.id, p.amount_cents, p.currency, 'test')
         from payments p where p.invoice_id = $1 and p.state = 'open'`,
      [invoiceId],
    );
    await invoicePaid(tx, invoiceId, { actor: 'test' });
    return rows[0]?.cents ?? 0;
  });
}
