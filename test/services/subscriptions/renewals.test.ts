// The money tests of billing.md 5 that are about plans, on PostgreSQL: what is charged, credited, cut and left, to the nano.
import { afterEach, expect, test } from '@jest/globals';
import { newId } from '../../../services/platform/ids.ts';
import { PAID, refusal } from './bank.ts';
import { type Customer, openPlanShop } from './plan-shop.ts';

const shop = await openPlanShop();

afterEach(async () => {
  expect(await shop.differences()).toEqual([]);
});

/** Of an organization's included grants: amount, what is left, and when it ends. */
async function included({ orgId }: Customer): Promise<string[]> {
  const { rows } = await shop.admin.query<{ what: string }>(
    `select format('%s left %s until %s', g.amount_nano, b.available_nano, to_char(g.expires_at at time zone 'UTC', 'MM-DD')) as what
       from credit_grants g join grant_balances b on b.grant_id = g.id where g.org_id = $1 and g.source = 'included' order by g.created_at, g.id`,
    [orgId],
  );
  return rows.map(({ what }) => what);
}

test('M21: six payments of 19.00 on the last days of the months, each with its credit of 25', async () => {
  const customer = await shop.customer('pro', 1, '2027-01-31T10:00:00Z');

  await shop.advanceTo('2027-06-30T10:00:00Z');

  expect(await shop.charged(customer.orgId)).toEqual(
    ['01-31', '02-28', '03-31', '04-30', '05-31', '06-30'].map((date) => `2027-${date} 1900`),
  );
  expect(await included(customer)).toEqual([
    '25000000000 left 0 until 02-28',
    '25000000000 left 0 until 03-31',
    '25000000000 left 0 until 04-30',
    '25000000000 left 0 until 05-31',
    '25000000000 left 0 until 06-30',
    '25000000000 left 25000000000 until 07-31',
  ]);
});

test('M22: a year from 29 February is paid at once and credited by the month, and the price is spread over the months', async () => {
  const customer = await shop.customer('pro', 12, '2028-02-29T00:00:00Z');

  await shop.advanceTo('2029-02-28T00:00:00Z');

  expect(await shop.charged(customer.orgId)).toEqual(['2028-02-29 19000', '2029-02-28 19000']);
  const { rows } = await shop.admin.query<{ count: string; paid: string }>(
    `select count(*), sum(paid_cents) as paid from credit_grants where org_id = $1 and effective_at < '2029-02-28T00:00:00Z'`,
    [customer.orgId],
  );
  // 190.00 over twelve: each month's share is a whole number of cents and rounded down, the last takes what is left.
  expect(rows[0]?.count).toBe('12');
  expect(Number(rows[0]?.paid)).toBeGreaterThanOrEqual(19_000 - 12);
});

test('M37: a tick that is six hours late moves neither this period nor the next', async () => {
  const customer = await shop.customer('pro', 1, '2032-01-31T10:00:00Z');

  await shop.sleepUntil('2032-02-29T16:00:00Z');
  await shop.advanceTo('2032-03-31T10:00:00Z');

  expect(await periodsOf(customer)).toEqual(['01-31 10:00 paid', '02-29 10:00 paid', '03-31 10:00 paid']);
});

test('M38: after an outage over two periods only the one in force is charged, and the skipped ones are recorded at nothing', async () => {
  const customer = await shop.customer('pro', 1, '2032-12-31T00:00:00Z');

  await shop.sleepUntil('2033-04-02T00:00:00Z');
  await shop.advanceTo('2033-04-02T00:00:00Z');

  expect(await shop.charged(customer.orgId)).toEqual(['2032-12-31 1900', '2033-04-02 1900']);
  expect(await periodsOf(customer)).toEqual([
    '12-31 00:00 paid',
    '01-31 00:00 skipped',
    '02-28 00:00 skipped',
    '03-31 00:00 paid',
  ]);
});

