// What may be spent while an invoice is overdue, against a real PostgreSQL: what was bought, and of what was leased before only what
// requests had set aside already.
import { afterAll, afterEach, beforeEach, expect, test } from '@jest/globals';
import { nano } from '../../../domain/nano.ts';
import type { Reservation } from '../../../services/leases/lease.ts';
import { verifyLedger } from '../../../services/ledger/verifier.ts';
import { createPool } from '../../../services/platform/postgres.ts';
import { type BareGateway, type Customer, newCustomer, oneRow, openBareGateway } from '../../support/bare-gateway.ts';
import { PAY_LINK, putUnder } from '../../support/overdue.ts';
import { ownDatabase } from '../../support/own-database.ts';
import { until } from '../../support/until.ts';

const { database, admin } = await ownDatabase();
const worker = createPool(database.urlFor('worker'), { name: 'test', maxConnections: 2, statementTimeoutMs: 10_000 });
afterAll(() => worker.end());

/** The answers of these requests were priced by nobody, and credit was lent without a contract. */
const BY_HAND = ['rated', 'I15-used'];

let gateway: BareGateway;

beforeEach(async () => {
  gateway = await openBareGateway(database);
});
afterEach(async () => {
  await gateway.close();
  const { checks } = await verifyLedger(worker);
  expect(checks.filter(({ ok, id }) => !ok && !BY_HAND.includes(id))).toEqual([]);
});

const INCLUDED = { usd: '5.00', source: 'included', priority: 10, expiresIn: '20 days' };
const PACK = { usd: '3.00', source: 'pack', priority: 20 };
const CREDIT_LINE = { usd: '100.00', source: 'credit_line', priority: 30 };

/** As the gateway's next request has it, once the change of the stage was pushed. */
const told = (customer: Customer, enforcementSeq: number): Customer => ({ ...customer, enforcementSeq });

const exactly = (amount: bigint) => ({ floor: nano(amount), preferred: nano(amount), wish: nano(amount) });

/** Of each source, what is on its grant, in dollars. */
async function leftOf({ orgId }: Customer): Promise<Record<string, number>> {
  const { rows } = await admin.query<{ source: string; usd: number }>(
    `select g.source, (b.available_nano / 1e9)::float8 as usd
       from credit_grants g join grant_balances b on b.grant_id = g.id where g.org_id = $1`,
    [orgId],
  );
  return Object.fromEntries(rows.map(({ source, usd }) => [source, usd]));
}

async function sourcesOf({ lease }: Reservation): Promise<string[]> {
  const { rows } = await admin.query<{ source: string }>(
    `select distinct g.source from lease_slices s join credit_grants g on g.id = s.grant_id where s.lease_id = $1 and s.amount_nano > 0`,
    [lease.id],
  );
  return rows.map(({ source }) => source);
}

async function spend(customer: Customer, usd: string): Promise<void> {
  await gateway.settle(customer, await gateway.hold(customer, usd), usd);
}

test('while it is limited an organization spends what it bought, and neither included credit nor its credit line', async () => {
  const customer = await newCustomer(admin, [INCLUDED, PACK, CREDIT_LINE]);
  await putUnder(worker, customer.orgId, 'limited');

  await spend(told(customer, 1), '3.00');
  const refused = gateway.hold(told(customer, 1), '0.01');

  await expect(refused).rejects.toMatchObject({ code: 'insufficient_credit' });
  await expect(refused).rejects.toThrow(
    `locked until the overdue invoice of this organization is paid. Pay it at ${PAY_LINK}`,
  );
  expect(await leftOf(customer)).toEqual({ included: 5, pack: 0, credit_line: 100 });
});

test('a stopped organization gets no lease, and is told where to pay', async () => {
  const customer = await newCustomer(admin, [PACK]);
  await putUnder(worker, customer.orgId, 'stopped');

  const refused = gateway.hold(told(customer, 1), '0.01');

  await expect(refused).rejects.toMatchObject({ code: 'organization_stopped' });
  await expect(refused).rejects.toThrow(`an invoice is overdue. Pay it at ${PAY_LINK}; service returns at once`);
});

test('included credit that was leased before is not spent after, but by the request that had set it aside', async () => {
  const customer = await newCustomer(admin, [INCLUDED, PACK]);
  const admitted = await gateway.hold(customer, '0.20');
  const other = await gateway.hold(customer, '0.10');
  await putUnder(worker, customer.orgId, 'limited');

  const next = await gateway.hold(told(customer, 1), '0.40');
  gateway.leases.release(other); // free on the lease that was cut before

  expect([await sourcesOf(admitted), await sourcesOf(next)]).toEqual([['included'], ['pack']]);
  expect(gateway.leases.extend(admitted, nano(1))).toBe(false);
  await gateway.settle(customer, admitted, '0.15');
  await gateway.settle(customer, next, '0.40');
  await gateway.leases.close();
  expect(await leftOf(customer)).toEqual({ included: 4.85, pack: 2.6 });
});

