// A verifier that finds nothing proves nothing: each of its checks is shown to find the defect that it is for.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Pool } from 'pg';
import { METERS, type Usage } from '../../../domain/meters.ts';
import { charge, type Price } from '../../../domain/prices.ts';
import { verifyLedger } from '../../../services/ledger/verifier.ts';
import { createPool } from '../../../services/platform/postgres.ts';
import {
  type Customer,
  issueGrant,
  newCustomer,
  oneRow,
  openBareGateway,
  SOME_ID,
} from '../../support/bare-gateway.ts';
import { onPlantedCopy } from '../../support/planted-copy.ts';
import {
  startThrowawayPostgres,
  type ThrowawayDatabase,
  type ThrowawayPostgres,
} from '../../support/throwaway-postgres.ts';
import { PLANTED_BURNING } from './planted-burning.ts';
import { PLANTED_LATE_WORK } from './planted-late-work.ts';
import { PLANTED_MONEY_IN, payOnce } from './planted-money-in.ts';
import { PLANTED_PLAN_RATES, spendBeyondIncluded } from './planted-plan-rates.ts';
import { PLANTED_PLANS, subscribeOnce } from './planted-plans.ts';
import { invoiceOnce, PLANTED_POSTPAID } from './planted-postpaid.ts';
import { PLANTED_TAXES, taxFromNowOn } from './planted-taxes.ts';

let postgres: ThrowawayPostgres;
let database: ThrowawayDatabase;
let admin: Pool;
let worker: Pool;
let customer: Customer & { grantIds: string[] };

// One ledger for all tests, with something of everything in it; each test plants its defect in a copy.
beforeAll(async () => {
  postgres = await startThrowawayPostgres();
  database = await postgres.createDatabase();
  const pool = (url: string) => createPool(url, { name: 'test', maxConnections: 4, statementTimeoutMs: 10_000 });
  admin = pool(database.url);
  worker = pool(database.urlFor('worker'));
  customer = await newCustomer(admin, [
    { usd: '0.40', priority: 10, expiresIn: '30 days' },
    { usd: '5.00', priority: 20 },
  ]);
  for (const scope of ['organization', 'project', 'api_key']) {
    const id = { organization: customer.orgId, project: customer.projectId, api_key: customer.id }[scope];
    await admin.query(
      `insert into caps (org_id, scope, scope_id, period, amount_nano) values ($1, $2, $3, 'day', 900000000000)`,
      [customer.orgId, scope, id],
    );
  }
  await liveThroughADay();
});
afterAll(async () => {
  await Promise.all([admin.end(), worker.end()]);
  await postgres.stop();
});

/** Leases given back and one left open, an answer that cost more than there was, a grant that repays it, one that expires. */
async function liveThroughADay(): Promise<void> {
  const first = await openBareGateway(database);
  for (const usd of ['0.25', '0.30', '0.000000001']) await first.settle(customer, await first.hold(customer, usd), usd);
  await first.close();

  const poor = await newCustomer(admin, [{ usd: '0.03' }]);
  const second = await openBareGateway(database);
  await second.settle(poor, await second.hold(poor, '0.02'), '0.06');
  await issueGrant(admin, poor.orgId, { usd: '1' });
  await issueGrant(admin, poor.orgId, { usd: '0.07', expiresIn: '10 days' });
  await second.settle(customer, await second.hold(customer, '1.50'), '1.25');
  await invoiceOnce(admin, worker, second);
  await spendBeyondIncluded(admin, second);
  await second.abandon();

  await taxFromNowOn(admin);
  await payOnce(admin, poor.orgId);
  await subscribeOnce(admin, poor.orgId, 'pi_plan');
  await subscribeOnce(admin, (await newCustomer(admin, [])).orgId, 'pi_other_plan');

  await clockAt(`now() + interval '11 days'`);
  await admin.query('select expire_grants()');
  await clockAt('now()');
}

async function clockAt(moment: string): Promise<void> {
  await admin.query(
    `create or replace function billing_now() returns timestamptz language sql stable as $$ select ${moment} $$`,
  );
}

test('sound books have nothing to report', async () => {
  const { ok, checks } = await verifyLedger(worker);
  expect(checks.filter((check) => !check.ok)).toEqual([]);
  expect([ok, checks.length]).toEqual([true, 48]);
});

