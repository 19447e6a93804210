// Customers whose cards fail, on PostgreSQL: remind, limit, plan ended, and whatever brings them back (billing.md 1.4 and 5).
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { newId } from '../../../services/platform/ids.ts';
import { inTransaction } from '../../../services/platform/postgres.ts';
import { invoiceCancelled } from '../../../services/subscriptions/learn.ts';
import { type Bank, PAID, refusal } from './bank.ts';
import { type Customer, openPlanShop } from './plan-shop.ts';

const shop = await openPlanShop();
let year = 2030;

beforeEach(() => {
  year += 1;
  shop.bank = () => PAID;
});
afterEach(async () => {
  expect(await shop.differences()).toEqual([]);
});

const day = (count: number): string => new Date(Date.UTC(year, 3, 1 + count)).toISOString();

/** A month of Pro is paid on 1 March, and the renewal of 1 April meets this bank. */
async function pastDue(bank: Bank): Promise<Customer> {
  const customer = await shop.customer('pro', 1, `${year}-03-01T00:00:00Z`);
  shop.bank = bank;
  await shop.advanceTo(day(0));
  return customer;
}

const SHORT_OF_MONEY: Bank = () => refusal('insufficient_funds');
const STOLEN: Bank = () => refusal('stolen_card');

async function plansEnded({ orgId }: Customer): Promise<string[]> {
  const { rows } = await shop.admin.query<{ at: Date }>(
    'select ended_at as at from subscriptions where org_id = $1 and ended_at is not null',
    [orgId],
  );
  return rows.map(({ at }) => at.toISOString());
}

test('M31: declined on days 0 and 1, paid on day 3: three attempts, one payment, and the period ends when it would have', async () => {
  const customer = await pastDue(({ nowMs }) => (nowMs < Date.parse(day(3)) ? refusal('insufficient_funds') : PAID));

  await shop.advanceTo(day(10));

  expect(await shop.attemptsOf(customer)).toBe(3);
  expect(await shop.charged(customer.orgId)).toEqual([`${year}-03-01 1900`, `${year}-04-04 1900`]);
  expect(await shop.view(customer)).toMatchObject({ phase: 'active', periodEndsAt: `${year}-05-01T00:00:00.000Z` });
  expect(shop.stagesOf(customer)).toEqual([]);
});

test('who follows a debtor reads whose debt it is, what he was told, and what is still to come', async () => {
  const { orgId } = await pastDue(STOLEN);
  await shop.advanceTo(day(6));
  const { rows } = await shop.admin.query<{ id: string }>('select invoice_id as id from dunnings where org_id = $1', [
    orgId,
  ]);

  const { orgName, dueAt, told, ahead } = await shop.dunnings.tick(rows[0]?.id ?? '');

  expect([orgName, dueAt]).toEqual([expect.any(String), day(0)]);
  expect(told.map(({ what }) => what)).toEqual(['first_reminder', 'second_reminder', 'limit_warning']);
  expect(ahead).toEqual([
    { what: 'limit', at: day(7) },
    { what: 'plan_end_warning', at: day(13) },
    { what: 'end_plan', at: day(14) },
  ]);
});

test('M32: a stolen card is tried once; limited on day 7, without a plan on day 14, and then nothing is owed', async () => {
  const customer = await pastDue(STOLEN);

  await shop.advanceTo(day(60));

  expect(await shop.attemptsOf(customer)).toBe(1);
  expect(shop.stagesOf(customer)).toEqual(['04-08 00:00:00 limited', '04-15 00:00:00 none']);
  expect(await plansEnded(customer)).toEqual([day(14)]);
  expect(await shop.charged(customer.orgId)).toHaveLength(1);
  expect(await shop.openCases(customer.orgId)).toEqual([]);
});

test('M34: an upgrade in the middle voids the open invoice and costs the whole price', async () => {
  const customer = await pastDue(SHORT_OF_MONEY);
  await shop.advanceTo(day(4));
  shop.bank = () => PAID;

  await shop.command(customer, { command: 'changePlan', plan: 'team', months: 1 });

  expect(await shop.charged(customer.orgId)).toEqual([`${year}-03-01 1900`, `${year}-04-05 9900`]);
  expect(await shop.openCases(customer.orgId)).toEqual([]);
  const { rows } = await shop.admin.query<{ state: string }>(
    'select state from invoices where org_id = $1 order by issued_at, id',
    [customer.orgId],
  );
  expect(rows.map(({ state }) => state).toSorted()).toEqual(['paid', 'paid', 'void']);
});

test('money lifts the restriction in the transaction that books it, from whichever side it comes', async () => {
  const customer = await pastDue(SHORT_OF_MONEY);
  await shop.advanceTo(day(8));
  const [invoiceId = ''] = await shop.openCases(customer.orgId);
  const before = await shop.stageOf(customer.orgId);

  await shop.pay(invoiceId);

  expect([before, await shop.stageOf(customer.orgId)]).toEqual(['limited', 'none']);
  expect(await shop.openCases(customer.orgId)).toEqual([]);
  expect(await shop.view(customer)).toMatchObject({ phase: 'active' });
});

test('the same money heard of again changes nothing', async () => {
  const customer = await pastDue(SHORT_OF_MONEY);
  const [invoiceId = ''] = await shop.openCases(customer.orgId);

  await shop.pay(invoiceId);
  await Promise.all([shop.pay(invoiceId), shop.pay(invoiceId)]);

  expect(await shop.charged(customer.orgId)).toEqual([`${year}-03-01 1900`, `${year}-04-01 1900`]);
});

