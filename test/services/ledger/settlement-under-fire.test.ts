// What was acknowledged to a customer is charged exactly once, whatever dies: PostgreSQL, the gateway, or the answer between them.
import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Pool } from 'pg';
import { pino } from 'pino';
import { nano } from '../../../domain/nano.ts';
import { recoverDeadGateways } from '../../../services/incarnations/recovery.ts';
import { newId } from '../../../services/platform/ids.ts';
import {
  type BareGateway,
  type Customer,
  newCustomer,
  oneRow,
  openBareGateway,
  rowsOf,
} from '../../support/bare-gateway.ts';
import {
  startThrowawayPostgres,
  type ThrowawayDatabase,
  type ThrowawayPostgres,
} from '../../support/throwaway-postgres.ts';
import { underLoad } from '../../support/under-load.ts';
import { until } from '../../support/until.ts';
import { intentOf } from '../journal/records.ts';

const CLIENTS = 64;

const silent = pino({ level: 'silent' });

let postgres: ThrowawayPostgres;
let database: ThrowawayDatabase;
let admin: Pool;

beforeEach(async () => {
  postgres = await startThrowawayPostgres();
  database = await postgres.createDatabase();
  admin = newPool();
});
afterEach(async () => {
  await admin.end();
  await postgres.stop();
});

function newPool(): Pool {
  const pool = new Pool({ connectionString: database.url });
  pool.on('error', () => {}); // the server is killed on purpose
  return pool;
}

test('M10: PostgreSQL killed under load loses no acknowledged lease or settlement and doubles none', async () => {
  const customer = await newCustomer(admin, [{ usd: '1000' }]);
  const gateway = await openBareGateway(database);
  const acknowledged: string[] = [];
  const leased = new Map<string, bigint>();
  const request = async (): Promise<void> => {
    const requestId = newId();
    const held = await gateway.hold(customer, '0.001').catch(() => null);
    if (held === null) return;
    leased.set(held.lease.id, larger(leased.get(held.lease.id) ?? 0n, held.lease.amount));
    const how = await gateway.settle(customer, held, '0.001', requestId);
    if (how === 'committed' || how === 'spilled') acknowledged.push(requestId);
  };

  await underLoad(CLIENTS, request, async () => {
    for (let kill = 0; kill < 3; kill += 1) {
      const before = acknowledged.length;
      while (acknowledged.length < before + 500) await nextTurn();
      postgres.kill('SIGKILL');
      await postgres.restart();
    }
  });
  await gateway.close();

  const { rows } = await admin.query<{ request_id: string }>(
    'select request_id from usage_records where charge_nano = 1000000',
  );
  const settled = new Set(rows.map(({ request_id }) => request_id));
  expect(acknowledged.filter((requestId) => !settled.has(requestId))).toEqual([]);
  const { rows: leases } = await admin.query<{ id: string; taken: string }>(
    `select e.lease_id as id, -sum(e.amount_nano) as taken from ledger_entries e
       join ledger_transactions t on t.id = e.transaction_id where t.kind = 'lease' and e.account = 'held' group by 1`,
  );
  const taken = new Map(leases.map((row) => [row.id, BigInt(row.taken)]));
  expect([...leased].filter(([id, amount]) => amount > (taken.get(id) ?? 0n))).toEqual([]);
  const { spent } = await oneRow<{ spent: string }>(
    admin,
    'select (1000000000000 - balance_nano)::text as spent from balance_of($1)',
    [customer.orgId],
  );
  expect(spent).toBe(String(rows.length * 1_000_000));
});

