// What becomes of the money of a plan that ends because its organization becomes an enterprise: what is unused of it is credited once, as an upgrade would
// count it, and what is under way is paid as it was begun.
import { expect, test } from '@jest/globals';
import { openBareGateway } from '../../support/bare-gateway.ts';
import { openPlanShop } from '../subscriptions/plan-shop.ts';
import { Conversions } from './conversions.ts';
import { Desk, EVE, PREPAID } from './desk.ts';

const shop = await openPlanShop();
const desk = new Desk(shop.db, shop.admin);
const conversions = new Conversions(shop, desk);

test('who has used nearly all of its credit is credited what is left of that, however much of the month is', async () => {
  const { id, customer } = await conversions.approved();
  await shop.use(customer, '24');

  await desk.look(id);

  // 19.00 for 25.00 of credit, of which 1.00 is left.
  expect(await conversions.standing(customer)).toMatchObject({ plan: 'enterprise', credit: '760000000' });
});

test('of a year what is still deferred comes over with what is unused', async () => {
  const now = await shop.now();
  const first = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1));
  const customer = await shop.customer('team', 12, first.toISOString());
  const id = await desk.applied(customer.orgId, await desk.owner(customer.orgId));
  await desk.decides(EVE, id, { terms: PREPAID });

  const { stage } = await desk.look(id);

  const { rows } = await desk.admin.query<{ deferred: string }>(
    `select coalesce(sum(amount_nano), 0)::text as deferred from ledger_entries where account = 'deferred_plan' and org_id = $1`,
    [customer.orgId],
  );
  expect([stage, rows[0]?.deferred]).toEqual(['active', '0']);
  expect(await conversions.standing(customer)).toMatchObject({ plan: 'enterprise', credit: '990000000000', line: '0' });
  expect(await shop.differences()).toEqual([]);
});

test('a request that is under way meanwhile is paid at the price of before, from what it had set aside', async () => {
  const { id, customer } = await conversions.approved();
  const gateway = await openBareGateway(shop.database);
  const underWay = await gateway.hold(customer, '5');
  const { stage } = await desk.look(id);
  const standing = await conversions.standing(customer);

  await gateway.settle(customer, underWay, '5');
  await gateway.close();

  const { rows } = await desk.admin.query(
    'select charge_nano::text as charge, due_nano::text as due from usage_records where org_id = $1',
    [customer.orgId],
  );
  expect([stage, rows]).toEqual(['active', [{ charge: '5000000000', due: '5000000000' }]]);
  expect(await conversions.standing(customer)).toEqual(standing);
});

test('and the ledger is as it should be', async () => {
  await desk.admin.query('select expire_grants()');

  expect(await shop.differences()).toEqual([]);
});
