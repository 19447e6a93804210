// A settlement that PostgreSQL did not answer, refused, or had to wait with: nobody is told that he owes nothing before that is
// known, and nothing is put aside that only had to be tried again.
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { Client, Pool, type PoolClient } from 'pg';
import { nano } from '../../../domain/nano.ts';
import { settleBatch } from '../../../services/ledger/settle-batch.ts';
import type { Acknowledged } from '../../../services/ledger/settlement.ts';
import { SettlementWriter } from '../../../services/ledger/settlement-writer.ts';
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
import { until } from '../../support/until.ts';

let postgres: ThrowawayPostgres;
let database: ThrowawayDatabase;
let admin: Pool;
let other: PoolClient;

beforeAll(async () => {
  postgres = await startThrowawayPostgres();
  database = await postgres.createDatabase();
  admin = new Pool({ connectionString: database.url });
  other = await admin.connect();
});
afterEach(() => other.query('rollback'));
afterAll(async () => {
  other.release();
  await admin.end();
  await postgres.stop();
});

interface Scene {
  readonly customer: Customer;
  readonly gateway: BareGateway;
  readonly leaseId: string;
}

/** A customer with 1 USD and a gateway that has leased 0.3 of it. */
async function scene(): Promise<Scene> {
  const customer = await newCustomer(admin, [{ usd: '1' }]);
  const gateway = await openBareGateway(database);
  const { lease } = await gateway.hold(customer, '0.3');
  return { customer, gateway, leaseId: lease.id };
}

async function connect(): Promise<Client> {
  const client = new Client({ connectionString: database.urlFor('gateway') });
  client.on('error', () => {}); // it is broken on purpose
  await client.connect();
  return client;
}

/** Resolves when a settlement waits for a lock that `other` has; its backend's pid. */
async function waiting(): Promise<number> {
  let pid: number | undefined;
  await until(async () => {
    const { rows } = await admin.query<{ pid: number }>(
      `select pid from pg_stat_activity where wait_event_type = 'Lock' and query like '%settle_%'`,
    );
    pid = rows[0]?.pid;
    return pid !== undefined;
  });
  return pid ?? 0;
}

function charged({ customer }: Scene): Promise<{ charge: string; balance: string }> {
  return oneRow(
    admin,
    `select coalesce(sum(u.charge_nano), 0) as charge, (select b.balance_nano from balance_of($1) b) as balance
       from usage_records u where u.org_id = $1`,
    [customer.orgId],
  );
}

test('a lease that shrinks while its settlement waits for it puts no record aside', async () => {
  const at = await scene();
  const client = await connect();
  await other.query('begin');
  await other.query('select give_back($1, $2, $3, 250000000, false)', [
    at.gateway.incarnation.id,
    at.leaseId,
    at.customer.id,
  ]);

  const settled = settleBatch(client, at.gateway.incarnation.id, false, [
    rowsOf(at.customer, at.leaseId, nano(200_000_000n), newId()),
  ]);
  await waiting();
  await other.query('commit');

  expect(await settled).toEqual([]);
  expect(await charged(at)).toEqual({ charge: '200000000', balance: '800000000' });
  await client.end();
  await at.gateway.close();
});

test('a settlement beyond its lease and a lease transaction wait for each other in one order', async () => {
  const at = await scene();
  const client = await connect();
  await other.query('begin');
  await other.query('select from organizations where id = $1 for no key update', [at.customer.orgId]);

  const settled = settleBatch(client, at.gateway.incarnation.id, false, [
    rowsOf(at.customer, at.leaseId, nano(100_000_000n), newId()),
    rowsOf(at.customer, at.leaseId, nano(300_000_000n), newId()),
  ]);
  await waiting();
  await other.query('select from leases where id = $1 for update', [at.leaseId]);
  await other.query('commit');

  expect(await settled).toEqual([]);
  expect(await charged(at)).toEqual({ charge: '400000000', balance: '600000000' });
  await client.end();
  await at.gateway.close();
});

test('a statement that the database does not know is no fault of the records: they are settled when it does', async () => {
  const at = await scene();
  const held = await at.gateway.hold(at.customer, '0.1');
  await admin.query('alter function settle_batch rename to settle_batch_of_tomorrow');

  const how = await at.gateway.settle(at.customer, held, '0.1');
  await admin.query('alter function settle_batch_of_tomorrow rename to settle_batch');
  await at.gateway.close();

  expect(how).toBe('spilled');
  expect(await charged(at)).toEqual({ charge: '100000000', balance: '900000000' });
});

test('a quarantine that gets no answer does not stop the writer', async () => {
  const at = await scene();
  const held = await at.gateway.hold(at.customer, '0.1');
  await other.query('begin');
  await other.query('lock table settlement_quarantine in exclusive mode');

  const how = await at.gateway.settle(at.customer, held, '0.1', 'no uuid');
  await other.query('rollback');
  await at.gateway.close();

  expect(how).toBe('spilled');
  expect((await charged(at)).charge).toBe('0');
});

test('an answer that came while the process was stopped counts', async () => {
  const at = await scene();
  const held = await at.gateway.hold(at.customer, '0.1');

  const acknowledged = at.gateway.settle(at.customer, held, '0.1');
  await nextTurn();
  await nextTurn();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_500);

  expect(await acknowledged).toBe('committed');
  await at.gateway.close();
});

/**
 * A settlement that is sent and gets no answer, by a gateway that may spill no more. `meanwhile` happens before it asks what became
 * of it.
 */
async function unanswered(
  { customer, gateway, leaseId }: Scene,
  meanwhile: () => Promise<void>,
): Promise<Acknowledged> {
  let isAsking = false;
  const writer = new SettlementWriter({
    incarnationId: gateway.incarnation.id,
    journal: gateway.journal,
    connect: async () => {
      if (isAsking) await meanwhile();
      isAsking = true;
      return connect();
    },
    mayStillSpill: () => false,
    onFenced: () => {},
    onTrouble: () => {},
  });
  await writer.begin();
  await other.query('begin');
  await other.query('lock table usage_records in share mode');
  const rows = rowsOf(customer, leaseId, nano(100_000_000n), newId());
  const how = await new Promise<Acknowledged>((acknowledged) =>
    writer.settle({ ...rows, segments: [], acknowledged, inDatabase: () => {} }),
  );
  await other.query('rollback');
  await writer.drain(1_000);
  return how;
}

test('a settlement without an answer that PostgreSQL has committed is committed', async () => {
  const at = await scene();

  const how = await unanswered(at, async () => {
    await waiting();
    await other.query('rollback');
    await until(async () => (await charged(at)).charge !== '0');
  });

  expect(how).toBe('committed');
  await at.gateway.close();
});

test('a settlement without an answer is known never to count once its gateway is fenced', async () => {
  const at = await scene();

  const how = await unanswered(at, async () => {
    await admin.query('select pg_terminate_backend($1)', [await waiting()]);
    await admin.query('select fence_incarnations($1)', [at.gateway.incarnation.id]);
  });

  expect(how).toBe('fenced');
  expect((await charged(at)).charge).toBe('0');
  await at.gateway.abandon();
});

test('of a settlement without an answer that may yet be committed nobody is told that it is free', async () => {
  const at = await scene();

  const how = await unanswered(at, async () => {});
  await until(async () => (await charged(at)).charge !== '0');

  expect(how).toBe('unknown');
  await at.gateway.close();
});

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
