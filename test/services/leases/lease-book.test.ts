// What a gateway does with credit that it has, and with credit that it lost sight of, against a real PostgreSQL.
import { expect, test } from '@jest/globals';
import { nano } from '../../../domain/nano.ts';
import { reservedAmount } from '../../../services/leases/lease.ts';
import { type Customer, issueGrant, newCustomer, oneRow, openBareGateway } from '../../support/bare-gateway.ts';
import { ownDatabase } from '../../support/own-database.ts';
import { until } from '../../support/until.ts';

const { database, admin } = await ownDatabase();

interface Balance {
  readonly available: string;
  readonly reserved: string;
  readonly overdraft: string;
}

const balanceOf = (customer: Customer) =>
  oneRow<Balance>(
    admin,
    `select b.available_nano as available, b.reserved_nano as reserved, o.overdraft_nano as overdraft
       from balance_of($1) b, organizations o where o.id = $1`,
    [customer.orgId],
  );

const exactly = (amount: bigint) => ({ floor: nano(amount), preferred: nano(amount), wish: nano(amount) });

test('a stream that outgrew its replaced lease is paid by what it got from the next one, not by an overdraft', async () => {
  const customer = await newCustomer(admin, [{ usd: '1.00' }]);
  const gateway = await openBareGateway(database);
  const reservation = await gateway.hold(customer, '0.40');
  reservation.lease.canGrow = false; // as after an answer that was lost

  await gateway.leases.acquireMore(customer, reservation, exactly(600_000_000n));
  const reserved = reservedAmount(reservation);
  await gateway.leases.bringHome(reservation);
  await gateway.settle(customer, reservation, '1.00');
  await gateway.close();

  expect(reserved).toBe(nano(1_000_000_000n));
  expect(await balanceOf(customer)).toEqual({ available: '0', reserved: '0', overdraft: '0' });
});

test('what a stream got from a later lease is nobody else`s while it runs', async () => {
  const customer = await newCustomer(admin, [{ usd: '1.00' }]);
  const gateway = await openBareGateway(database);
  const reservation = await gateway.hold(customer, '0.40');
  reservation.lease.canGrow = false;
  await gateway.leases.acquireMore(customer, reservation, exactly(600_000_000n));

  expect(gateway.leases.extend(reservation, nano(1))).toBe(false);
  await expect(gateway.hold(customer, '0.10')).rejects.toMatchObject({ code: 'credit_in_use' });

  gateway.leases.release(reservation);
  await gateway.close();
  expect((await balanceOf(customer)).available).toBe('1000000000');
});

test('what is in hand and what is available together serve a request that neither covers alone', async () => {
  const customer = await newCustomer(admin, [{ usd: '0.10' }]);
  const gateway = await openBareGateway(database);
  gateway.leases.release(await gateway.hold(customer, '0.06'));

  const reservation = await gateway.hold(customer, '0.10');

  expect(reservation.amount).toBe(nano(100_000_000n));
  gateway.leases.release(reservation);
  await gateway.close();
});

test('a gateway that closes waits for the lease transaction under way and leaves nothing behind', async () => {
  const customer = await newCustomer(admin, [{ usd: '100.00' }]);
  const gateway = await openBareGateway(database);
  const lock = await admin.connect();
  gateway.leases.release(await gateway.hold(customer, '0.01'));
  await lock.query('begin');
  await lock.query('select from organizations where id = $1 for update', [customer.orgId]);
  gateway.leases.release(await gateway.hold(customer, '0.05')); // more than half of what is in hand: it is renewed
  await until(async () => (await admin.query(WAITS_FOR_CREDIT)).rowCount === 1);

  const closed = gateway.close();
  await lock.query('rollback');
  lock.release();
  await closed;

  expect(await balanceOf(customer)).toEqual({ available: '100000000000', reserved: '0', overdraft: '0' });
});

test('a debt is repaid by the credit that comes back, before that can expire', async () => {
  const customer = await newCustomer(admin, [{ usd: '1.00' }]);
  const [holding, overshooting] = [await openBareGateway(database), await openBareGateway(database)];
  const held = await holding.hold(customer, '0.90');
  await overshooting.settle(customer, await overshooting.hold(customer, '0.10'), '0.14');
  const inDebt = await balanceOf(customer);

  holding.leases.release(held);
  await holding.close();
  await overshooting.close();

  expect(inDebt.overdraft).toBe('40000000');
  expect(await balanceOf(customer)).toEqual({ available: '860000000', reserved: '0', overdraft: '0' });
});

test('a lease goes back only when what was settled on it is in PostgreSQL', async () => {
  const customer = await newCustomer(admin, [{ usd: '1.00' }]);
  const gateway = await openBareGateway(database);
  const { leases } = gateway;
  const reservation = await gateway.hold(customer, '0.10');
  leases.settle(reservation, nano(100_000_000n));

  leases.recalled(customer.orgId);
  await leases.close();
  const before = await openLeases(customer);
  leases.confirmed(reservation.lease);
  await leases.close();

  expect([before, await openLeases(customer)]).toEqual([1, 0]);
  await gateway.close();
});

