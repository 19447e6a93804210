// A database is restored from a backup, and 25 hours of billing are lost with it: renewals, packs, a refund, and what somebody bought for the first
// time. Stripe has forgotten the keys of all of it by then. Each is in the books once, nobody is charged twice, and no number is given twice.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Client } from '@temporalio/client';
import type { Pool } from 'pg';
import { openCheckout } from '../../../services/payments/checkouts.ts';
import { packPurchase, planPurchase } from '../../../services/payments/purchases.ts';
import { Subscriptions } from '../../../services/subscriptions/subscriptions.ts';
import { deliverPoke } from '../../../workers/process-relay.ts';
import { SEARCH_ATTRIBUTES } from '../../../workflows/contracts/search-attributes.ts';
import { ledgerOf, submit } from '../../fake-stripe/stripe-client.ts';
import { oneRow } from '../../support/bare-gateway.ts';
import { startThrowawayTemporal, type ThrowawayTemporal } from '../../support/throwaway-temporal.ts';
import { until } from '../../support/until.ts';
import { type Books, differences, openLostDays } from './lost-days.ts';

const RENEWALS = 20;
const JUST_BEFORE_RENEWALS_H = 27 * 24;
const AFTER_RENEWALS_H = 32 * 24;
const RESTORED_H = AFTER_RENEWALS_H + 25;

const days = await openLostDays();
const { till } = days;
let temporal: ThrowawayTemporal;
let client: Client;
let restored: Books;
let object: string;
let newcomer: string;
let upgraded: string;
let capturedBefore: number;

beforeAll(async () => {
  temporal = await startThrowawayTemporal(SEARCH_ATTRIBUTES);
  client = new Client({ connection: temporal.environment.connection, namespace: temporal.namespace });
  const orgs: string[] = [];
  for (let n = 0; n < RENEWALS; n += 1) orgs.push(await days.subscribe());
  const [first = '', second = '', third = '', fourth = ''] = orgs;
  upgraded = third;
  await days.reach(days, JUST_BEFORE_RENEWALS_H);
  const unused = await till.pay(first, 'pack_10');
  await till.record(unused.paymentIntent);
  object = await days.take('before-it-was-lost');

  await days.reach(days, AFTER_RENEWALS_H);
  await days.renew(days);
  for (const orgId of [first, second]) await till.record((await till.pay(orgId, 'pack_50')).paymentIntent);
  await days.refund(unused.paymentId);
  await days.upgrade(third);
  await days.topUp(fourth);
  newcomer = await buysFirstMonth();
  await tellWorkflows(days.admin);
  capturedBefore = await captured();

  restored = await days.restored(object);
  await days.reach(restored, RESTORED_H);
}, 180_000);
afterAll(() => temporal.stop());

/** Of an organization that the backup has never heard of. */
async function buysFirstMonth(): Promise<string> {
  const orgId = await till.newOrganization();
  const { url } = await openCheckout(till, planPurchase(orgId, 'pro', 1, 'test'));
  await submit(url, { payment_method: 'pm_card_visa' });
  const { payment_intent: intent } = await till.sdk.checkout.sessions.retrieve(url.slice(url.lastIndexOf('/') + 1));
  await till.record(String(intent));
  return orgId;
}

/** Each subscription has one that runs. */
async function tellWorkflows(db: Pool): Promise<void> {
  const { rows } = await db.query<{ id: string }>(`select id from subscriptions where phase <> 'ended'`);
  for (const { id } of rows) await deliverPoke(client, { process: 'subscription', subject: id });
  await until(async () => (await running()) === rows.length);
}

async function running(): Promise<number> {
  return (await client.workflow.count(`ExecutionStatus = 'Running'`)).count;
}

async function captured(): Promise<number> {
  const all = Object.values(await ledgerOf(till.stripeUrl));
  return all.reduce((sum, one) => sum + one.captured - one.refunded, 0);
}

test('while the hold stands nobody is charged, given back, sold anything or written to, and that is no failure', async () => {
  const { db, stripe, admin } = restored;

  await days.renew(restored);
  const [asked] = (await admin.query<{ id: string }>(`select id from subscriptions where phase = 'paying' limit 1`))
    .rows;
  const sold = openCheckout(
    { db, stripe, publicUrl: till.publicUrl },
    packPurchase(await firstOrg(), 'pack_10', 'test'),
  );

  await expect(sold).rejects.toMatchObject({ code: 'payment_provider_unavailable' });
  expect(await captured()).toBe(capturedBefore);
  expect((await new Subscriptions(db).tick(asked?.id ?? '')).asks).toEqual([]);
});

async function firstOrg(): Promise<string> {
  return (await oneRow<{ id: string }>(restored.admin, 'select id from organizations order by created_at limit 1')).id;
}

