// The fence between a gateway and whoever replays what it left: on each side of it exactly one of them may touch its money.
import { beforeEach, expect, test } from '@jest/globals';
import { nano } from '../../../domain/nano.ts';
import { settleBatch } from '../../../services/ledger/settle-batch.ts';
import { newId } from '../../../services/platform/ids.ts';
import { type Customer, newCustomer, oneRow, rowsOf } from '../../support/bare-gateway.ts';
import { ownDatabase } from '../../support/own-database.ts';
import { until } from '../../support/until.ts';

const FENCED = { code: 'TG001' };

const { admin } = await ownDatabase();
let customer: Customer;
let incarnationId: string;
let leaseId: string;

/** A customer with 1 USD, of which a gateway has leased 0.3. */
beforeEach(async () => {
  customer = await newCustomer(admin, [{ usd: '1' }]);
  incarnationId = await newIncarnation();
  leaseId = newId();
  await take(leaseId);
});

async function newIncarnation(): Promise<string> {
  const id = newId();
  await admin.query(
    `insert into gateway_incarnations (id, host, pid, process_started, journal_path) values ($1, 'here', 1, '1', '/')`,
    [id],
  );
  return id;
}

function take(id: string): Promise<unknown> {
  return admin.query('select from take_credit($1, $2, $3, 300000000, 300000000, 300000000)', [
    incarnationId,
    id,
    customer.id,
  ]);
}

function giveBack(by: string, close: boolean): Promise<{ returned: string }> {
  return oneRow(admin, 'select give_back($1, $2, $3, 100000000, $4) as returned', [by, leaseId, customer.id, close]);
}

async function settle(by: string, replay: boolean): Promise<string> {
  const rows = rowsOf(customer, leaseId, nano(100_000_000), newId());
  const client = await admin.connect();
  try {
    await settleBatch(client, by, replay, [rows]);
  } finally {
    client.release();
  }
  return rows.usage.request_id;
}

function fence(): Promise<unknown> {
  return admin.query('select fence_incarnations($1)', [incarnationId]);
}

function books(): Promise<object> {
  return oneRow(
    admin,
    `select l.amount_nano as leased, l.consumed_nano as consumed, l.closed_at is not null as closed, b.available_nano as available,
            (select count(*)::integer from usage_records u where u.org_id = $2) as records
       from leases l, balance_of($2) b where l.id = $1`,
    [leaseId, customer.orgId],
  );
}

const UNTOUCHED = { leased: '300000000', consumed: '0', closed: false, available: '700000000', records: 0 };

test('before the fence nobody replays for a gateway, and nobody closes its leases', async () => {
  await expect(settle(incarnationId, true)).rejects.toMatchObject(FENCED);
  await expect(admin.query(`select close_incarnation($1, 'too early', true)`, [incarnationId])).rejects.toThrow(
    'not fenced',
  );

  expect(await books()).toEqual(UNTOUCHED);
});

test('behind the fence a gateway leases, gives back and settles nothing more', async () => {
  await fence();

  await expect(take(newId())).rejects.toMatchObject(FENCED);
  await expect(giveBack(incarnationId, false)).rejects.toMatchObject(FENCED);
  await expect(giveBack(incarnationId, true)).rejects.toMatchObject(FENCED);
  await expect(settle(incarnationId, false)).rejects.toMatchObject(FENCED);

  expect(await books()).toEqual(UNTOUCHED);
});

test('the fence waits for a settlement that runs: what is not there behind it will never be', async () => {
  const { usage, attempts } = rowsOf(customer, leaseId, nano(100_000_000), newId());
  const gateway = await admin.connect();
  await gateway.query('begin');
  await gateway.query('select from settle_batch($1, false, $2, $3)', [
    incarnationId,
    JSON.stringify([usage]),
    JSON.stringify(attempts),
  ]);

  let isFenced = false;
  const fenced = fence().then(() => {
    isFenced = true;
  });
  await until(async () => isFenced || (await admin.query(WAITS_TO_FENCE)).rowCount === 1);
  const isFencedMeanwhile = isFenced;
  await gateway.query('commit');
  gateway.release();
  await fenced;

  expect(isFencedMeanwhile).toBe(false);
  expect(await books()).toMatchObject({ consumed: '100000000', records: 1 });
});

const WAITS_TO_FENCE = `select from pg_stat_activity where wait_event_type = 'Lock' and query like '%fence_incarnations%'`;

test('a gateway has nothing of the leases of another: it returns none of them, and spends none', async () => {
  const another = await newIncarnation();

  expect((await giveBack(another, false)).returned).toBe('0');
  expect((await giveBack(another, true)).returned).toBe('0');
  const requestId = await settle(another, false);

  expect(await books()).toEqual({ ...UNTOUCHED, available: '600000000', records: 1 });
  const { late } = await oneRow<{ late: boolean }>(admin, 'select late from usage_records where request_id = $1', [
    requestId,
  ]);
  expect(late).toBe(true);
});

test('silence of 80 s is none, and none counts against a server that has just started', async () => {
  const [quiet, silent] = [await newIncarnation(), await newIncarnation()];
  await admin.query(
    `update gateway_incarnations set renewed_at = clock_timestamp() - case when id = $1 then 80 else 300 end * interval '1 second'
      where id in ($1, $2)`,
    [quiet, silent],
  );
  const fenced = async () => (await admin.query('select fence_incarnations(null) as id')).rows;
  await fenced();
  await admin.query(`update server_timelines set first_seen_at = clock_timestamp() - interval '1 hour'`);

  expect(await fenced()).toEqual([]);
  await admin.query(`
    create schema up_for_long;
    create function up_for_long.pg_postmaster_start_time() returns timestamptz language sql
      return clock_timestamp() - interval '1 hour';
    alter function fence_incarnations(uuid) set search_path = up_for_long, pg_catalog, public, pg_temp`);

  expect(await fenced()).toEqual([{ id: silent }]);
});