test('what is on its way back to its grant is nobody`s to reserve', async () => {
  const customer = await newCustomer(admin, [{ usd: '1.00' }]);
  const gateway = await openBareGateway(database);
  const reservation = await gateway.hold(customer, '0.06');
  const spare = nano(reservation.lease.amount - reservation.amount);
  expect((await balanceOf(customer)).reserved).toBe(String(reservation.lease.amount));

  gateway.leases.recalled(customer.orgId);

  expect(gateway.leases.reserve(customer, exactly(spare))).toBeNull();
  await until(async () => (await balanceOf(customer)).reserved === '60000000');
  gateway.leases.release(reservation);
  await gateway.close();
});

test('who was refused for lack of credit is served the moment that credit arrives', async () => {
  const customer = await newCustomer(admin, [{ usd: '0.01' }]);
  const gateway = await openBareGateway(database);
  await expect(gateway.hold(customer, '0.05')).rejects.toMatchObject({ code: 'insufficient_credit' });
  await issueGrant(admin, customer.orgId, { usd: '1.00' });

  gateway.leases.creditArrived(customer.orgId);

  gateway.leases.release(await gateway.hold(customer, '0.05'));
  await gateway.close();
});

test('a lease that lost an answer of PostgreSQL grows no more: another takes its place', async () => {
  const customer = await newCustomer(admin, [{ usd: '1.00' }]);
  const gateway = await openBareGateway(database);
  const first = await gateway.hold(customer, '0.01');
  gateway.leases.release(first);

  await whileHeld(customer, async () => {
    const unanswered = gateway.hold(customer, '0.50');
    await until(async () => (await admin.query(WAITS_FOR_CREDIT)).rowCount === 1);
    await admin.query(`select pg_terminate_backend(pid) from (${WAITS_FOR_CREDIT.replace('from', 'pid from')}) waits`);
    await expect(unanswered).rejects.toMatchObject({ code: 'service_unavailable' });
  });
  const next = await gateway.hold(customer, '0.50');

  expect(next.lease.id).not.toBe(first.lease.id);
  gateway.leases.release(next);
  await gateway.close();
  expect(await balanceOf(customer)).toEqual({ available: '1000000000', reserved: '0', overdraft: '0' });
});

test('credit that comes for a stream that has ended meanwhile is not kept for it', async () => {
  const customer = await newCustomer(admin, [{ usd: '1.00' }]);
  const gateway = await openBareGateway(database);
  const reservation = await gateway.hold(customer, '0.10');
  reservation.lease.canGrow = false;

  let more = Promise.resolve();
  await whileHeld(customer, async () => {
    more = gateway.leases.acquireMore(customer, reservation, exactly(500_000_000n));
    await until(async () => (await admin.query(WAITS_FOR_CREDIT)).rowCount === 1);
    gateway.leases.release(reservation);
  });
  await more;

  await gateway.close();
  expect(await balanceOf(customer)).toEqual({ available: '1000000000', reserved: '0', overdraft: '0' });
});

test('a stream grows on the lease that it was granted last, and on no other', async () => {
  const customer = await newCustomer(admin, [{ usd: '10.00' }]);
  const gateway = await openBareGateway(database);
  const reservation = await gateway.hold(customer, '0.10');
  reservation.lease.canGrow = false;
  await gateway.leases.acquireMore(customer, reservation, exactly(100_000_000n));
  const later = reservation.elsewhere?.at(-1);

  expect(gateway.leases.extend(reservation, nano(50_000_000n))).toBe(true);

  expect([reservation.lease.reserved, later?.lease.reserved]).toEqual([nano(100_000_000n), nano(150_000_000n)]);
  gateway.leases.release(reservation);
  await gateway.close();
});

test('nothing is admitted on a lease that has expired: another takes its place', async () => {
  const customer = await newCustomer(admin, [{ usd: '1.00' }]);
  const gateway = await openBareGateway(database);
  const first = await gateway.hold(customer, '0.05');
  gateway.leases.release(first);
  first.lease.expiresAtMs = gateway.incarnation.timeMs();

  const next = await gateway.hold(customer, '0.01');

  expect(next.lease.id).not.toBe(first.lease.id);
  gateway.leases.release(next);
  await gateway.close();
});

/** No lease transaction of this customer can end meanwhile. */
async function whileHeld({ orgId }: Customer, work: () => Promise<void>): Promise<void> {
  const lock = await admin.connect();
  await lock.query('begin');
  await lock.query('select from organizations where id = $1 for update', [orgId]);
  await work();
  await lock.query('rollback');
  lock.release();
}

async function openLeases({ orgId }: Customer): Promise<number> {
  const { rowCount } = await admin.query('select from leases where org_id = $1 and closed_at is null', [orgId]);
  return rowCount ?? 0;
}

const WAITS_FOR_CREDIT = `select from pg_stat_activity where wait_event_type = 'Lock' and query like '%take_credit%'`;
