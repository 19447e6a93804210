// A debt that goes on under another invoice, or for which time was given, is one debt: whoever is limited for it stays so until it is paid,
// or no longer owed, and only then is told that he is not.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { listIncidentTimes } from '../../../services/dunning/dunning-rows.ts';
import { PAID, refusal } from './bank.ts';
import { type Customer, openPlanShop } from './plan-shop.ts';

const shop = await openPlanShop();
let year = 2030;

beforeEach(() => {
  year += 1;
});
afterEach(async () => {
  expect(await shop.differences()).toEqual([]);
});

const day = (count: number): string => new Date(Date.UTC(year, 3, 1 + count)).toISOString();

/** Since day 7, of a renewal of day 0; it is day 8. */
async function limitedCustomer(): Promise<Customer> {
  shop.bank = () => PAID;
  const customer = await shop.customer('pro', 1, `${year}-03-01T00:00:00Z`);
  shop.bank = () => refusal('stolen_card');
  await shop.advanceTo(day(8));
  return customer;
}

/** `<day> <kind>` of what he was told of his access. */
async function toldOf({ orgId }: Customer): Promise<string[]> {
  const { rows } = await shop.admin.query<{ what: string }>(
    `select to_char(created_at at time zone 'UTC', 'MM-DD ') || kind as what from notifications
      where org_id = $1 and kind in ('limited', 'stopped', 'restored') order by created_at, id`,
    [orgId],
  );
  return rows.map(({ what }) => what);
}

test('whoever changes his plan while he is limited, and is declined again, is limited on and his plan ends on its day', async () => {
  const customer = await limitedCustomer();

  await shop.command(customer, { command: 'changePlan', plan: 'team', months: 1 });
  const toldAtOnce = await toldOf(customer);
  await shop.advanceTo(day(20));

  expect(toldAtOnce).toEqual(['04-08 limited']);
  expect(shop.stagesOf(customer)).toEqual(['04-08 00:00:00 limited', '04-15 00:00:00 none']);
  expect(await toldOf(customer)).toEqual(['04-08 limited', '04-15 restored']);
});

test('whoever changes his plan while he is limited, and pays for it, is restored by that payment', async () => {
  const customer = await limitedCustomer();
  shop.bank = () => PAID;

  await shop.command(customer, { command: 'changePlan', plan: 'team', months: 1 });

  expect(await shop.stageOf(customer.orgId)).toBe('none');
  expect(await toldOf(customer)).toEqual(['04-08 limited', '04-09 restored']);
});

test('while nobody knows what became of the new invoice he stays as he was, and is asked to pay that one', async () => {
  const customer = await limitedCustomer();
  shop.bank = () => ({ kind: 'unknown' });

  await shop.command(customer, { command: 'changePlan', plan: 'team', months: 1 });

  const { rows } = await shop.admin.query(
    `select o.overdue_stage as stage, i.amount_cents as cents, i.state from organizations o join invoices i on i.id = o.pay_invoice_id
      where o.id = $1`,
    [customer.orgId],
  );
  expect(rows).toEqual([{ stage: 'limited', cents: 9_900, state: 'open' }]);
});

test('a debt whose period passes while its customer has time is the same debt in the next one, and nobody is limited anew a day later', async () => {
  const customer = await limitedCustomer();
  const [invoiceId = ''] = await shop.openCases(customer.orgId);
  await shop.commandCase(invoiceId, { command: 'extend', until: new Date(day(32)) });

  await shop.advanceTo(day(60));

  expect(shop.stagesOf(customer)).toEqual([
    '04-08 00:00:00 limited',
    '04-09 00:00:00 none',
    '05-03 00:00:00 limited',
    '05-09 00:00:00 none',
  ]);
  expect(await toldOf(customer)).toEqual(['04-08 limited', '05-03 limited', '05-09 restored']);
});

test('whoever pays while he has time is told then that he is restored', async () => {
  const customer = await limitedCustomer();
  const [invoiceId = ''] = await shop.openCases(customer.orgId);
  await shop.commandCase(invoiceId, { command: 'extend', until: new Date(day(12)) });
  const toldWithTime = await toldOf(customer);

  await shop.pay(invoiceId);

  expect(toldWithTime).toEqual(['04-08 limited']);
  expect(await toldOf(customer)).toEqual(['04-08 limited', '04-09 restored']);
});

test('an upgrade that is declined is told of with the period that it would have bought now', async () => {
  shop.bank = () => PAID;
  await shop.advanceTo(`${year}-03-01T00:00:00Z`);
  const customer = await shop.customer('pro', 1, `${year}-03-01T00:00:00Z`);
  shop.bank = () => refusal('insufficient_funds');
  await shop.advanceTo(`${year}-03-11T00:00:00Z`);

  await shop.command(customer, { command: 'changePlan', plan: 'team', months: 1 });

  const { rows } = await shop.admin.query(
    `select facts #>> '{purchase,from}' as from, facts #>> '{purchase,to}' as to from notifications where org_id = $1 and kind = 'payment_declined'`,
    [customer.orgId],
  );
  expect(rows).toEqual([{ from: `${year}-03-11T00:00:00.000Z`, to: `${year}-04-11T00:00:00.000Z` }]);
});

test('of incidents, those are read that can move a rung of an open case, however many there were before it', async () => {
  await shop.admin.query('delete from billing_incidents');
  const customer = await limitedCustomer();
  const [invoiceId = ''] = await shop.openCases(customer.orgId);
  await shop.incident(`${year}-03-01T00:00:00Z`, `${year}-03-31T00:00:00Z`);
  await shop.incident(day(-1), day(1));
  await shop.incident(day(8), null);

  const ofDebtor = await listIncidentTimes(shop.db, customer.orgId, null);
  await shop.admin.query('delete from billing_incidents');
  await shop.pay(invoiceId);

  expect(ofDebtor.map(({ fromMs, toMs }) => [fromMs, toMs])).toEqual([
    [Date.parse(day(-1)), Date.parse(day(1))],
    [Date.parse(day(8)), null],
  ]);
});

test('that a case was closed is news to the first look of its workflow, and to no later one', async () => {
  const customer = await limitedCustomer();
  const [invoiceId = ''] = await shop.openCases(customer.orgId);
  const before = await shop.dunnings.tick(invoiceId);
  await shop.pay(invoiceId);

  const looks = [await shop.dunnings.tick(invoiceId), await shop.dunnings.tick(invoiceId)];

  expect([before, ...looks].map(({ isCloseNews }) => isCloseNews)).toEqual([false, true, false]);
});
