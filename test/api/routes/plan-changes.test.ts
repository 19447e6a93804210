// Whoever changes his plan is told what is true of his card: nobody is sent to his bank for what is not known, and nothing is said to be
// refused that may be paid at this moment.
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { settleCardAsks } from '../../../services/payments/card-asks.ts';
import { Subscriptions } from '../../../services/subscriptions/subscriptions.ts';
import { client, control, faultOnAllTries, noMoreFaults, submit } from '../../fake-stripe/stripe-client.ts';
import { until } from '../../support/until.ts';
import { type Answered, done, type ManagementApp, startManagementApp } from './management-app.ts';

let app: ManagementApp;
beforeAll(async () => {
  app = await startManagementApp();
});
afterAll(() => app.close());
beforeEach(() => noMoreFaults(app.stripe));

interface Subscriber {
  readonly orgId: string;
  readonly id: string;
}

/** The first month of Pro is paid with a card that its bank honours. */
async function subscriber(): Promise<Subscriber> {
  const orgId = done(await app.call('post', '/api/v1/organizations', { body: { name: 'Acme' } })).string('id');
  const path = `/api/v1/organizations/${orgId}/subscription-checkouts`;
  await submit(done(await app.call('post', path, { body: { plan: 'pro' } })).string('url'), {
    payment_method: 'pm_card_visa',
  });
  const first = async () => (await app.call('get', `/api/v1/organizations/${orgId}/subscriptions`)).field('data.0.id');
  await until(async () => (await first()) !== undefined && (await hasCards(orgId, 1)));
  return { orgId, id: String(await first()) };
}

async function hasCards(orgId: string, count: number): Promise<boolean> {
  const { rowCount } = await app.db.query('select from payment_methods where org_id = $1', [orgId]);
  return rowCount === count;
}

/** A month later his newest card is declined. */
async function pastDue(): Promise<Subscriber> {
  const customer = await subscriber();
  const { rows } = await app.db.query('select stripe_customer from stripe_customers where org_id = $1', [
    customer.orgId,
  ]);
  await client(app.stripe).paymentMethods.attach('pm_fake_declines_insufficient_funds', {
    customer: rows[0].stripe_customer,
  });
  await until(() => hasCards(customer.orgId, 2));
  await app.db.query(`select advance_billing_clock(billing_now() + interval '32 days')`);
  await new Subscriptions(app.worker).tick(customer.id);
  await settleCardAsks({ db: app.worker, stripe: app.api }, customer.id, 10_000);
  return customer;
}

function stripeIsSilent(question: string): Promise<void> {
  return faultOnAllTries(app.stripe, `POST /v1/payment_intents/*/${question}`, 'drop_before');
}

function changeTo(plan: 'pro' | 'team', months: 1 | 12, { id }: Subscriber): Promise<Answered> {
  return app.call('post', `/api/v1/subscriptions/${id}/plan-changes`, { body: { plan, months, reason: 'it grows' } });
}

function changeToTeam(customer: Subscriber): Promise<Answered> {
  return changeTo('team', 1, customer);
}

test('an upgrade whose outcome nobody knows is accepted, with an address that says later what came of it', async () => {
  const customer = await subscriber();
  await stripeIsSilent('confirm');

  const answer = await changeToTeam(customer);
  const askAt = String(answer.headers.get('location'));
  const meanwhile = await app.call('get', askAt);
  await noMoreFaults(app.stripe);
  await app.db.query(`select advance_billing_clock(billing_now() + interval '11 minutes')`);
  await settleCardAsks({ db: app.worker, stripe: app.api }, customer.id, 10_000);
  const later = await app.call('get', askAt);

  expect([answer.status, answer.field('outcome'), answer.field('payUrl')]).toEqual([202, 'pending', null]);
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  expect([meanwhile.status, meanwhile.field('outcome')]).toEqual([200, 'pending']);
  expect([later.field('outcome'), later.field('subscription.plan')]).toEqual(['changed', 'team']);
});

test('what was changed is in the audit log with its row, before anybody has asked the card', async () => {
  const customer = await subscriber();
  await control(app.stripe, 'fault', {
    answer: 'POST /v1/payment_intents/*/confirm',
    fault: 'delay_before',
    ms: 600_000,
  });

  const answer = changeToTeam(customer);
  await until(async () => (await auditOf(customer)).length > 0);
  const meanwhile = await auditOf(customer);
  await noMoreFaults(app.stripe);

  expect((await answer).field('outcome')).toBe('changed');
  expect(meanwhile).toEqual(['subscription.change_plan']);
  expect(await auditOf(customer)).toEqual(meanwhile);
});

async function auditOf({ id }: Subscriber): Promise<string[]> {
  const { rows } = await app.db.query<{ action: string }>(
    `select action from audit_log where target_id = $1 and target_kind = 'subscription' order by id`,
    [id],
  );
  return rows.map(({ action }) => action);
}

test('while the unpaid invoice may be being paid its plan is not changed, and that is what the caller is told, also later', async () => {
  const customer = await pastDue();
  const answers: Answered[] = [];

  await stripeIsSilent('cancel');
  answers.push(await changeTo('team', 1, customer));
  await stripeIsSilent('cancel');
  answers.push(await changeTo('pro', 12, customer));
  const { rows } = await app.db.query<{ id: string }>(
    'select request_id as id from process_commands where workflow_id = $1',
    [`subscription:${customer.id}`],
  );
  const later = await Promise.all(rows.map(({ id }) => app.call('get', `/api/v1/plan-changes/${id}`)));

  expect(answers.map(({ status }) => status)).toEqual([409, 409]);
  expect(answers.map((answer) => answer.field('code'))).toEqual(['payment_in_doubt', 'payment_in_doubt']);
  expect(later.map((answer) => answer.field('outcome'))).toEqual(['dropped', 'dropped']);
  expect((await app.call('get', `/api/v1/subscriptions/${customer.id}`)).field('phase')).toBe('past_due');
});