const PRICE: Price = {
  perCallNano: 7,
  tiers: [
    {
      aboveInputTokens: 0,
      microUsdPerMillion: { input: 2_500_001, cachedInput: 333_333, cacheWrite5m: 3_125_007, output: 10_000_003 },
    },
    { aboveInputTokens: 1_000, microUsdPerMillion: { input: 5_000_003, output: 15_000_001, reasoning: 1_000_001 } },
  ],
};

/** The price version that the records of this test name, which nobody else needs. */
const pricedAt = (price: Price) => `
  insert into models (id, display_name, owned_by, kind, context_tokens, max_output_tokens, bytes_per_token) values ('std', 's', 's', 'chat', 1, 1, 4);
  insert into price_versions (id, model_id, side, price, effective_at, source, created_by)
    values ('${SOME_ID}', 'std', 'selling', '${JSON.stringify(price)}', now(), 'seed', 'test')`;

const PLANTED: readonly (readonly [string, string, string])[] = [
  ...PLANTED_MONEY_IN,
  ...PLANTED_PLANS,
  ...PLANTED_PLAN_RATES,
  ...PLANTED_BURNING,
  ...PLANTED_POSTPAID,
  ...PLANTED_TAXES,
  ...PLANTED_LATE_WORK,
  [
    'I1',
    'an entry is 1 nano more',
    `update ledger_entries set amount_nano = amount_nano + 1 where account = 'funding'`,
  ],
  [
    'I1',
    'a transaction loses its entries',
    `delete from ledger_entries where transaction_id = (select max(id) from ledger_transactions)`,
  ],
  [
    'I1',
    'entries of no transaction',
    `delete from ledger_transactions where id = (select min(id) from ledger_transactions)`,
  ],
  ['I2-grants', 'a balance is 1 nano more', 'update grant_balances set available_nano = available_nano + 1'],
  [
    'I2-grants',
    'a grant has no balance',
    `delete from grant_balances where grant_id = (select grant_id from grant_balances limit 1)`,
  ],
  [
    'I2-grant-chain',
    'a balance after an entry is wrong',
    `update ledger_entries set balance_after_nano = balance_after_nano + 1 where (transaction_id, line) = (select transaction_id, line from ledger_entries where account = 'credit' order by 1 desc, 2 desc limit 1)`,
  ],
  [
    'I2-leases',
    'a lease forgets 1 nano that was spent',
    'update leases set consumed_nano = consumed_nano - 1 where closed_at is null and consumed_nano > 0',
  ],
  [
    'I2-lease-chain',
    'a balance after a settlement is wrong',
    `update ledger_entries set balance_after_nano = balance_after_nano + 1 where account = 'held' and amount_nano > 0 and balance_after_nano > 0`,
  ],
  ['I2-overdraft', 'a debt is forgotten', `update organizations set overdraft_nano = overdraft_nano + 1`],
  ['I3', 'a closed lease still holds money', `update leases set closed_at = now() where closed_at is null`],
  [
    'I4',
    'a lease of a gateway long dead is open',
    `update gateway_incarnations set fenced_at = now() - interval '11 minutes' where id in (select incarnation_id from leases where closed_at is null)`,
  ],
  [
    'I5',
    'a usage record is removed',
    `delete from usage_records where request_id = (select request_id from usage_records where charge_nano > 1 limit 1)`,
  ],
  [
    'I5',
    'a usage record is doubled',
    `insert into usage_records select (jsonb_populate_record(null::usage_records, to_jsonb(u) || jsonb_build_object('request_id', gen_random_uuid()))).* from usage_records u where charge_nano > 1 limit 1`,
  ],
  [
    'I5',
    'a charge is off by 1 nano',
    `update usage_records set charge_nano = charge_nano - 1 where request_id = (select request_id from usage_records where charge_nano > 1 limit 1)`,
  ],
  [
    'I5-losses',
    'a loss is not in the ledger',
    `insert into ops_losses values (gen_random_uuid(), 1, 'orphaned', 5, 0)`,
  ],
  ['I5-losses', 'an unpaid rest is explained by nothing', `update usage_records set due_nano = due_nano + 1`],
  [
    'I6',
    'money is missing from a grant',
    `update credit_grants set amount_nano = amount_nano + 1 where id = (select id from credit_grants order by created_at limit 1)`,
  ],
  ['I6-slices', 'a slice is larger than what was cut', 'update lease_slices set amount_nano = amount_nano + 1'],
  [
    'I7',
    'credit was cut before its grant began',
    `update credit_grants set effective_at = effective_at + interval '1 day', expires_at = null`,
  ],
  [
    'I7',
    'a request was admitted after its lease had ended',
    `update leases set expires_at = opened_at - interval '1 second' where consumed_nano > 0`,
  ],
  [
    'I8',
    'a lease is larger than its entries',
    'update leases set amount_nano = amount_nano + 1, consumed_nano = consumed_nano + 1',
  ],
  ['I9', 'somebody owes more than the floor', 'update organizations set overdraft_nano = overdraft_floor_nano + 1'],
  ['caps', 'a cap has counted 1 nano less', 'update cap_usage set committed_nano = committed_nano - 1'],
  ['rated', 'a record is rated otherwise than its price says', pricedAt(PRICE)],
  [
    'quarantine',
    'a record waits for a person',
    `select quarantine_record(gen_random_uuid(), gen_random_uuid(), '{}', 'absurd', 5)`,
  ],
  [
    'conflicts',
    'a request came with another charge',
    'insert into settlement_conflicts (request_id, rated_nano, first_rated_nano) values (gen_random_uuid(), 2, 1)',
  ],
];

