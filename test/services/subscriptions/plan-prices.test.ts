// What a plan that was bought makes of prices and rates, from its first payment to after its end.
import { afterEach, expect, test } from '@jest/globals';
import { issueGrant, oneRow } from '../../support/bare-gateway.ts';
import { type Customer, openPlanShop } from './plan-shop.ts';

const shop = await openPlanShop();

afterEach(async () => {
  expect(await shop.differences()).toEqual([]);
});

/** Left of all credit, in dollars. */
async function left({ orgId }: Customer): Promise<number> {
  const { usd } = await oneRow<{ usd: string }>(
    shop.admin,
    'select (balance_nano / 1e9)::numeric(12, 4)::text as usd from balance_of($1)',
    [orgId],
  );
  return Number(usd);
}

async function standing({ orgId }: Customer): Promise<string> {
  const { what } = await oneRow<{ what: string }>(
    shop.admin,
    `select concat_ws(', ', plan_version_id, rate_tier, seats) as what from organizations where id = $1`,
    [orgId],
  );
  return what;
}

test('Pro pays list price beyond its included credit, and with Team nine tenths from the moment of the upgrade', async () => {
  const customer = await shop.customer('pro', 1, '2040-03-10T00:00:00Z');
  await issueGrant(shop.admin, customer.orgId, { usd: '50', source: 'pack' });

  await shop.use(customer, '26');
  const beyondPro = await left(customer);
  await shop.advanceTo('2040-03-11T00:00:00Z');
  await shop.command(customer, { command: 'changePlan', plan: 'team', months: 1 });
  await shop.use(customer, '121');

  expect(beyondPro).toBe(49);
  expect(await left(customer)).toBe(48.1);
});

test('a rate tier that somebody chose outlasts every change of plan', async () => {
  const customer = await shop.customer('pro', 1, '2040-03-12T00:00:00Z');
  await shop.admin.query(`update organizations set rate_tier = 'very_high', rate_tier_by_hand = true where id = $1`, [
    customer.orgId,
  ]);

  await shop.advanceTo('2040-03-13T00:00:00Z');
  await shop.command(customer, { command: 'changePlan', plan: 'team', months: 1 });

  expect(await standing(customer)).toBe('team-1, very_high, 5');
});

test('while an invoice is overdue included credit is locked, and what is bought is beyond it', async () => {
  const customer = await shop.customer('team', 1, '2040-03-14T00:00:00Z');
  await issueGrant(shop.admin, customer.orgId, { usd: '50', source: 'pack' });
  await shop.admin.query(
    `update organizations set overdue_stage = 'limited', enforcement_seq = enforcement_seq + 1 where id = $1`,
    [customer.orgId],
  );

  await shop.use(customer, '1');

  expect(await left(customer)).toBe(49.1);
});

test('Team pays nine tenths beyond its included credit, and a twentieth more than list once it has ended', async () => {
  const customer = await shop.customer('team', 1, '2040-03-15T00:00:00Z');
  await issueGrant(shop.admin, customer.orgId, { usd: '50', source: 'pack' });

  await shop.use(customer, '121');
  const duringTeam = [await left(customer), await standing(customer)];
  await shop.command(customer, { command: 'cancel' });
  await shop.advanceTo('2040-04-15T00:00:00Z');
  await shop.use(customer, '1');

  expect(duringTeam).toEqual([49.1, 'team-1, high, 5']);
  expect([await left(customer), await standing(customer)]).toEqual([48.05, 'pay_as_you_go-1, standard, 1']);
});
