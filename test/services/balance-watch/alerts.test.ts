// Warnings before credit runs out, on PostgreSQL: each share is told of once when it is crossed, however the balance hovers and whoever looks.
import { afterEach, expect, test } from '@jest/globals';
import { claimLook } from '../../../services/balance-watch/balance-watch.ts';
import { inTransaction } from '../../../services/platform/postgres.ts';
import { type Customer, issueGrant, newCustomer } from '../../support/bare-gateway.ts';
import { passBillingMinutes } from '../payments/billed-customer.ts';
import { openTill } from '../payments/till.ts';
import { RunningLow } from '../top-ups/running-low.ts';

const till = await openTill();
const low = new RunningLow(till);

afterEach(async () => {
  expect(await till.differences()).toEqual([]);
  // Whoever looks again finds nothing new.
  expect(await low.look()).toBe(0);
});

/** 10.00, bought just now. */
async function buyer(): Promise<Customer> {
  const customer = await newCustomer(till.admin, []);
  await buy(customer);
  return customer;
}

async function buy({ orgId }: Customer): Promise<void> {
  const { paymentIntent } = await till.pay(orgId, 'pack_10');
  await till.record(paymentIntent);
  await low.look();
}

test('on the way from 10.00 to nothing each share is told of once, at or below it', async () => {
  const customer = await buyer();

  await low.spend(customer, '4.999999999');
  expect(await low.told(customer)).toEqual([]);
  for (const usd of ['0.000000001', '3.000000000', '1.000000000', '0.500000000', '0.500000000']) {
    await low.spend(customer, usd);
  }

  expect(await low.told(customer)).toEqual([50, 20, 10, 5, 0].map((percent) => `balance_low ${percent}`));
  const { rows } = await till.admin.query(
    `select facts from notifications where org_id = $1 and facts ->> 'percent' = '20'`,
    [customer.orgId],
  );
  expect(rows[0]?.facts).toEqual({
    percent: 20,
    balanceCents: 200,
    basisCents: 1_000,
    currency: 'usd',
    isTopUpOn: false,
  });
});

test('a balance that hovers about a share is told of once, and again when it has been a tenth above', async () => {
  const customer = await buyer();

  await low.spend(customer, '5.100');
  for (const _ of [1, 2, 3]) {
    await issueGrant(till.admin, customer.orgId, { usd: '0.9' });
    await low.look();
    await low.spend(customer, '0.900');
  }
  const hovered = await low.told(customer);
  await issueGrant(till.admin, customer.orgId, { usd: '1.2' });
  await low.look();
  await low.spend(customer, '1.200');

  expect(hovered).toEqual(['balance_low 50']);
  expect(await low.told(customer)).toEqual(['balance_low 50', 'balance_low 50']);
});

test('several shares crossed at once are one mail, of the lowest', async () => {
  const customer = await buyer();

  await low.spend(customer, '9.200');

  expect(await low.told(customer)).toEqual(['balance_low 10']);
});

test('what is bought next is the measure from then on', async () => {
  const customer = await buyer();
  await low.spend(customer, '9.200');
  const { paymentIntent } = await till.pay(customer.orgId, 'pack_100');
  await till.record(paymentIntent);
  await low.look();

  await low.spend(customer, '60.000');

  // 55.80 of the 100.00 that were paid for; the bonus is no part of it.
  expect(await low.told(customer)).toEqual(['balance_low 10']);
  await low.spend(customer, '5.800');
  expect(await low.told(customer)).toEqual(['balance_low 10', 'balance_low 50']);
});

test('credit that was given is no measure, and warns nobody', async () => {
  const customer = await newCustomer(till.admin, [{ usd: '10' }]);

  await low.spend(customer, '9.900');

  expect(await low.told(customer)).toEqual([]);
});

test('of several workers one looks in a second, and once a minute at all', async () => {
  await till.admin.query(`update balance_looks set looked_at = '-infinity', looked_at_all_at = '-infinity'`);

  const claims = await Promise.all([claimLook(till.db), claimLook(till.db), claimLook(till.db)]);
  await till.admin.query(`update balance_looks set looked_at = looked_at - interval '1 second'`);
  const later = await claimLook(till.db);

  expect(claims.filter((claim) => claim !== null)).toEqual(['all']);
  expect(later).toBe('spending');
});

test('an organization that cannot be seen to does not hold up the others', async () => {
  const customers = [await buyer(), await buyer()];
  const [stuck] = customers;
  await till.admin.query('update balance_alerts set is_basis_new = true');
  await till.admin.query(`
    create function refuse_this() returns trigger language plpgsql as $$ begin raise exception 'refused'; end $$;
    create trigger refuse_this before update on balance_alerts for each row when (new.org_id = '${stuck?.orgId}') execute function refuse_this()`);

  await expect(low.look()).rejects.toThrow('refused');

  const { rows } = await till.admin.query('select org_id from balance_alerts where is_basis_new');
  expect(rows).toEqual([{ org_id: stuck?.orgId }]);
  await till.admin.query('drop trigger refuse_this on balance_alerts');
  expect(await low.look()).toBe(1);
});

test('credit that expires is missed although nobody spends', async () => {
  const customer = await newCustomer(till.admin, []);
  await inTransaction(till.db, (tx) =>
    tx.query(
      `select issue_grant(gen_random_uuid(), $1, 'included', 10::smallint, 25000000000, 1900, billing_now() + interval '1 month', null, 'test')`,
      [customer.orgId],
    ),
  );
  await low.look();

  await passBillingMinutes(till, 32 * 24 * 60);
  await till.admin.query('select expire_grants()');
  await low.look();

  expect(await low.told(customer)).toEqual(['balance_low 0']);
});