test('an extension holds the ladder, and when it is over things go on where they were', async () => {
  const customer = await pastDue(STOLEN);
  await shop.advanceTo(day(5));
  const [invoiceId = ''] = await shop.openCases(customer.orgId);

  await shop.commandCase(invoiceId, { command: 'extend', until: new Date(day(12)) });
  await shop.advanceTo(day(60));

  expect(shop.stagesOf(customer)).toEqual(['04-15 00:00:00 limited', '04-22 00:00:00 none']);
  expect(await plansEnded(customer)).toEqual([day(21)]);
});

test('a declared incident restricts nobody, and its days are added to the ladder', async () => {
  const customer = await pastDue(STOLEN);
  await shop.advanceTo(day(6));

  await shop.incident(day(6), day(10));
  await shop.advanceTo(day(60));

  expect(shop.stagesOf(customer)).toEqual(['04-12 00:00:00 limited', '04-19 00:00:00 none']);
  expect(await plansEnded(customer)).toEqual([day(18)]);
});

test('an incident whose end nobody knows yet holds the ladder, and its end sets it going again', async () => {
  const customer = await pastDue(STOLEN);
  await shop.advanceTo(day(4));
  await shop.incident(day(4), null);
  await shop.rest();
  await shop.advanceTo(day(9));

  await shop.admin.query('update billing_incidents set to_at = $1 where to_at is null', [day(9)]);
  await shop.rest();
  await shop.advanceTo(day(60));

  expect(shop.stagesOf(customer)).toEqual(['04-13 00:00:00 limited', '04-20 00:00:00 none']);
  expect(await plansEnded(customer)).toEqual([day(19)]);
});

test('whoever was cancelled in dunning is void at once, and owes nothing', async () => {
  const customer = await pastDue(SHORT_OF_MONEY);
  await shop.advanceTo(day(8));

  await shop.command(customer, { command: 'cancel' });

  expect(await shop.stageOf(customer.orgId)).toBe('none');
  expect(await plansEnded(customer)).toEqual([day(8)]);
});

test('money that comes for a void invoice goes back', async () => {
  const customer = await pastDue(SHORT_OF_MONEY);
  await shop.advanceTo(day(2));
  const [invoiceId = ''] = await shop.openCases(customer.orgId);
  await shop.command(customer, { command: 'cancel' });

  await shop.pay(invoiceId);
  await shop.rest();

  expect(shop.refunded).toContain(invoiceId);
  expect(await plansEnded(customer)).toEqual([day(2)]);
});

test('whoever buys again after his plan has ended keeps his seats, however late the ended one is looked at', async () => {
  const customer = await pastDue(STOLEN);
  await shop.advanceTo(day(15));
  const team = await shop.buys(customer, 'team', 1);

  await shop.view(customer);

  const { rows } = await shop.admin.query('select seats from organizations where id = $1', [team.orgId]);
  expect(rows).toEqual([{ seats: 5 }]);
});

test('of two who cancel an invoice for a change of plan one is in doubt: nobody is left without an invoice to pay', async () => {
  const customer = await pastDue(SHORT_OF_MONEY);
  const [invoiceId = ''] = await shop.openCases(customer.orgId);
  const telling = { actor: 'test', reason: 'test', requestId: newId() };
  const change = { command: 'changePlan', plan: 'team', months: 1, ...telling } as const;
  await shop.subscriptions.command(customer.subscriptionId, change);

  for (const how of ['in_doubt', 'cancelled'] as const) {
    await inTransaction(shop.db, (tx) => invoiceCancelled(tx, invoiceId, how, { actor: 'test' }));
  }
  shop.bank = () => PAID;
  await shop.rest();

  expect(await shop.charged(customer.orgId)).toEqual([`${year}-03-01 1900`, `${year}-04-01 1900`]);
  expect(await shop.view(customer)).toMatchObject({ phase: 'active', plan: 'pro' });
  expect(await shop.openCases(customer.orgId)).toEqual([]);
});

test('a resumption that is declined after a cancellation ends the plan, and another one can be bought', async () => {
  const customer = await shop.customer('pro', 1, `${year}-03-01T00:00:00Z`);
  await shop.command(customer, { command: 'pause' });
  await shop.advanceTo(day(3));
  shop.bank = () => ({ kind: 'unknown' });
  await shop.command(customer, { command: 'resume' });
  await shop.command(customer, { command: 'cancel' });

  shop.bank = STOLEN;
  await shop.advanceTo(day(4));

  expect(await shop.view(customer)).toMatchObject({ phase: 'ended' });
});

test('money for a void invoice is not what another period costs, although it has not gone back yet', async () => {
  const customer = await pastDue(SHORT_OF_MONEY);
  const [invoiceId = ''] = await shop.openCases(customer.orgId);
  await shop.command(customer, { command: 'cancel' });
  await shop.pay(invoiceId);

  await shop.buys(customer, 'pro', 1);

  const { rows } = await shop.admin.query('select paid_cents as paid from credit_grants where org_id = $1', [
    customer.orgId,
  ]);
  expect(rows).toEqual([{ paid: 1_900 }, { paid: 1_900 }]);
});

test('whoever could not be told of his debt is told within a day of having an address, and the ladder goes on', async () => {
  const customer = await shop.customer('pro', 12, `${year}-03-01T00:00:00Z`);
  await shop.admin.query('update billing_details set billing_email = null where org_id = $1', [customer.orgId]);
  shop.bank = STOLEN;
  year += 1;
  await shop.advanceTo(`${year}-05-01T00:00:00Z`);
  const before = shop.stagesOf(customer);

  await shop.admin.query(`update billing_details set billing_email = 'a@example.com' where org_id = $1`, [
    customer.orgId,
  ]);
  await shop.advanceTo(`${year}-06-01T00:00:00Z`);

  expect(before).toEqual([]);
  expect(shop.stagesOf(customer)).toEqual(['05-03 00:00:00 limited', '05-04 00:00:00 none']);
});