test('a look that finds nothing to do writes nothing', async () => {
  const customer = await shop.customer('pro', 1, '2033-04-03T10:00:00Z');
  const writtenBy = async () =>
    (
      await shop.admin.query(
        'select s.xmin as subscription, o.xmin as organization from subscriptions s join organizations o on o.id = s.org_id where s.id = $1',
        [customer.subscriptionId],
      )
    ).rows;
  const before = await writtenBy();

  const view = await shop.view(customer);

  expect(view).toMatchObject({ phase: 'active', asks: [] });
  expect(await writtenBy()).toEqual(before);
});

test.each([
  ['M25: 20.00 of 25 used', '20.00', 9_520, '5000000000'],
  ['M25: 5.00 of 25 used', '5.00', 8_950, '20000000000'],
])(
  '%s: an upgrade halfway charges the rest, voids the old credit and begins a period of its own',
  async (_, used, cents, voided) => {
    const customer = await halfway(used);

    expect(await shop.command(customer, { command: 'changePlan', plan: 'team', months: 1 })).toBe('done');

    const { rows } = await shop.admin.query<{ gone: string }>(
      `select sum(e.amount_nano) as gone from ledger_entries e join ledger_transactions t on t.id = e.transaction_id
      where t.kind = 'expiry' and e.org_id = $1 and e.account = 'credit'`,
      [customer.orgId],
    );
    expect(rows[0]?.gone).toBe(voided);
    expect((await shop.charged(customer.orgId)).at(-1)).toMatch(new RegExp(` ${cents}$`));
    expect((await included(customer)).at(-1)).toMatch(/^120000000000 left 120000000000 until \d\d-16$/);
  },
);

let year = 2040;

/** A month of Pro is paid on 1 April, so much of its credit is used, and it is 16 April. */
async function halfway(used: string): Promise<Customer> {
  year += 1;
  const customer = await shop.customer('pro', 1, `${year}-04-01T00:00:00Z`);
  if (used !== '0') await shop.use(customer, used);
  await shop.advanceTo(`${year}-04-16T00:00:00Z`);
  return customer;
}

test('M26: a proration over odd seconds credits 8.48 and charges 90.52', async () => {
  year += 1;
  const customer = await shop.customer('pro', 1, `${year}-01-31T10:00:00Z`);
  await shop.advanceTo(`${year}-03-17T13:45:10Z`);

  await shop.command(customer, { command: 'changePlan', plan: 'team', months: 1 });

  expect((await shop.charged(customer.orgId)).at(-1)).toBe(`${year}-03-17 9052`);
});

test('M27: an upgrade that is declined changes nothing, and its invoice is void', async () => {
  const customer = await halfway('0');
  const before = await included(customer);
  shop.bank = () => refusal('insufficient_funds');

  await shop.command(customer, { command: 'changePlan', plan: 'team', months: 1 });
  shop.bank = () => PAID;

  expect(await included(customer)).toEqual(before);
  expect(await shop.charged(customer.orgId)).toHaveLength(1);
  expect(await shop.view(customer)).toMatchObject({ phase: 'active', plan: 'pro', invoiceId: null });
});

test('M27: a change that is clicked twice is made once', async () => {
  const customer = await halfway('20.00');
  const change = { command: 'changePlan', plan: 'team', months: 1 } as const;
  const requestId = newId();
  const click = () =>
    shop.subscriptions.command(customer.subscriptionId, { ...change, actor: 'test', reason: 'test', requestId });

  await Promise.all([click(), click()]);
  await shop.rest();

  expect((await shop.charged(customer.orgId)).map((one) => one.slice(11))).toEqual(['1900', '9520']);
});

