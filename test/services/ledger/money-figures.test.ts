// The money table of the billing study (section 5), figure by figure, through leases and settlements on a real PostgreSQL.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Pool } from 'pg';
import { TollgateError } from '../../../domain/errors.ts';
import { newId } from '../../../services/platform/ids.ts';
import {
  type BareGateway,
  type Customer,
  issueGrant,
  newCustomer,
  oneRow,
  openBareGateway,
} from '../../support/bare-gateway.ts';
import {
  startThrowawayPostgres,
  type ThrowawayDatabase,
  type ThrowawayPostgres,
} from '../../support/throwaway-postgres.ts';
import { until } from '../../support/until.ts';

let postgres: ThrowawayPostgres;
let database: ThrowawayDatabase;
let admin: Pool;

beforeAll(async () => {
  postgres = await startThrowawayPostgres();
  database = await postgres.createDatabase();
  admin = new Pool({ connectionString: database.url });
});
afterAll(async () => {
  const { total } = await oneRow<{ total: string }>(
    admin,
    'select coalesce(sum(amount_nano), 0)::text as total from ledger_entries',
  );
  await admin.end();
  await postgres.stop();
  expect(total).toBe('0');
});

async function available(customer: Customer): Promise<string> {
  const { usd } = await oneRow<{ usd: string }>(
    admin,
    'select (available_nano / 1e9)::numeric(20, 9)::text as usd from balance_of($1)',
    [customer.orgId],
  );
  return usd;
}

async function leftOf(grantIds: readonly string[]): Promise<string[]> {
  const { rows } = await admin.query<{ usd: string }>(
    `select (b.available_nano / 1e9)::numeric(20, 6)::text as usd from unnest($1::uuid[]) with ordinality g(id, at)
       join grant_balances b on b.grant_id = g.id order by g.at`,
    [grantIds],
  );
  return rows.map(({ usd }) => usd);
}

async function spend(gateway: BareGateway, customer: Customer, usd: string): Promise<void> {
  await gateway.settle(customer, await gateway.hold(customer, usd), usd);
}

test('M04: grants burn by priority, then expiry, and 27.00 leaves 0, 0, 3.400000 and 50.000000', async () => {
  const customer = await newCustomer(admin, [
    { usd: '0.40', priority: 10, expiresIn: '10 days' },
    { usd: '25.00', priority: 10, expiresIn: '21 days' },
    { usd: '5.00', priority: 20, expiresIn: '1 year' },
    { usd: '50.00', priority: 20 },
  ]);
  const gateway = await openBareGateway(database);

  for (const usd of ['0.000000001', '1.999999999', '20.00', '5.00']) await spend(gateway, customer, usd);
  await gateway.close();

  expect(await leftOf(customer.grantIds)).toEqual(['0.000000', '0.000000', '3.400000', '50.000000']);
});

test('M06: a hold made before an expiry settles after it from the old grant, and the new grant is untouched', async () => {
  const customer = await newCustomer(admin, [{ usd: '3.20', priority: 10, expiresIn: '2 seconds' }]);
  const [oldGrant = ''] = customer.grantIds;
  const gateway = await openBareGateway(database);
  const reservation = await gateway.hold(customer, '1.00');

  await until(async () => {
    await admin.query('select expire_grants()');
    return (await breakage(oldGrant)).length === 1;
  });
  const renewed = await issueGrant(admin, customer.orgId, { usd: '25.00', priority: 10 });
  await gateway.settle(customer, reservation, '0.70');
  await gateway.close();

  expect(await breakage(oldGrant)).toEqual(['2.200000000']);
  const { usd } = await oneRow<{ usd: string }>(
    admin,
    `select (-sum(e.amount_nano) / 1e9)::numeric(20, 9)::text as usd from ledger_entries e
       join ledger_transactions t on t.id = e.transaction_id where e.account = 'breakage' and t.kind = 'lease_return' and e.org_id = $1`,
    [customer.orgId],
  );
  expect(usd).toBe('0.300000000');
  expect(await leftOf([oldGrant, renewed])).toEqual(['0.000000', '25.000000']);
  const { charge } = await oneRow<{ charge: string }>(
    admin,
    'select charge_nano as charge from usage_records where org_id = $1',
    [customer.orgId],
  );
  expect(charge).toBe('700000000');
});

async function breakage(grantId: string): Promise<string[]> {
  const { rows } = await admin.query<{ usd: string }>(
    `select (e.amount_nano / 1e9)::numeric(20, 9)::text as usd from ledger_entries e join ledger_transactions t on t.id = e.transaction_id
      where t.kind = 'expiry' and e.grant_id = $1`,
    [grantId],
  );
  return rows.map(({ usd }) => usd);
}

