// What requests cost beyond included credit: list price while it covers them, the plan's own rate after, split at the exact nano.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Nano, nano } from '../../../domain/nano.ts';
import { atRate } from '../../../domain/overage.ts';
import { newId } from '../../../services/platform/ids.ts';
import { type GrantWish, issueGrant, oneRow, openBareGateway, rowsOf } from '../../support/bare-gateway.ts';
import { ownDatabase } from '../../support/own-database.ts';
import { included, PlanDesk, pack, spend } from './plan-desk.ts';

const M01 = '0.008755';

const { database, admin } = await ownDatabase();
const desk = new PlanDesk(admin);

test('M05: a request that straddles the end of included credit is split at the exact nano', async () => {
  const customer = await desk.customer('team-1', included('0.003'), pack('50'));
  const [includedGrant, packGrant] = customer.grantIds;
  const gateway = await openBareGateway(database);

  const requestId = await spend(gateway, customer, M01);
  await gateway.close();

  expect(await desk.costOf(requestId)).toEqual({
    rated: '8755000',
    beyond: '5755000',
    due: '8179500',
    charge: '8179500',
  });
  expect([await desk.spentOf(includedGrant), await desk.spentOf(packGrant)]).toEqual(['0.003000000', '0.005179500']);
  expect(await desk.findings()).toEqual([]);
});

test('M05 is the same for a request that has outgrown its lease, and takes the rest from the grants', async () => {
  const customer = await desk.customer('team-1', included('0.003'), pack('50'));
  const [includedGrant, packGrant] = customer.grantIds;
  const gateway = await openBareGateway(database);
  const held = await gateway.hold(customer, '0.000001');

  const requestId = newId();
  await gateway.settle(customer, held, M01, requestId);
  await gateway.close();

  expect(await desk.costOf(requestId)).toMatchObject({ beyond: '5755000', charge: '8179500' });
  expect([await desk.spentOf(includedGrant), await desk.spentOf(packGrant)]).toEqual(['0.003000000', '0.005179500']);
  expect(await desk.findings()).toEqual([]);
});

test.each([
  ['team-1', '0.007879500'],
  ['pro-1', '0.008755000'],
  ['pay_as_you_go-1', '0.009192750'],
  [null, '0.008755000'],
])('without included credit a request of 0.008755 costs an organization of plan %s exactly %s', async (plan, usd) => {
  const customer = await desk.customer(plan, pack('50'));
  const gateway = await openBareGateway(database);

  await spend(gateway, customer, M01, '0.02');
  await gateway.close();

  expect(await desk.spentOf(customer.grantIds[0])).toBe(usd);
  expect(await desk.findings()).toEqual([]);
});

test('M02: tiny calls beyond included credit are each rounded up once', async () => {
  const customer = await desk.customer('team-1', pack('1'));
  const gateway = await openBareGateway(database);
  const held = await gateway.hold(customer, '0.1');
  const calls = Array.from({ length: 500 }, () => rowsOf(customer, held.lease.id, nano(140), newId()));

  await desk.settle(gateway, calls, false);
  await gateway.abandon();

  expect(await desk.totalsOf(customer)).toEqual({ requests: 500, paid: String(500 * 126) });
});

test('included credit is list price whatever given credit burns before it, and what is bought is not', async () => {
  const promo: GrantWish = { usd: '0.002', source: 'promo', priority: 10, expiresIn: '1 day' };
  const customer = await desk.customer('team-1', promo, included('0.003'), pack('50'));
  const gateway = await openBareGateway(database);

  const requestId = await spend(gateway, customer, M01);
  await gateway.close();

  expect(await desk.costOf(requestId)).toMatchObject({ beyond: '3755000', charge: '8379500' });
  expect(await desk.findings()).toEqual([]);
});

test('new included credit is list price again, also for a key that was spending a pack', async () => {
  const customer = await desk.customer('team-1', included('0.001'), pack('50'));
  const gateway = await openBareGateway(database);
  await spend(gateway, customer, '0.02');
  await issueGrant(admin, customer.orgId, included('5'));

  for (let count = 0; count < 40; count += 1) await spend(gateway, customer, '0.02');
  await gateway.close();

  const { beyond } = await oneRow<{ beyond: string }>(
    admin,
    `select count(*) filter (where beyond_nano > 0)::text as beyond from usage_records where org_id = $1`,
    [customer.orgId],
  );
  expect(Number(beyond)).toBeLessThan(20);
  expect(await desk.findings()).toEqual([]);
});

test('a plan that changes counts for what is leased from then on, and what was set aside before keeps its rate', async () => {
  const customer = await desk.customer('pay_as_you_go-1', pack('50'));
  const gateway = await openBareGateway(database);
  const before = await gateway.hold(customer, '0.02');
  await desk.putOn(customer, 'team-1');
  gateway.leases.recalled(customer.orgId);

  const late = newId();
  const after = await spend(gateway, customer, M01, '1');
  await gateway.settle(customer, before, M01, late);
  await gateway.close();

  expect(await desk.costOf(late)).toMatchObject({ charge: '9192750' });
  expect(await desk.costOf(after)).toMatchObject({ charge: '7879500' });
  expect(await desk.findings()).toEqual([]);
});

test('the rate is rounded up by PostgreSQL as by the pure rule', async () => {
  const money = fc.bigInt({ min: 0n, max: 10n ** 15n });
  await fc.assert(
    fc.asyncProperty(money, fc.integer({ min: 1, max: 10_000_000 }), async (amount, ppm) => {
      const { sql } = await oneRow<{ sql: string }>(admin, 'select at_rate($1, $2) as sql', [amount, ppm]);
      expect(BigInt(sql)).toBe(atRate(amount as Nano, ppm) as bigint);
    }),
    { numRuns: 100 },
  );
});

test('a gateway counts what its lease has spent as PostgreSQL does: nothing of it is stranded, nothing spent twice', async () => {
  const customer = await desk.customer('team-1', included('0.003'), pack('50'));
  const gateway = await openBareGateway(database);
  const held = await gateway.hold(customer, '0.3');

  for (let count = 0; count < 5; count += 1) await spend(gateway, customer, '0.0087551');
  const { consumed } = await oneRow<{ consumed: string }>(
    admin,
    'select consumed_nano as consumed from leases where id = $1',
    [held.lease.id],
  );

  expect(String(held.lease.consumed)).toBe(consumed);
  await gateway.close();
});
