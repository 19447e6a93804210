// An enterprise spends what is lent to it and is invoiced once a month: the figures of billing.md 5 (M03, M35), to the nano.
import { afterEach, expect, test } from '@jest/globals';
import { inTransaction } from '../../../services/platform/postgres.ts';
import { changeCreditLine, endContract, lockedContract } from '../../../services/postpaid/contracts.ts';
import { issueDueInvoices } from '../../../services/postpaid/usage-invoices.ts';
import { issueGrant, newCustomer, openBareGateway } from '../../support/bare-gateway.ts';
import { openPlanShop } from '../subscriptions/plan-shop.ts';
import {
  contracted,
  enterprise,
  holdAt,
  invoicesOf,
  linesOf,
  nanoOfUsd,
  settleAt,
  spend,
  spendable,
  standing,
  transfer,
} from './enterprise.ts';

const shop = await openPlanShop();

afterEach(async () => {
  expect(await shop.differences()).toEqual([]);
});

test('M35: 10,000 lent, 6,000 open, 3,999.995 unbilled: 0.006 is refused, 0.005 is not; 4,000 paid is 4,000 more, and the rest is overdue', async () => {
  await shop.sleepUntil('2027-01-05T00:00:00Z');
  const customer = await enterprise(shop, 1_000_000);
  await spend(shop, customer, '6000');
  await shop.advanceTo('2027-02-01T00:00:00Z');
  const [invoiceId = ''] = await issueDueInvoices(shop.db, null);
  await spend(shop, customer, '3999.995');

  const gateway = await openBareGateway(shop.database);
  await expect(holdAt(gateway, customer, nanoOfUsd('0.006'))).rejects.toMatchObject({ code: 'insufficient_credit' });
  const held = await holdAt(gateway, customer, nanoOfUsd('0.005'));
  expect(await standing(shop, customer)).toEqual({
    open: '6000.00',
    unbilled: '3999.995000000',
    held: '0.005000000',
    available: '0.000000000',
  });

  await shop.advanceTo('2027-03-10T00:00:00Z');
  await transfer(shop, invoiceId, 400_000);
  expect([await spendable(shop, customer), (await invoicesOf(shop, customer))[0]?.remainingCents]).toEqual([
    '4000.000000000',
    200_000,
  ]);

  await shop.advanceTo('2027-03-20T00:00:00Z');
  expect(await shop.stageOf(customer.orgId)).toBe('limited');
  await shop.advanceTo('2027-04-20T00:00:00Z');
  expect(await shop.stageOf(customer.orgId)).toBe('limited');
  expect(await shop.commandCase(invoiceId, { command: 'decideStop' })).toBe('done');
  expect(await shop.stageOf(customer.orgId)).toBe('stopped');

  await settleAt(gateway, shop, customer, held, { nano: nanoOfUsd('0.005') });
  await gateway.close();
});

test.each([
  ['10.004999999', 1_000, '-4999999'],
  ['10.005000000', 1_001, '5000000'],
])('M03: usage of %s is an invoice of %s cents with a rounding line of %s', async (usd, cents, rounding) => {
  const { month, next } = await freshMonth();
  const customer = await enterprise(shop, 100_000);
  await spend(shop, customer, usd);

  await shop.sleepUntil(next);
  await issueDueInvoices(shop.db, null);

  const [invoice] = await invoicesOf(shop, customer);
  expect([invoice?.month, invoice?.amountCents, String(invoice?.roundingNano)]).toEqual([month, cents, rounding]);
  expect(String(invoice?.usageNano)).toBe(String(nanoOfUsd(usd)));
  expect(await spendable(shop, customer)).toBe(
    `${1_000 - Math.ceil(cents / 100)}.${cents === 1_000 ? '00' : '99'}0000000`,
  );
});