test('after a commit in doubt settlements are committed again, also under a load that never rests', async () => {
  const customer = await newCustomer(admin, [{ usd: '1000' }]);
  const gateway = await openBareGateway(database);
  const heard: string[] = [];
  const request = async (): Promise<void> => {
    // While the table is locked a lease may run out: who is told to come again does, or the load would come to rest.
    const held = await gateway.hold(customer, '0.001').catch(() => null);
    if (held === null) await new Promise((resolve) => setTimeout(resolve, 10));
    else heard.push(await gateway.settle(customer, held, '0.001'));
  };

  await underLoad(CLIENTS, request, async () => {
    await until(() => heard.includes('committed'));
    const slow = await admin.connect();
    await slow.query('begin');
    await slow.query('lock table usage_records in share mode');
    await until(() => heard.includes('spilled'));
    // From here on the disk takes settlements many times as fast as PostgreSQL.
    await slow.query(`create function dawdle() returns trigger language plpgsql as
      $$ begin perform pg_sleep(0.0005); return new; end $$`);
    await slow.query('create trigger dawdle before insert on usage_records for each row execute function dawdle()');
    await slow.query('commit');
    slow.release();

    const before = heard.length;
    await until(() => heard.slice(before).includes('committed'));
  });
  await admin.query('drop trigger dawdle on usage_records');
  await gateway.close();
  const { charged } = await oneRow<{ charged: number }>(
    admin,
    'select count(*)::integer as charged from usage_records where charge_nano = 1000000',
  );
  expect(charged).toBe(heard.length);
});

test('a settlement that PostgreSQL had no time for is acknowledged from disk and settled once the gateway is dead', async () => {
  const customer = await newCustomer(admin, [{ usd: '1' }]);
  const gateway = await openBareGateway(database);
  const held = await gateway.hold(customer, '0.3');
  const requestId = newId();
  postgres.kill('SIGSTOP');

  const how = await gateway.settle(customer, held, '0.1', requestId);
  expect(how).toBe('spilled');
  const journal = readdirSync(gateway.journal.folder).map((name) =>
    readFileSync(join(gateway.journal.folder, name), 'utf8'),
  );
  expect(journal.join('')).toContain(requestId);
  postgres.kill('SIGCONT');
  await gateway.close();

  expect(await chargeOf(requestId)).toBe('100000000');
  expect(await balance(customer)).toBe('900000000');
});

test('an intent without an end becomes an orphan, is never charged, and its lease goes back', async () => {
  const customer = await newCustomer(admin, [{ usd: '10.00' }]);
  const gateway = await openBareGateway(database);
  await gateway.hold(customer, '0.05');
  const requestId = newId();
  await intend(gateway, customer, requestId);
  expect(
    (await oneRow<{ held: string }>(admin, 'select reserved_nano::text as held from balance_of($1)', [customer.orgId]))
      .held,
  ).not.toBe('0');

  await gateway.abandon();
  await admin.query('select fence_incarnations($1)', [gateway.incarnation.id]);
  await recoverDeadGateways(admin, silent, gateway.journalDir);

  const orphan = await oneRow(admin, 'select outcome, cost_nano, incarnation_id from attempts where request_id = $1', [
    requestId,
  ]);
  expect(orphan).toEqual({ outcome: 'orphaned', cost_nano: null, incarnation_id: gateway.incarnation.id });
  const books = await oneRow(
    admin,
    'select balance_nano, available_nano, reserved_nano, settling_nano from balance_of($1)',
    [customer.orgId],
  );
  expect(books).toEqual({
    balance_nano: '10000000000',
    available_nano: '10000000000',
    reserved_nano: '0',
    settling_nano: '0',
  });
});

test('what a paused gateway had on disk after its leases were closed is settled late, from available credit', async () => {
  const customer = await newCustomer(admin, [{ usd: '1' }]);
  const gateway = await openBareGateway(database);
  const held = await gateway.hold(customer, '0.3');
  await admin.query('select fence_incarnations($1)', [gateway.incarnation.id]);
  await recoverDeadGateways(admin, silent, gateway.journalDir);

  const requestId = newId();
  const rows = rowsOf(customer, held.lease.id, nano(100_000_000), requestId);
  await gateway.journal.spill([{ kind: 'spilled', ...rows }]);
  await recoverDeadGateways(admin, silent, gateway.journalDir);
  await recoverDeadGateways(admin, silent, gateway.journalDir);

  expect(await chargeOf(requestId)).toBe('100000000');
  expect(await balance(customer)).toBe('900000000');
  await gateway.abandon();
});