test('reconciled, all that was captured is in the books once, and nobody is charged or given back again', async () => {
  const first = await days.reconciled(restored, temporal);
  await days.renew(restored);
  const again = await days.reconciled(restored, temporal);

  expect(first).toMatch(/^cleared: the books have all of it, epoch \d+$/);
  expect(again).toBe('cleared: no hold stands');
  expect(await captured()).toBe(capturedBefore);
  expect(await counted(restored)).toEqual({ ...(await counted(days)), organizations: RENEWALS + 1 });
  expect(await differences(restored, till.stripeUrl)).toEqual([]);
});

/** What was paid and went back, by what it was for. */
async function counted({ admin }: Books): Promise<object> {
  return oneRow(
    admin,
    `select (select count(*)::int from payments p join invoices i on i.id = p.invoice_id where p.state = 'paid' and i.name like 'period:%') as renewals,
            (select count(*)::int from payments where state = 'paid' and pack = 'pack_50') as packs,
            (select count(*)::int from payments where state = 'paid' and purpose = 'top_up') as "topUps",
            (select count(*)::int from payments p join invoices i on i.id = p.invoice_id
              where p.state = 'paid' and i.name like 'purchase:%' and i.bought #>> '{terms,planVersionId}' = 'team-1') as upgrades,
            (select count(*)::int from refunds where state = 'succeeded') as refunds,
            (select count(*)::int from subscriptions where phase = 'active') as subscriptions,
            (select sum(amount_nano)::text from ledger_entries where account = 'stripe_clearing') as clearing,
            (select count(*)::int from organizations) as organizations`,
  );
}

test('each thing that was found is noted and audited once', async () => {
  const { rows } = await restored.admin.query<{ what: string; count: number; audited: number }>(
    `select what, count(*)::int as count,
            (select count(*)::int from audit_log where action = 'billing_hold.' || what) as audited from restore_findings group by what order by what`,
  );

  expect(rows).toEqual([
    { what: 'customer_adopted', count: 1, audited: 1 },
    { what: 'organization_recreated', count: 1, audited: 1 },
    { what: 'payment_adopted', count: RENEWALS + 5, audited: RENEWALS + 5 },
    { what: 'refund_adopted', count: 1, audited: 1 },
    { what: 'workflows_terminated', count: 1, audited: 1 },
  ]);
});

test('workflows of the lost days are gone, and each row that goes on asks for another', async () => {
  const { rows } = await restored.admin.query<{ process: string }>(
    `select process from process_pokes where process = 'subscription'`,
  );

  expect(await running()).toBe(0);
  expect(rows).toHaveLength(RENEWALS + 1);
});

test('who bought his first month in those days has it, and an organization that staff can give back to him', async () => {
  const [row] = (
    await restored.admin.query(
      `select o.name, s.phase, s.plan_version_id as plan from organizations o join subscriptions s on s.org_id = o.id where o.id = $1`,
      [newcomer],
    )
  ).rows;

  expect(row).toEqual({ name: `Restored ${newcomer.slice(-8)}`, phase: 'active', plan: 'pro-1' });
});

test('who moved to a larger plan in those days has it', async () => {
  const plan = await oneRow(restored.admin, 'select plan_version_id as plan from organizations where id = $1', [
    upgraded,
  ]);

  expect(plan).toEqual({ plan: 'team-1' });
});

test('no number is given that was given in the lost days', async () => {
  const numbers = async ({ admin }: Books) =>
    (await admin.query<{ n: string }>(`select org_id || series || '-' || number as n from receipts`)).rows.map(
      ({ n }) => n,
    );
  const before = new Set(await numbers(days));
  const given = await numbers(restored);
  const common = given.filter((number) => before.has(number));

  // Those of the backup itself.
  expect(common).toHaveLength(RENEWALS + 1);
  expect(given).toHaveLength(RENEWALS + 1 + RENEWALS + 5);
});

test('where nobody has reconciled, the intent of an invoice is found before another one is made', async () => {
  const forgetful = await days.restored(object);
  await forgetful.admin.query('update billing_holds set cleared_at = clock_timestamp()');
  await days.reach(forgetful, RESTORED_H);

  await days.renew(forgetful);

  expect(await captured()).toBe(capturedBefore);
  expect(await counted(forgetful)).toMatchObject({ renewals: RENEWALS, packs: 0, subscriptions: RENEWALS });
});

test('the day after, a renewal is charged as ever', async () => {
  await days.reach(restored, RESTORED_H + 32 * 24);

  await days.renew(restored);

  expect(await captured()).toBe(capturedBefore + RENEWALS * 1_900 + 9_900);
  expect(await differences(restored, till.stripeUrl)).toEqual([]);
});

test('PostgreSQL has recovered to a point in time by itself: the command holds billing first, finds nothing more, and clears it', async () => {
  const { now } = await oneRow<{ now: Date }>(restored.admin, 'select clock_timestamp() as now');
  const before = await counted(restored);

  const said = await days.reconciled(restored, temporal, now);

  expect(said).toMatch(/^cleared: the books have all of it, epoch \d+$/);
  expect(await counted(restored)).toEqual(before);
  expect((await restored.admin.query('select from billing_holds where cleared_at is not null')).rowCount).toBe(2);
});
