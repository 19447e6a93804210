// Stripe Tax over the management API: set where Stripe is, told before it is charged, and what is wrong with an address is said to
// whoever can mend it, before anything is ordered.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { settleCardAsks } from '../../../services/payments/card-asks.ts';
import { Subscriptions } from '../../../services/subscriptions/subscriptions.ts';
import { control, noMoreFaults, submit } from '../../fake-stripe/stripe-client.ts';
import { until } from '../../support/until.ts';
import { done, type ManagementApp, startManagementApp } from './management-app.ts';

let app: ManagementApp;
beforeAll(async () => {
  app = await startManagementApp();
});
afterAll(() => app.close());

const REGIME = { tax: { kind: 'stripe_tax', taxCode: 'txcd_10103001' }, reason: 'we sell abroad' };
const GERMANY = { line1: 'Main Street 1', line2: null, city: 'Town', postalCode: '10115', region: null, country: 'DE' };

async function livesIn(orgId: string, address: object | null): Promise<void> {
  done(
    await app.call('patch', `/api/v1/organizations/${orgId}/billing-details`, {
      body: { address },
      headers: { 'if-match': '*' },
    }),
  );
}

async function subscriber(): Promise<{ orgId: string; id: string }> {
  const orgId = done(await app.call('post', '/api/v1/organizations', { body: { name: 'Acme' } })).string('id');
  await livesIn(orgId, GERMANY);
  const path = `/api/v1/organizations/${orgId}/subscription-checkouts`;
  await submit(done(await app.call('post', path, { body: { plan: 'pro' } })).string('url'), {
    payment_method: 'pm_card_visa',
  });
  const first = async () => (await app.call('get', `/api/v1/organizations/${orgId}/subscriptions`)).field('data.0.id');
  await until(async () => (await first()) !== undefined);
  return { orgId, id: String(await first()) };
}

test('it is refused where Stripe is not configured, and with a code that is none of Stripe', async () => {
  const without = await startManagementApp(false);

  const refused = await without.call('post', '/api/v1/tax-regimes', { body: REGIME });
  const listed = await without.call('get', '/api/v1/tax-regimes');
  const wrong = await app.call('post', '/api/v1/tax-regimes', {
    body: { ...REGIME, tax: { kind: 'stripe_tax', taxCode: 'software' } },
  });
  await without.close();

  expect([refused.status, refused.field('code')]).toEqual([501, 'payments_not_configured']);
  expect(listed.field('data')).toEqual([]);
  expect([wrong.status, wrong.field('code')]).toEqual([422, 'invalid_body']);
});

test('a change of plan is told with the tax that it is charged with, and an invoice says by what it was taxed', async () => {
  done(await app.call('post', '/api/v1/tax-regimes', { body: REGIME }));
  const { orgId, id } = await subscriber();
  const told = await app.call('get', `/api/v1/subscriptions/${id}/plan-changes/team`);

  const changed = await app.call('post', `/api/v1/subscriptions/${id}/plan-changes`, {
    body: { plan: 'team', months: 1, reason: 'it grows' },
  });

  const net = Number(told.field('amountCents')) - Number(told.field('taxCents'));
  expect(told.field('taxCents')).toBe(Math.floor((net * 19 + 50) / 100));
  expect(changed.field('outcome')).toBe('changed');
  const { body } = await app.call('get', `/api/v1/organizations/${orgId}/invoices`);
  expect(body).toMatchObject({
    data: [
      { amountCents: told.field('amountCents'), taxCents: told.field('taxCents'), tax: REGIME.tax, awaitsTax: false },
      { amountCents: 2_261, taxCents: 361, tax: REGIME.tax, awaitsTax: false },
    ],
  });
});

test('an upgrade while Stripe cannot say its tax is accepted and waits: its invoice is net and says so, and nobody can pay it yet', async () => {
  const { orgId, id } = await subscriber();
  await control(app.stripe, 'fault', { answer: 'POST /v1/tax/calculations', fault: 'drop_before', count: 100 });

  const answer = await app.call('post', `/api/v1/subscriptions/${id}/plan-changes`, {
    body: { plan: 'team', months: 1, reason: 'it grows' },
  });
  const invoices = await app.call('get', `/api/v1/organizations/${orgId}/invoices`);
  await noMoreFaults(app.stripe);
  await app.db.query(`select advance_billing_clock(billing_now() + interval '11 minutes')`);
  await new Subscriptions(app.worker).tick(id);
  await settleCardAsks({ db: app.worker, stripe: app.api }, id, 10_000);

  expect([answer.status, answer.field('outcome')]).toEqual([202, 'pending']);
  expect(invoices.field('data.0')).toMatchObject({ awaitsTax: true, taxCents: 0, payUrl: null, state: 'open' });
  const later = await app.call('get', String(answer.headers.get('location')));
  expect(later.field('outcome')).toBe('changed');
});

test('without an address nothing is told, changed or opened, and what to mend is said', async () => {
  const { orgId, id } = await subscriber();
  await livesIn(orgId, null);

  const answers = [
    await app.call('get', `/api/v1/subscriptions/${id}/plan-changes/team`),
    await app.call('post', `/api/v1/subscriptions/${id}/plan-changes`, {
      body: { plan: 'team', months: 1, reason: 'it grows' },
    }),
    await app.call('post', `/api/v1/organizations/${orgId}/checkouts`, { body: { pack: 'pack_10' } }),
  ];

  for (const answer of answers) {
    expect([answer.status, answer.field('code'), answer.field('errors.0.field')]).toEqual([
      409,
      'tax_address_invalid',
      'address',
    ]);
  }
  expect(await app.call('get', `/api/v1/subscriptions/${id}`)).toMatchObject({
    body: { plan: 'pro', phase: 'active' },
  });
});