test('M28: a downgrade and a cancellation wait for the end of the period, and one that is taken back costs nothing', async () => {
  year += 1;
  const customer = await shop.customer('team', 1, `${year}-04-01T00:00:00Z`);
  await shop.advanceTo(`${year}-04-16T00:00:00Z`);

  await shop.command(customer, { command: 'changePlan', plan: 'pro', months: 1 });
  await shop.command(customer, { command: 'cancel' });
  await shop.command(customer, { command: 'reactivate' });
  const before = await shop.charged(customer.orgId);
  await shop.advanceTo(`${year}-05-01T00:00:00Z`);

  expect(before).toEqual([`${year}-04-01 9900`]);
  expect(await shop.charged(customer.orgId)).toEqual([`${year}-04-01 9900`, `${year}-05-01 1900`]);
});

test('a plan that was cancelled ends with its period, and nothing is charged after it', async () => {
  const customer = await halfway('0');

  await shop.command(customer, { command: 'cancel' });
  await shop.advanceTo(`${year}-06-16T00:00:00Z`);

  expect(await shop.charged(customer.orgId)).toHaveLength(1);
  expect(await shop.view(customer)).toMatchObject({ phase: 'ended', hasEnded: true });
});

test('a plan that rests charges nothing, and goes on from an anchor of its own', async () => {
  const customer = await halfway('0');

  await shop.command(customer, { command: 'pause' });
  await shop.advanceTo(`${year}-06-10T00:00:00Z`);
  await shop.command(customer, { command: 'resume' });
  await shop.advanceTo(`${year}-07-10T00:00:00Z`);

  expect(await shop.charged(customer.orgId)).toEqual([
    `${year}-04-01 1900`,
    `${year}-06-10 1900`,
    `${year}-07-10 1900`,
  ]);
});

/** Start and how it was paid for. */
async function periodsOf({ subscriptionId }: Customer): Promise<string[]> {
  const { rows } = await shop.admin.query<{ what: string }>(
    `select to_char(starts_at at time zone 'UTC', 'MM-DD HH24:MI ') || case when invoice_id is null then 'skipped' else 'paid' end as what
       from subscription_periods where subscription_id = $1 order by starts_at`,
    [subscriptionId],
  );
  return rows.map(({ what }) => what);
}

test('a subscription that no workflow has looked at yet says in its row when it goes on', async () => {
  const customer = await shop.customer('pro', 1, '2077-01-10T00:00:00Z');
  await shop.command(customer, { command: 'cancel' });
  await shop.advanceTo('2077-02-11T00:00:00Z');

  const { subscriptionId } = await shop.buys(customer, 'pro', 1);

  const { rows } = await shop.admin.query('select wake_at from subscriptions where id = $1', [subscriptionId]);
  expect(rows).toEqual([{ wake_at: new Date('2077-03-11T00:00:00Z') }]);
});

test('whoever stays on his plan keeps the version that he bought, whatever it costs others by now', async () => {
  const customer = await shop.customer('pro', 1, '2078-01-10T00:00:00Z');
  await shop.admin.query(
    `insert into plan_versions values ('pro-2', 'pro', '2078-01-15', 2900, 2500, 1, 'all', 1000000) on conflict do nothing`,
  );
  await shop.sleepUntil('2078-01-20T00:00:00Z');

  await shop.command(customer, { command: 'changePlan', plan: 'pro', months: 1 });
  await shop.advanceTo('2078-02-11T00:00:00Z');

  expect(await shop.charged(customer.orgId)).toEqual(['2078-01-10 1900', '2078-02-10 1900']);
});

test('whoever has cancelled and then upgrades is told of no renewal', async () => {
  await shop.advanceTo('2078-04-01T00:00:00Z');
  const customer = await shop.customer('pro', 1, '2078-04-01T00:00:00Z');
  await shop.command(customer, { command: 'cancel' });
  await shop.advanceTo('2078-04-02T00:00:00Z');

  await shop.command(customer, { command: 'changePlan', plan: 'team', months: 1 });

  const { rows } = await shop.admin.query(
    `select facts -> 'renewal' as renewal from notifications where org_id = $1 and kind = 'plan_changed'`,
    [customer.orgId],
  );
  expect(rows).toEqual([{ renewal: null }]);
});
