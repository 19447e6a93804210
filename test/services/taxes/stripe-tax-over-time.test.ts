// Tax that Stripe says on what takes time: renewals, upgrades, top-ups, debts whose ladder waits, and usage that is invoiced afterwards while
// gateways go on settling.
import { afterEach, beforeAll, expect, test } from '@jest/globals';
import { termsOf } from '../../../domain/plans.ts';
import { purchaseOrder } from '../../../domain/subscription.ts';
import { answerCardAsk } from '../../../services/payments/card-asks.ts';
import { askForCharge } from '../../../services/payments/charges.ts';
import { planOnSale } from '../../../services/plans/plan-versions.ts';
import { newId } from '../../../services/platform/ids.ts';
import { inTransaction } from '../../../services/platform/postgres.ts';
import { orderInvoice } from '../../../services/subscriptions/invoices-of-plans.ts';
import { queueMailsAhead } from '../../../services/subscriptions/mails-ahead.ts';
import {
  type PlanCommand,
  Subscriptions,
  type SubscriptionView,
} from '../../../services/subscriptions/subscriptions.ts';
import { setTaxRegime } from '../../../services/taxes/taxes.ts';
import { control, faultOnAllTries, noMoreFaults } from '../../fake-stripe/stripe-client.ts';
import { giveCard } from '../payments/billed-customer.ts';
import { openTill } from '../payments/till.ts';
import { RunningLow } from '../top-ups/running-low.ts';
import { CALCULATE, livesIn, soldTo, taxedByStripe, taxOwed } from './taxed-by-stripe.ts';

const till = await openTill();
const low = new RunningLow(till);
const subscriptions = new Subscriptions(till.db);

beforeAll(async () => {
  await low.begin();
  await till.admin.query(
    `create or replace function billing_moment() returns timestamptz language sql stable as 'select at from stopped_clock'`,
  );
  await taxedByStripe(till);
});
afterEach(async () => {
  await noMoreFaults(till.stripeUrl);
  await till.admin.query('select expire_grants()');
  expect(await till.differences()).toEqual([]);
});

/** Whose first period is paid, and who lives in Germany. */
async function subscriber(plan: 'pro' | 'team' = 'pro', months: 1 | 12 = 1): Promise<{ orgId: string; id: string }> {
  const [orgId, id] = [await till.newOrganization(), newId()];
  await livesIn(till, orgId, 'DE');
  await giveCard(till, orgId, `pm_card_visa~${newId()}`);
  const invoiceId = await inTransaction(till.db, async (tx) => {
    const terms = termsOf(await planOnSale(tx, plan, Date.now()), months);
    return orderInvoice(tx, { orgId, subscriptionId: id, order: purchaseOrder('first', terms, terms.priceCents) });
  });
  await askForCharge(till, invoiceId, 1);
  return { orgId, id };
}

/** What its workflow would do, until it waits for time, or has asked in vain. */
async function work(id: string): Promise<SubscriptionView> {
  for (let round = 0; round < 5; round++) {
    const view = await subscriptions.tick(id);
    if (view.asks.length === 0) return view;
    for (const ask of view.asks) await answerCardAsk(till, ask);
  }
  return subscriptions.tick(id);
}

function command(id: string, wanted: PlanCommand): Promise<unknown> {
  return subscriptions.command(id, { ...wanted, actor: 'test', reason: 'test', requestId: newId() });
}

test('each renewal is taxed by the address of its day, and an upgrade on what it costs after the credit for what it cuts', async () => {
  const { orgId, id } = await subscriber();
  await low.pass('1 month');
  await livesIn(till, orgId, 'FR');
  await work(id);
  await low.pass('15 days');

  await command(id, { command: 'changePlan', plan: 'team', months: 1 });
  await work(id);

  expect(await soldTo(till, orgId)).toEqual([
    'invoice 1900+361 paid',
    'invoice 1900+380 paid',
    'invoice 8920+1784 paid', // 99.00 less 16 of 31 days
  ]);
  expect(await taxOwed(till, orgId)).toBe(361 + 380 + 1_784);
});

test('a renewal whose tax Stripe cannot say for days is no debt: nobody is asked, dunned or limited, and it is paid when Stripe is back', async () => {
  const { orgId, id } = await subscriber();
  await low.pass('1 month');
  await faultOnAllTries(till.stripeUrl, CALCULATE, 'drop_before');
  const views = [await work(id)];
  await noMoreFaults(till.stripeUrl);
  await livesIn(till, orgId, null);
  for (let day = 0; day < 20; day++) {
    await low.pass('1 day');
    views.push(await work(id));
  }
  const cases = await till.admin.query('select from dunnings where org_id = $1', [orgId]);
  const stage = await till.admin.query('select overdue_stage as stage from organizations where id = $1', [orgId]);

  await livesIn(till, orgId, 'DE');
  await low.pass('1 day');
  const after = await work(id);

  expect(new Set(views.map(({ phase, plan }) => `${phase} ${plan}`))).toEqual(new Set(['paying pro']));
  expect(views.at(-1)?.attention).toContain('address');
  expect([cases.rowCount, stage.rows[0].stage]).toEqual([0, 'none']);
  expect([after.phase, after.attention]).toEqual(['active', null]);
  expect(await soldTo(till, orgId)).toEqual(['invoice 1900+361 paid', 'invoice 1900+361 paid']);
});