test('an invoice has a line per project, model and price version, the billing details of its day, and the next number of its year', async () => {
  const { next } = await freshMonth();
  const customer = await enterprise(shop, 100_000);
  await shop.admin.query(`update billing_details set legal_name = 'Acme plc', po_number = 'PO-7' where org_id = $1`, [
    customer.orgId,
  ]);
  await spend(shop, customer, '1.25', 'gpt-large');
  await spend(shop, customer, '0.25', 'gpt-small');
  await spend(shop, customer, '2.75', 'gpt-large');
  const before = await lastNumber();

  await shop.sleepUntil(next);
  await issueDueInvoices(shop.db, null);
  await shop.admin.query(`update billing_details set legal_name = 'Other plc' where org_id = $1`, [customer.orgId]);

  const [invoice] = await invoicesOf(shop, customer);
  expect(linesOf(invoice)).toEqual(['gpt-large x2 4000000000', 'gpt-small x1 250000000']);
  expect(invoice?.billTo).toMatchObject({ legalName: 'Acme plc', poNumber: 'PO-7' });
  expect(invoice?.number).toBe(numberAfter(before, next));
});

test('less than half a dollar waits for the next month, and is on one invoice with it', async () => {
  const { next, afterNext } = await freshMonth();
  const customer = await enterprise(shop, 100_000);
  await spend(shop, customer, '0.494999999');

  await shop.sleepUntil(next);
  await issueDueInvoices(shop.db, null);
  await spend(shop, customer, '0.000000001');
  await issueDueInvoices(shop.db, null);
  expect(await invoicesOf(shop, customer)).toEqual([]);
  await shop.sleepUntil(afterNext);
  await issueDueInvoices(shop.db, null);

  const invoices = await invoicesOf(shop, customer);
  expect(invoices.map((invoice) => [invoice.amountCents, ...linesOf(invoice)])).toEqual([[50, 'std x2 495000000']]);
});

test('what was paid in advance burns first, and the invoice says how much of the usage it paid', async () => {
  const { next } = await freshMonth();
  const customer = await newCustomer(shop.admin, []);
  await issueGrant(shop.admin, customer.orgId, { usd: '5' });
  await spend(shop, customer, '1');
  await contracted(shop, customer, 100_000);
  await spend(shop, customer, '7');

  await shop.sleepUntil(next);
  await issueDueInvoices(shop.db, null);

  const [invoice] = await invoicesOf(shop, customer);
  expect([invoice?.amountCents, ...linesOf(invoice)]).toEqual([300, 'std x1 7000000000', 'prepaid -4000000000']);
});

test('what an answer cost beyond its lease, and credit that came back repaid, is on the invoice like the rest', async () => {
  const { next } = await freshMonth();
  const customer = await enterprise(shop, 200);
  const [one, other] = [await openBareGateway(shop.database), await openBareGateway(shop.database)];
  const idle = await holdAt(one, customer, nanoOfUsd('1.2'));
  const held = await holdAt(other, customer, nanoOfUsd('0.8'));
  await settleAt(other, shop, customer, held, { nano: nanoOfUsd('0.83') });
  expect(await standing(shop, customer)).toMatchObject({ unbilled: '0.800000000', available: '0.000000000' });
  one.leases.release(idle);
  await one.close();
  await other.close();

  await shop.sleepUntil(next);
  await issueDueInvoices(shop.db, null);

  const [invoice] = await invoicesOf(shop, customer);
  expect([invoice?.amountCents, ...linesOf(invoice)]).toEqual([83, 'std x1 830000000']);
});

test('two who invoice at once issue each invoice once, and each opens one case', async () => {
  const { next } = await freshMonth();
  const customers = [await enterprise(shop, 100_000), await enterprise(shop, 100_000), await enterprise(shop, 100_000)];
  for (const customer of customers) await spend(shop, customer, '3');

  await shop.sleepUntil(next);
  const issued = await Promise.all([
    issueDueInvoices(shop.db, null),
    issueDueInvoices(shop.db, null),
    issueDueInvoices(shop.db, null),
  ]);

  expect(issued.flat()).toHaveLength(3);
  for (const customer of customers) {
    const ids = (await invoicesOf(shop, customer)).map(({ invoiceId }) => invoiceId);
    expect([ids.length, await shop.openCases(customer.orgId)]).toEqual([1, ids]);
  }
});

