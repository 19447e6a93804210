// The plan of the settlement statement is made once a session, often in a young database where any way to read a lease is cheap.
import { expect, test } from '@jest/globals';
import type { PoolClient } from 'pg';
import { nano } from '../../../domain/nano.ts';
import { settleBatch } from '../../../services/ledger/settle-batch.ts';
import { newId } from '../../../services/platform/ids.ts';
import { type BareGateway, type Customer, newCustomer, openBareGateway, rowsOf } from '../../support/bare-gateway.ts';
import { ownDatabase } from '../../support/own-database.ts';

const CLOSED_BEFORE = 3_000;
const SETTLED = 20;

const { database, admin } = await ownDatabase();

test('a settlement reads the leases that it spends of, however many were closed before them', async () => {
  const customer = await newCustomer(admin, [{ usd: '10' }]);
  const gateway = await openBareGateway(database);
  const reservation = await gateway.hold(customer, '0.1');
  const session = await admin.connect();
  await settleSome(session, gateway, customer, reservation.lease.id);
  await closeOlderLeases(session, gateway, customer);

  const before = await leasesRead(session);
  await settleSome(session, gateway, customer, reservation.lease.id);
  const readEach = ((await leasesRead(session)) - before) / SETTLED;

  expect(readEach).toBeGreaterThanOrEqual(1);
  expect(readEach).toBeLessThan(10);
  session.release();
  gateway.leases.release(reservation);
  await gateway.close();
});

async function settleSome(
  session: PoolClient,
  gateway: BareGateway,
  customer: Customer,
  leaseId: string,
): Promise<void> {
  for (let count = 0; count < SETTLED; count += 1) {
    const conflicts = await settleBatch(session, gateway.incarnation.id, false, [
      rowsOf(customer, leaseId, nano(100_000), newId()),
    ]);
    expect(conflicts).toEqual([]);
  }
}

/** Ids grow with time, and these stand before all that are new. */
async function closeOlderLeases(session: PoolClient, gateway: BareGateway, customer: Customer): Promise<void> {
  await session.query(
    `insert into leases (id, incarnation_id, org_id, project_id, api_key_id, amount_nano, closed_at, closed_reason)
     select ('00' || substr(gen_random_uuid()::text, 3))::uuid, $1, k.org_id, k.project_id, k.id, 0, now(), 'given back'
       from generate_series(1, $3::int), api_keys k where k.org_id = $2`,
    [gateway.incarnation.id, customer.orgId, CLOSED_BEFORE],
  );
}

/** Rows and index entries of leases that this database's sessions have read so far. */
async function leasesRead(session: PoolClient): Promise<number> {
  await session.query('select pg_stat_force_next_flush()');
  const { rows } = await session.query<{ read: number }>(
    `select (t.seq_tup_read + (select sum(i.idx_tup_read) from pg_stat_user_indexes i where i.relid = t.relid))::int as read
       from pg_stat_user_tables t where t.relname = 'leases'`,
  );
  return rows[0]?.read ?? Number.NaN;
}