test('a renewal that was declined goes on asking for the tax that it was ordered with, wherever its customer moves', async () => {
  const { orgId, id } = await subscriber();
  await giveCard(till, orgId, `pm_fake_declines_insufficient_funds~${newId()}`);
  await low.pass('1 month');
  const declined = await work(id);
  await livesIn(till, orgId, 'FR');
  await inTransaction(till.db, (tx) => setTaxRegime(tx, { kind: 'none' }, 'test'));
  await low.pass('1 second');
  await giveCard(till, orgId, `pm_card_visa~${newId()}`);

  await answerCardAsk(till, { kind: 'charge', invoiceId: declined.invoiceId ?? '', attempt: 2 });
  await taxedByStripe(till);

  expect(declined.phase).toBe('past_due');
  expect(await soldTo(till, orgId)).toEqual(['invoice 1900+361 paid', 'invoice 1900+361 paid']);
});

test('a debt that moves to another invoice whose tax Stripe cannot say is not declined again, and is paid with its tax when it can', async () => {
  const { orgId, id } = await subscriber();
  await giveCard(till, orgId, `pm_fake_declines_insufficient_funds~${newId()}`);
  await low.pass('1 month');
  await work(id);
  await giveCard(till, orgId, `pm_card_visa~${newId()}`);
  await control(till.stripeUrl, 'fault', { answer: CALCULATE, fault: 'drop_before', count: 100 });

  await command(id, { command: 'changePlan', plan: 'team', months: 1 });
  const waiting = await work(id);
  const before = await soldTo(till, orgId);
  await noMoreFaults(till.stripeUrl);
  await low.pass('1 hour');
  const after = await work(id);

  expect([waiting.phase, after.phase, after.plan]).toEqual(['paying', 'active', 'team']);
  expect(before).toEqual(['invoice 1900+361 paid', 'invoice 1900+361 expired']);
  expect(await soldTo(till, orgId)).toEqual([...before, 'invoice 9900+1881 paid']);
  const { rows } = await till.admin.query('select closed from dunnings where org_id = $1', [orgId]);
  expect(rows).toEqual([{ closed: 'void' }]);
});

test('a top-up is ordered net and charged with its tax; while Stripe cannot say it the top-up waits, and none is beside it', async () => {
  const customer = await low.customer('4.000', `pm_card_visa~${newId()}`);
  const { asks } = await low.topUps.tick(customer.orgId);

  for (const ask of asks) await answerCardAsk(till, ask);
  const waiting = [await soldTo(till, customer.orgId), await low.declinesInARow(customer)];
  await livesIn(till, customer.orgId, 'DE');
  await low.pass('1 day');
  await low.work(customer);

  expect(waiting).toEqual([['top_up 2500+0 open'], 0]);
  expect(await soldTo(till, customer.orgId)).toEqual(['top_up 2500+475 paid']);
  expect(await low.balanceOf(customer)).toBe('29.000000');
  const { rows } = await till.admin.query(
    `select facts ->> 'amountCents' as cents from notifications where org_id = $1 and kind = 'top_up_done'`,
    [customer.orgId],
  );
  expect(rows).toEqual([{ cents: '2975' }]);
});

test('who is told of a year to come, or of a plan that he will have, is told the price and that tax comes on top', async () => {
  const { orgId, id } = await subscriber('team', 12);
  await till.admin.query('update billing_details set billing_email = $2 where org_id = $1', [orgId, 'a@example.com']);
  await command(id, { command: 'changePlan', plan: 'pro', months: 12 });
  await low.pass('358 days');

  await queueMailsAhead(till.db);

  const { rows } = await till.admin.query(
    `select kind, coalesce(facts -> 'renewal', facts) - array['terms', 'currency', 'at', 'renewsAt', 'cardLastFour'] as told
       from notifications where org_id = $1 and kind in ('plan_changed', 'renewal_ahead') order by kind`,
    [orgId],
  );
  expect(rows).toEqual([
    { kind: 'plan_changed', told: { amountCents: 19_000, plusTax: true } },
    { kind: 'renewal_ahead', told: { amountCents: 19_000, plusTax: true } },
  ]);
});
