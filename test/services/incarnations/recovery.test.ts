// Whatever a dead gateway left, and wherever it ran: what it acknowledged is settled once, and its leases come back.
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { pino } from 'pino';
import { nano } from '../../../domain/nano.ts';
import { IdempotencyStore } from '../../../services/idempotency/inference-requests.ts';
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
import { ownDatabase } from '../../support/own-database.ts';

const silent = pino({ level: 'silent' });
/** No journal stands here. */
const NOWHERE = '/nowhere';

const { database, admin } = await ownDatabase();

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

async function spill({ customer, gateway, leaseId }: Scene, requestId: string, charge: bigint): Promise<void> {
  await gateway.journal.spill([{ kind: 'spilled', ...rowsOf(customer, leaseId, nano(charge), requestId) }]);
}

async function fence({ gateway }: Scene): Promise<void> {
  await gateway.abandon();
  await admin.query('select fence_incarnations($1)', [gateway.incarnation.id]);
}

/** As the row of a gateway that ran in another container, or before this machine was booted. */
async function ranElsewhere({ gateway }: Scene): Promise<void> {
  await admin.query(`update gateway_incarnations set host = 'elsewhere', journal_path = '/elsewhere' where id = $1`, [
    gateway.incarnation.id,
  ]);
}

function fencedSince({ gateway }: Scene, age: string): Promise<unknown> {
  return admin.query('update gateway_incarnations set fenced_at = clock_timestamp() - $2::interval where id = $1', [
    gateway.incarnation.id,
    age,
  ]);
}

function recover({ gateway }: Scene): Promise<void> {
  return recoverDeadGateways(admin, silent, gateway.journalDir);
}

function keysOf({ incarnation }: BareGateway): IdempotencyStore {
  return new IdempotencyStore(admin, incarnation.id);
}

async function left({ customer, gateway }: Scene): Promise<{ balance: string; available: string; closed: boolean }> {
  return await oneRow(
    admin,
    `select b.balance_nano as balance, b.available_nano as available, i.closed_at is not null as closed
       from balance_of($1) b, gateway_incarnations i where i.id = $2`,
    [customer.orgId, gateway.incarnation.id],
  );
}

test('a request that stands in the journal twice is settled once', async () => {
  const dead = await scene();
  const requestId = newId();
  await spill(dead, requestId, 100_000_000n);
  await spill(dead, requestId, 100_000_000n);
  await fence(dead);

  await recover(dead);

  expect(await left(dead)).toEqual({ balance: '900000000', available: '900000000', closed: true });
});

test('a request that stands in the journal with two charges is settled with the first, and the other is a conflict', async () => {
  const dead = await scene();
  const requestId = newId();
  await spill(dead, requestId, 100_000_000n);
  await spill(dead, requestId, 200_000_000n);
  await fence(dead);

  await recover(dead);

  expect(await left(dead)).toEqual({ balance: '900000000', available: '900000000', closed: true });
  const conflict = await oneRow(admin, 'select rated_nano from settlement_conflicts where request_id = $1', [
    requestId,
  ]);
  expect(conflict).toEqual({ rated_nano: '200000000' });
});

test('a journal that cannot be replayed keeps no other gateway waiting, and its leases no longer than ten minutes', async () => {
  const unreadable = await scene();
  const other = await scene();
  mkdirSync(join(unreadable.gateway.journal.folder, '99999999.journal')); // no file can be read there
  await spill(other, newId(), 100_000_000n);
  await fence(unreadable);
  await fence(other);

  await recover(other);
  expect((await left(other)).closed).toBe(true);
  expect((await left(unreadable)).closed).toBe(false);
  await fencedSince(unreadable, '11 minutes');
  await recover(unreadable);

  expect(await left(unreadable)).toEqual({ balance: '1000000000', available: '1000000000', closed: true });
});