test.each(PLANTED)('%s reports that %s', async (id, _, defect) => {
  const { checks } = await withPlanted(defect);
  const check = checks.find((one) => one.id === id);
  expect(check).toMatchObject({ id, ok: false });
  expect(check?.count).toBeGreaterThan(0);
  expect(check?.examples.length).toBeGreaterThan(0);
});

test('what the rules of prices rated is found to be rated right, meter by meter and on both sides of a tier', async () => {
  const alone = METERS.map((meter): Usage => ({ [meter]: 333 }));
  const usages: Usage[] = [
    ...alone,
    { input: 1_000 },
    { input: 999, cachedInput: 2 },
    { input: 1_001, cacheWrite1h: 5, reasoning: 3 },
  ];
  const records = usages.map((meters) => {
    const own = { request_id: randomUUID(), meters, rated_nano: String(charge(PRICE, meters)) };
    return `insert into usage_records select (jsonb_populate_record(null::usage_records, to_jsonb(u) || '${JSON.stringify(own)}')).* from
      (select * from usage_records where charge_nano = 1 limit 1) u`;
  });

  const { checks } = await withPlanted([pricedAt(PRICE), ...records].join(';'));

  // The other records of these books are rated by nothing.
  const others = await oneRow<{ count: string }>(admin, 'select count(*) from usage_records');
  expect(checks.find(({ id }) => id === 'rated')?.count).toBe(Number(others.count));
});

test('two charges that are swapped between customers are found, although every sum stays the same', async () => {
  const { rows } = await admin.query<{ requestId: string; charge: string }>(
    `select distinct on (org_id) request_id as "requestId", charge_nano as charge from usage_records where charge_nano > 1 order by org_id, charge_nano desc`,
  );
  const [one, other] = rows;
  const swapped = [one, other].map((from, at) => {
    const to = [other, one][at];
    return `update usage_records set charge_nano = ${to?.charge}, due_nano = ${to?.charge}, rated_nano = ${to?.charge} where request_id = '${from?.requestId}'`;
  });
  const { checks } = await withPlanted(swapped.join(';'));
  expect(checks.find(({ id }) => id === 'I5')?.count).toBe(2);
});

test('every check there is has a planted defect that proves it', async () => {
  const { checks } = await verifyLedger(worker);
  expect(checks.map(({ id }) => id).sort()).toEqual([...new Set(PLANTED.map(([id]) => id))].sort());
});

test('a finding is counted in full and shown by a few examples', async () => {
  const conflicts = `insert into settlement_conflicts (request_id, rated_nano, first_rated_nano) select gen_random_uuid(), 2, 1 from generate_series(1, 50)`;
  const { ok, checks } = await withPlanted(conflicts);
  const check = checks.find(({ id }) => id === 'conflicts');
  expect([ok, check?.count, check?.examples.length]).toEqual([false, 50, 5]);
});

/** On a copy of the books, made by a superuser past all triggers. */
function withPlanted(defect: string): ReturnType<typeof verifyLedger> {
  return onPlantedCopy({ postgres, database }, defect, verifyLedger);
}