test('a gateway that has heard nothing cannot make an earlier lease grow', async () => {
  const customer = await newCustomer(admin, [INCLUDED, PACK]);
  const admitted = await gateway.hold(customer, '0.20');
  await putUnder(worker, customer.orgId, 'limited');

  const next = await gateway.hold(customer, '2.00');

  expect(next.lease.id).not.toBe(admitted.lease.id);
  expect(await sourcesOf(next)).toEqual(['pack']);
  gateway.leases.release(admitted);
  gateway.leases.release(next);
});

test('nobody is served from a lease in hand by a PostgreSQL that has stopped the organization', async () => {
  const customer = await newCustomer(admin, [PACK]);
  const admitted = await gateway.hold(customer, '0.01'); // and seven more like it are in hand
  await putUnder(worker, customer.orgId, 'stopped');

  await expect(gateway.hold(customer, '1.00')).rejects.toMatchObject({ code: 'organization_stopped' });
  await expect(gateway.hold(customer, '0.01')).rejects.toMatchObject({ code: 'organization_stopped' });

  await gateway.settle(customer, admitted, '0.01');
});

test('what a stream needs beyond its lease it gets from what was bought', async () => {
  const customer = await newCustomer(admin, [INCLUDED, PACK]);
  const stream = await gateway.hold(customer, '0.20');
  await putUnder(worker, customer.orgId, 'limited');

  await gateway.leases.acquireMore(told(customer, 1), stream, exactly(500_000_000n));
  await gateway.leases.bringHome(stream);
  await gateway.settle(customer, stream, '0.70');
  await gateway.leases.close();

  expect(await leftOf(customer)).toEqual({ included: 4.8, pack: 2.5 });
});

test('a lease that was cut while the stage changed is given back by whoever has heard of the change', async () => {
  const customer = await newCustomer(admin, [INCLUDED, PACK]);
  const lock = await admin.connect();
  await lock.query('begin');
  await lock.query('select from organizations where id = $1 for update', [customer.orgId]);
  const unaware = gateway.hold(customer, '0.10');
  await until(() => someoneWaitsWith('take_credit'));
  const change = putUnder(worker, customer.orgId, 'limited');
  await until(() => someoneWaitsWith('for no key update'));
  const aware = gateway.hold(told(customer, 1), '0.10');

  await lock.query('rollback');
  lock.release();
  await change;

  for (const reservation of await Promise.all([unaware, aware])) {
    expect(await sourcesOf(reservation)).toEqual(['pack']);
    gateway.leases.release(reservation);
  }
});

test('what is held and would be locked on its return is not waited for', async () => {
  const customer = await newCustomer(admin, [INCLUDED]);
  const admitted = await gateway.hold(customer, '1.00');
  await putUnder(worker, customer.orgId, 'limited');

  await expect(gateway.hold(told(customer, 1), '0.50')).rejects.toMatchObject({ code: 'insufficient_credit' });

  gateway.leases.release(admitted);
});

test('once it has paid, an organization spends its included credit again, whatever it was refused a moment ago', async () => {
  const customer = await newCustomer(admin, [INCLUDED]);
  await putUnder(worker, customer.orgId, 'limited');
  await expect(gateway.hold(told(customer, 1), '0.50')).rejects.toMatchObject({ code: 'insufficient_credit' });

  await putUnder(worker, customer.orgId, 'none');
  await spend(told(customer, 2), '0.50');

  await gateway.leases.close();
  expect(await leftOf(customer)).toEqual({ included: 4.5 });
});

test('a recall brings an idle lease back at once', async () => {
  const customer = await newCustomer(admin, [INCLUDED, PACK]);
  gateway.leases.release(await gateway.hold(customer, '0.10'));
  await putUnder(worker, customer.orgId, 'limited');

  gateway.leases.recalled(customer.orgId);

  await until(async () => (await leftOf(customer)).included === 5);
});

test('a PostgreSQL that knows less than the gateway decides all the same, and is not asked without end', async () => {
  const customer = await newCustomer(admin, [INCLUDED]);

  await spend(told(customer, 7), '0.50');
  await spend(told(customer, 7), '0.50');

  await gateway.leases.close();
  expect(await leftOf(customer)).toEqual({ included: 4 });
});

async function someoneWaitsWith(text: string): Promise<boolean> {
  const { waits } = await oneRow<{ waits: boolean }>(
    admin,
    `select exists (select from pg_stat_activity where wait_event_type = 'Lock' and query like '%' || $1 || '%') as waits`,
    [text],
  );
  return waits;
}