test('a fenced gateway settles nothing: its customers get no end and pay nothing', async () => {
  const customer = await newCustomer(admin, [{ usd: '1' }]);
  const gateway = await openBareGateway(database);
  const held = await gateway.hold(customer, '0.3');
  await admin.query('select fence_incarnations($1)', [gateway.incarnation.id]);

  expect(await gateway.settle(customer, held, '0.1')).toBe('fenced');

  await gateway.abandon();
  expect(gateway.incarnation.mayAdmit()).toBe(false);
  await recoverDeadGateways(admin, silent, gateway.journalDir);
  expect(await balance(customer)).toBe('1000000000');
});

test('a torn last line is what a kill leaves: the records before it count and nobody is alarmed', async () => {
  const { gateway, requestId } = await spilledOnce();
  const file = lastSegment(gateway);
  appendFileSync(file, '1234abcd {"kind":"spil');
  await gateway.abandon();
  await admin.query('select fence_incarnations($1)', [gateway.incarnation.id]);
  await recoverDeadGateways(admin, silent, gateway.journalDir);

  expect(await chargeOf(requestId)).toBe('100000000');
});

test('damage in the middle of a journal keeps the file and still settles every record that can be read', async () => {
  const { gateway, requestId } = await spilledOnce();
  const file = lastSegment(gateway);
  writeFileSync(file, `00000000 {"kind":"spilled"}\n${readFileSync(file, 'utf8')}`);
  await gateway.abandon();
  await admin.query(`update gateway_incarnations set pid = 1, process_started = 'long ago' where id = $1`, [
    gateway.incarnation.id,
  ]);
  await recoverDeadGateways(admin, silent, gateway.journalDir);

  expect(await chargeOf(requestId)).toBe('100000000');
  expect(existsSync(file)).toBe(true);
});

test('one record that PostgreSQL refuses goes to quarantine while the others of its batch commit', async () => {
  const customer = await newCustomer(admin, [{ usd: '1' }]);
  const gateway = await openBareGateway(database);
  const held = await Promise.all([1, 2, 3].map(() => gateway.hold(customer, '0.1')));
  const [first, bad, third] = [newId(), 'no uuid', newId()];

  const outcomes = await Promise.all(
    [first, bad, third].map((requestId, index) => gateway.settle(customer, held[index] ?? raise(), '0.1', requestId)),
  );
  await gateway.close();

  expect(outcomes).toEqual(['committed', 'lost', 'committed']);
  expect([await chargeOf(first ?? ''), await chargeOf(third ?? '')]).toEqual(['100000000', '100000000']);
  const { rows } = await admin.query('select charge_nano from settlement_quarantine');
  expect(rows).toEqual([{ charge_nano: '100000000' }]);
});

async function spilledOnce(): Promise<{ gateway: BareGateway; requestId: string }> {
  const customer = await newCustomer(admin, [{ usd: '1' }]);
  const gateway = await openBareGateway(database);
  const held = await gateway.hold(customer, '0.3');
  const requestId = newId();
  await gateway.journal.spill([{ kind: 'spilled', ...rowsOf(customer, held.lease.id, nano(100_000_000), requestId) }]);
  return { gateway, requestId };
}

function lastSegment(gateway: BareGateway): string {
  return join(gateway.journal.folder, readdirSync(gateway.journal.folder).sort().at(-1) ?? '');
}

function intend(gateway: BareGateway, customer: Customer, requestId: string): Promise<Error | null> {
  return new Promise((resolve) =>
    gateway.journal.intend(intentOf(requestId, customer), (where) => resolve(where instanceof Error ? where : null)),
  );
}

async function chargeOf(requestId: string): Promise<string> {
  return (
    await oneRow<{ charge_nano: string }>(admin, 'select charge_nano from usage_records where request_id = $1', [
      requestId,
    ])
  ).charge_nano;
}

async function balance(customer: Customer): Promise<string> {
  return (await oneRow<{ balance_nano: string }>(admin, 'select balance_nano from balance_of($1)', [customer.orgId]))
    .balance_nano;
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function raise(): never {
  throw new Error('a reservation is missing');
}