test('whoever is killed between two organizations leaves a part done and none half, and the next one does the rest', async () => {
  const { next } = await freshMonth();
  const customers = [await enterprise(shop, 100_000), await enterprise(shop, 100_000), await enterprise(shop, 100_000)];
  for (const customer of customers) await spend(shop, customer, '3');
  const [, second] = customers.map(({ orgId }) => orgId).sort();
  await shop.admin.query(
    `create function die() returns trigger language plpgsql as 'begin perform pg_terminate_backend(pg_backend_pid()); return new; end';
     create trigger dies after insert on usage_invoices for each row when (new.bill_to ->> 'legalName' = 'customer ${second}') execute function die()`,
  );

  await shop.sleepUntil(next);
  await expect(issueDueInvoices(shop.db, null)).rejects.toThrow('terminat');
  const first = await Promise.all(customers.map(async (customer) => (await invoicesOf(shop, customer)).length));
  await shop.admin.query('drop trigger dies on usage_invoices');
  await issueDueInvoices(shop.db, null);

  expect(first.toSorted()).toEqual([0, 1, 1]);
  for (const customer of customers) {
    const ids = (await invoicesOf(shop, customer)).map(({ invoiceId }) => invoiceId);
    expect([ids.length, await shop.openCases(customer.orgId)]).toEqual([1, ids]);
  }
});

test('a line that is raised is lent at once; one that is cut takes what is free now and what is leased when it comes back', async () => {
  await freshMonth();
  const customer = await enterprise(shop, 1_000);
  const gateway = await openBareGateway(shop.database);
  const held = await holdAt(gateway, customer, nanoOfUsd('4'));
  await change(customer.orgId, 1_500);
  expect(await spendable(shop, customer)).toBe('11.000000000');

  await change(customer.orgId, 300);
  expect(await spendable(shop, customer)).toBe('0.000000000');
  expect((await standing(shop, customer)).available).toBe('-1.000000000');
  await settleAt(gateway, shop, customer, held, { nano: nanoOfUsd('2.5') });
  await gateway.close();

  expect(await standing(shop, customer)).toMatchObject({
    unbilled: '2.500000000',
    held: '0.000000000',
    available: '0.500000000',
  });
  expect(await spendable(shop, customer)).toBe('0.500000000');
});

test('what was used under a contract that has ended is invoiced all the same, and then nothing is lent or due', async () => {
  const { next } = await freshMonth();
  const customer = await enterprise(shop, 1_000);
  await spend(shop, customer, '4');
  await inTransaction(shop.db, async (tx) => endContract(tx, await lockedContract(tx, customer.orgId), 'test'));
  expect(await spendable(shop, customer)).toBe('0.000000000');

  await shop.sleepUntil(next);
  await issueDueInvoices(shop.db, null);
  const [invoice] = await invoicesOf(shop, customer);
  await transfer(shop, invoice?.invoiceId ?? '', 400);

  expect([invoice?.amountCents, await spendable(shop, customer)]).toEqual([400, '0.000000000']);
  const { rows } = await shop.admin.query('select next_invoice_at from usage_accounts where org_id = $1', [
    customer.orgId,
  ]);
  expect(rows).toEqual([{ next_invoice_at: null }]);
});

async function change(orgId: string, creditLineCents: number): Promise<void> {
  await inTransaction(shop.db, async (tx) =>
    changeCreditLine(tx, await lockedContract(tx, orgId), creditLineCents, 'test'),
  );
}

interface Month {
  readonly month: string;
  /** Its end, and that of the following one. */
  readonly next: string;
  readonly afterNext: string;
}

/** The clock never goes back, so each test has a month of its own; what others left due is invoiced first. */
async function freshMonth(): Promise<Month> {
  const { rows } = await shop.admin.query<Month & { begin: Date }>(
    `with first as (select date_trunc('month', billing_now() at time zone 'UTC') + interval '1 month' as at)
     select at at time zone 'UTC' + interval '3 days' as begin, to_char(at, 'YYYY-MM') as month,
            to_char(at + interval '1 month', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as next,
            to_char(at + interval '2 months', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "afterNext" from first`,
  );
  const [{ begin, ...month } = { begin: new Date(0), month: '', next: '', afterNext: '' }] = rows;
  await shop.sleepUntil(begin.toISOString());
  await issueDueInvoices(shop.db, null);
  return month;
}

async function lastNumber(): Promise<string | null> {
  const { rows } = await shop.admin.query<{ number: string }>(
    'select number from usage_invoices order by year desc, number_in_year desc limit 1',
  );
  return rows[0]?.number ?? null;
}

function numberAfter(before: string | null, issuedAt: string): string {
  const year = issuedAt.slice(0, 4);
  const last = before?.startsWith(year) ? Number(before.slice(5)) : 0;
  return `${year}-${String(last + 1).padStart(6, '0')}`;
}