test('a journal that is found here is replayed, whatever host wrote it and however long ago', async () => {
  const dead = await scene();
  await spill(dead, newId(), 100_000_000n);
  await fence(dead);
  await ranElsewhere(dead);
  await admin.query('select close_incarnation($1, $2, false)', [dead.gateway.incarnation.id, 'journal out of reach']);
  await fencedSince(dead, '2 days');

  await recover(dead);

  expect((await left(dead)).balance).toBe('900000000');
  expect(existsSync(dead.gateway.journal.folder)).toBe(false);
});

test('a request of which only an unread journal knows keeps its Idempotency-Key until that is read: it is never charged twice', async () => {
  const dead = await scene();
  const first = newId();
  const asked = { apiKeyId: dead.customer.id, key: 'once', body: Buffer.from('{}') };
  await keysOf(dead.gateway).claim({ ...asked, requestId: first });
  await spill(dead, first, 100_000_000n);
  await fence(dead);
  await ranElsewhere(dead);
  await fencedSince(dead, '11 minutes');
  await recoverDeadGateways(admin, silent, NOWHERE);
  expect((await left(dead)).closed).toBe(true);
  const again = () => keysOf(dead.gateway).claim({ ...asked, requestId: newId() });

  await expect(again()).rejects.toMatchObject({ code: 'request_in_progress' });
  await recover(dead);

  await expect(again()).rejects.toMatchObject({ code: 'already_charged' });
  expect((await left(dead)).balance).toBe('900000000');
});

test('a journal without an end of the request frees its Idempotency-Key as soon as it is read', async () => {
  const dead = await scene();
  const asked = { apiKeyId: dead.customer.id, key: 'once', body: Buffer.from('{}') };
  await keysOf(dead.gateway).claim({ ...asked, requestId: newId() });
  await fence(dead);

  await recover(dead);

  await keysOf(dead.gateway).claim({ ...asked, requestId: newId() });
});

test('the journal of a process that cannot be seen from here stays, and what its owner appends when it wakes is settled', async () => {
  const asleep = await scene();
  await spill(asleep, newId(), 100_000_000n);
  await fence(asleep);
  await ranElsewhere(asleep);

  await recover(asleep);
  expect((await left(asleep)).balance).toBe('900000000');
  await spill(asleep, newId(), 50_000_000n);
  await recover(asleep);

  expect((await left(asleep)).balance).toBe('850000000');
  expect(existsSync(asleep.gateway.journal.folder)).toBe(true);
});

test('a refused record is free, has a receipt and an attempt whose cost the provider will say, and is kept once', async () => {
  const dead = await scene();
  const requestId = newId();
  await spill(dead, requestId, -1n);
  await fence(dead);

  await recover(dead);
  await spill(dead, newId(), 100_000_000n);
  await recover(dead);

  const { rows } = await admin.query(
    `select u.outcome, u.usage_source, u.charge_nano, a.outcome as attempt, a.cost_nano, q.resolved_at
       from settlement_quarantine q left join usage_records u using (request_id) left join attempts a using (request_id)
      where q.request_id = $1`,
    [requestId],
  );
  const nothing = { usage_source: 'none', charge_nano: '0', cost_nano: null, resolved_at: null };
  expect(rows).toEqual([{ outcome: 'quarantined', attempt: 'won', ...nothing }]);
});

test('a record that is no request at all is put aside once, however often its journal is replayed', async () => {
  const dead = await scene();
  await spill(dead, 'no uuid', 100_000_000n);
  await fence(dead);
  await ranElsewhere(dead);

  await recover(dead);
  await spill(dead, newId(), 50_000_000n);
  await recover(dead);

  const { rows } = await admin.query('select charge_nano from settlement_quarantine where incarnation_id = $1', [
    dead.gateway.incarnation.id,
  ]);
  expect(rows).toEqual([{ charge_nano: '100000000' }]);
  expect((await left(dead)).balance).toBe('950000000');
});
