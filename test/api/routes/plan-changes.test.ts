// Whoever changes his plan is told what is true of his card: nobody is sent to his bank for what is not known, and nothing is said to be
// refused that may be paid at this moment.
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { settleCardAsks } from '../../../services/payments/card-asks.ts';
import { Subscriptions } from '../../../services/subscriptions/subscriptions.ts';
import { client, faultOnAllTries, noMoreFaults, submit } from '../../fake-stripe/stripe-client.ts';
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

function changeToTeam({ id }: Subscriber): Promise<Answered> {
  return app.call('post', `/api/v1/subscriptions/${id}/plan-changes`, { body: { plan: 'team', reason: 'it grows' } });
}

test('an upgrade whose outcome nobody knows is pending, and nobody is sent to his bank', async () => {
  const customer = await subscriber();
  await stripeIsSilent('confirm');

  const answer = await changeToTeam(customer);

  expect([answer.status, answer.field('outcome'), answer.field('payUrl')]).toEqual([200, 'pending', null]);
});

test('while the unpaid invoice may be being paid its plan is not changed, and that is what the caller is told', async () => {
  const customer = await pastDue();
  await stripeIsSilent('cancel');

  const answer = await changeToTeam(customer);

  expect([answer.status, answer.field('code')]).toEqual([409, 'payment_in_doubt']);
  expect((await app.call('get', `/api/v1/subscriptions/${customer.id}`)).field('phase')).toBe('past_due');
});