test('M13: of 1,000 holds of 0.002 on 0.201999 over four gateways exactly 100 are accepted and 0.001999 is left', async () => {
  const customer = await newCustomer(admin, [{ usd: '0.201999' }]);
  const gateways = await Promise.all([1, 2, 3, 4].map(() => openBareGateway(database)));
  let accepted = 0;
  let refused = 0;

  const one = async (gateway: BareGateway): Promise<void> => {
    try {
      const reservation = await gateway.hold(customer, '0.002');
      accepted += 1;
      await gateway.settle(customer, reservation, '0.002');
    } catch (error) {
      if (!(error instanceof TollgateError)) throw error;
      if (error.code === 'credit_in_use') return one(gateway); // 429: the client tries again
      expect(error.code).toBe('insufficient_credit');
      refused += 1;
    }
  };
  await Promise.all(Array.from({ length: 1_000 }, (_, index) => one(gateways[index % 4] as BareGateway)));
  for (const gateway of gateways) await gateway.close();

  expect({ accepted, refused }).toEqual({ accepted: 100, refused: 900 });
  expect(await available(customer)).toBe('0.001999000');
});

test('M14: a request settled four times is charged once, and another charge for it changes nothing but is kept as a conflict', async () => {
  const customer = await newCustomer(admin, [{ usd: '1.00' }]);
  const gateway = await openBareGateway(database);
  const requestId = newId();
  const settle = async (usd: string) => gateway.settle(customer, await gateway.hold(customer, usd), usd, requestId);

  await Promise.all([settle('0.0013'), settle('0.0013')]);
  await settle('0.0013');
  await settle('0.0013');
  await settle('0.0020');
  await settle('0.0020');
  await gateway.close();

  expect(await available(customer)).toBe('0.998700000');
  expect(gateway.trouble).toEqual(Array(2).fill(`settlement_conflict ${requestId}`));
  const { rows } = await admin.query(
    'select rated_nano, first_rated_nano from settlement_conflicts where request_id = $1',
    [requestId],
  );
  expect(rows).toEqual(Array(2).fill({ rated_nano: '2000000', first_rated_nano: '1300000' }));
});

test('M15: an overshoot is charged to the floor, the next request gets 402, and a top-up of 10.00 leaves 9.970000', async () => {
  const customer = await newCustomer(admin, [{ usd: '0.030000' }]);
  const gateway = await openBareGateway(database);

  await gateway.settle(customer, await gateway.hold(customer, '0.020000'), '0.060000');
  expect(await available(customer)).toBe('-0.030000000');
  await expect(gateway.hold(customer, '0.000001')).rejects.toMatchObject({ code: 'insufficient_credit' });
  await issueGrant(admin, customer.orgId, { usd: '10.00' });
  await gateway.close();

  expect(await available(customer)).toBe('9.970000000');
  const { charge } = await oneRow<{ charge: string }>(
    admin,
    'select charge_nano as charge from usage_records where org_id = $1',
    [customer.orgId],
  );
  expect(charge).toBe('60000000');
});

test('an overshoot below the floor is ours: the customer pays to -0.05 and the rest is an operating loss', async () => {
  const customer = await newCustomer(admin, [{ usd: '0.010000' }]);
  const gateway = await openBareGateway(database);
  const requestId = newId();

  await gateway.settle(customer, await gateway.hold(customer, '0.010000'), '0.100000', requestId);
  await gateway.close();

  expect(await available(customer)).toBe('-0.050000000');
  const row = await oneRow(admin, 'select rated_nano, charge_nano from usage_records where request_id = $1', [
    requestId,
  ]);
  expect(row).toEqual({ rated_nano: '100000000', charge_nano: '60000000' });
  const loss = await oneRow(admin, 'select reason, amount_nano from ops_losses where request_id = $1', [requestId]);
  expect(loss).toEqual({ reason: 'overshoot', amount_nano: '40000000' });
});

test('a cap made while a lease is open bounds what is leased from then on, and its counter agrees with the books', async () => {
  const customer = await newCustomer(admin, [{ usd: '100' }]);
  const gateway = await openBareGateway(database);
  await spend(gateway, customer, '1.00');
  const openAllAlong = await gateway.hold(customer, '0.10');
  await admin.query(`update leases set opened_at = opened_at - interval '2 days' where org_id = $1`, [customer.orgId]);
  await admin.query(
    `insert into caps (org_id, scope, scope_id, period, amount_nano) values ($1, 'api_key', $2, 'day', 2000000000)`,
    [customer.orgId, customer.id],
  );
  gateway.leases.recalled(customer.orgId); // as a gateway does when it hears of the cap

  await spend(gateway, customer, '0.80'); // with the dollar of before, 0.20 is left today
  await expect(gateway.hold(customer, '0.80')).rejects.toMatchObject({ code: 'cap_reached' });
  gateway.leases.release(openAllAlong);
  await gateway.close();
});
