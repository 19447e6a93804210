// What an organization reads of its own money: what is overdue and what comes of it, what its members have used, what a pack costs, what it has in
// hand for what it paid.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { PACKS } from '../../../domain/plans.ts';
import { FakeStripeClock } from '../../../services/billing-clock/fake-stripe-clock.ts';
import { inTransaction } from '../../../services/platform/postgres.ts';
import { chargeAnswered } from '../../../services/subscriptions/learn.ts';
import { Subscriptions } from '../../../services/subscriptions/subscriptions.ts';
import { submit } from '../../fake-stripe/stripe-client.ts';
import { capture, refusal } from '../../services/subscriptions/bank.ts';
import { until } from '../../support/until.ts';
import { type Answered, done, type ManagementApp, startManagementApp } from './management-app.ts';
import { answeredRequest, openShop } from './paying-customer.ts';
import { type Somebody, signedInAs } from './signed-in-as.ts';

let app: ManagementApp;

beforeAll(async () => {
  app = await startManagementApp();
});
afterAll(() => app.close());

async function organization(): Promise<{ orgId: string; owner: Somebody }> {
  const orgId = done(await app.call('post', '/api/v1/organizations', { body: { name: 'Acme' } })).string('id');
  return { orgId, owner: await signedInAs(app, { member: { orgId, role: 'owner' } }) };
}

function read({ cookie }: Somebody, path: string): Promise<Answered> {
  return app.call('get', `/api/v1${path}`, { credential: null, headers: { cookie } });
}

/** A month after the first one was paid. */
async function declinedRenewal(orgId: string): Promise<string> {
  const path = `/api/v1/organizations/${orgId}`;
  const page = done(await app.call('post', `${path}/subscription-checkouts`, { body: { plan: 'pro' } }));
  await submit(page.string('url'), { payment_method: 'pm_card_visa' });
  const first = async () => (await app.call('get', `${path}/subscriptions`)).field('data.0.id');
  await until(async () => (await first()) !== undefined);
  const { rows } = await app.db.query(`select advance_billing_clock(billing_now() + interval '32 days') as now`);
  await new FakeStripeClock(app.stripe).moveTo(rows[0].now);
  const { invoiceId } = await new Subscriptions(app.worker).tick(String(await first()));
  const answer = refusal('insufficient_funds');
  if (invoiceId === null || answer.kind === 'paid') throw new Error('nothing was declined');
  await inTransaction(app.worker, (tx) => chargeAnswered(tx, invoiceId, 1, answer, { actor: 'test' }));
  return invoiceId;
}

test('whoever is past due reads what for, where to pay, and what comes when; and nothing once it is paid', async () => {
  const { orgId, owner } = await organization();
  const invoiceId = await declinedRenewal(orgId);

  const overdue = await read(owner, `/organizations/${orgId}/overdue-invoices`);
  await inTransaction(app.worker, (tx) => capture(tx, invoiceId));
  const paid = await read(owner, `/organizations/${orgId}/overdue-invoices`);

  expect(overdue.list('data')).toHaveLength(1);
  expect(overdue.field('data.0')).toMatchObject({
    invoice: { id: invoiceId, state: 'open', plan: 'pro', payUrl: app.links.urlOf(invoiceId) },
    ...{ remainingCents: 1_900, policy: 'renewal', stage: 'none' },
    ahead: [{ what: 'limit' }, { what: 'end_plan' }],
  });
  const [limited, ended] = ['0', '1'].map((at) => Date.parse(overdue.string(`data.0.ahead.${at}.at`)));
  expect((Number(ended) - Number(limited)) / 86_400_000).toBe(7);
  expect(paid.list('data')).toEqual([]);
});

test('what is waived is asked for no more', async () => {
  const { orgId, owner } = await organization();
  const invoiceId = await declinedRenewal(orgId);
  done(await app.call('post', `/api/v1/invoices/${invoiceId}/dunning/waive`, { body: { reason: 'our mistake' } }));

  expect((await read(owner, `/organizations/${orgId}/overdue-invoices`)).list('data')).toEqual([]);
});

test('a member’s cap says what of it is used: also what was spent before there was one', async () => {
  const { orgId, owner } = await organization();
  done(await app.call('post', '/api/v1/grants', { body: { orgId, amountNano: '9000000000' } }));
  const made = done(await app.call('post', '/api/v1/api-keys', { body: { orgId, memberId: owner.personId } }));
  const customer = { id: made.string('id'), orgId, projectId: made.string('projectId'), enforcementSeq: 0 };
  const shop = await openShop(app, 'std-of-members');
  const now = await app.db.query('select (extract(epoch from billing_now()) * 1000)::float8 as ms');
  const his = { member_id: owner.personId, admitted_ms: Math.floor(now.rows[0].ms) };
  const spend = () => answeredRequest(shop, customer, { input: 200_000 }, his);
  await spend();
  const member = `/api/v1/organizations/${orgId}/members/${owner.personId}`;
  const caps = [{ period: 'month', amountNano: '2000000000' }];
  done(await app.call('patch', member, { body: { caps }, headers: { 'if-match': '*' } }));

  const before = await read(owner, `/organizations/${orgId}/member-caps`);
  await spend();
  await shop.gateway.close();
  const after = await read(owner, `/organizations/${orgId}/member-caps`);

  const cap = { personId: owner.personId, period: 'month', amountNano: '2000000000' };
  expect([before.field('data'), after.field('data')]).toEqual([
    [{ ...cap, usedNano: '500000000' }],
    [{ ...cap, usedNano: '1000000000' }],
  ]);
});

test('a pack costs and brings what it is said to', async () => {
  const { orgId } = await organization();
  const packs = (await app.call('get', '/api/v1/packs', { credential: null })).list('data');
  expect(packs).toHaveLength(Object.keys(PACKS).length);

  for (const pack of packs as { id: string; paidCents: number; bonusCents: number }[]) {
    const body = { pack: pack.id };
    const bought = done(await app.call('post', `/api/v1/organizations/${orgId}/checkouts`, { body }));
    const payment = await app.call('get', `/api/v1/payments/${bought.string('paymentId')}`);
    expect(payment.body).toMatchObject({
      amountCents: pack.paidCents,
      creditNano: `${pack.paidCents}0000000`,
      bonusNano: pack.bonusCents === 0 ? '0' : `${pack.bonusCents}0000000`,
    });
  }
});

describe('a receipt', () => {
  const bought = async (orgId: string, pack: string): Promise<string> => {
    const page = done(await app.call('post', `/api/v1/organizations/${orgId}/checkouts`, { body: { pack } }));
    const id = page.string('paymentId');
    await submit(page.string('url'), { payment_method: 'pm_card_visa' });
    await until(async () => (await app.call('get', `/api/v1/payments/${id}`)).field('state') === 'paid');
    return id;
  };
  const taxed = async (tax: object) =>
    done(await app.call('post', '/api/v1/tax-regimes', { body: { tax, reason: 'the law' } }));
  const calledBy = async (orgId: string, legalName: string) => {
    const address = {
      line1: '1 Main St',
      line2: null,
      city: 'Berlin',
      postalCode: '10115',
      region: null,
      country: 'DE',
    };
    const body = { legalName, address, taxId: 'DE123456789' };
    const path = `/api/v1/organizations/${orgId}/billing-details`;
    done(await app.call('patch', path, { body, headers: { 'if-match': '*' } }));
  };

  test('says who paid, for what and with which tax, and goes on saying it once he has another name', async () => {
    const { orgId, owner } = await organization();
    await calledBy(orgId, 'Acme <& Sons>');
    await taxed({ kind: 'fixed_rate', ratePpm: 190_000 });
    const id = await bought(orgId, 'pack_50');
    await taxed({ kind: 'none' });
    const path = `/payments/${id}/receipt?language=en`;
    const [first, second] = [await read(owner, path), await bought(orgId, 'pack_10')];
    await calledBy(orgId, 'Other plc');

    const { text, headers } = first;
    expect((await read(owner, path)).text).toBe(text);
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    for (const told of ['Acme &#60;&#38; Sons&#62;', '10115 Berlin', 'Germany', 'DE123456789', `${last(orgId)}-0001`]) {
      expect(text).toContain(told);
    }
    // The bonus is shown with what it was bought with, and costs nothing.
    expect(sumsIn(text)).toEqual(['$50.00', '$0.00', '$50.00', '$9.50', '$59.50']);
    expect((await read(owner, `/payments/${second}/receipt`)).text).toContain(`${last(orgId)}-0002`);
  });

  test('is there for nobody else, and of nothing that is not paid', async () => {
    const [{ orgId, owner }, stranger] = [await organization(), await organization()];
    const id = await bought(orgId, 'pack_10');
    const open = done(
      await app.call('post', `/api/v1/organizations/${orgId}/checkouts`, { body: { pack: 'pack_50' } }),
    );

    const statusFor = async (who: Somebody, payment: string) =>
      (await read(who, `/payments/${payment}/receipt`)).status;
    expect(await statusFor(owner, id)).toBe(200);
    expect(await statusFor(stranger.owner, id)).toBe(404);
    expect(await statusFor(owner, open.string('paymentId'))).toBe(404);
  });

  const last = (orgId: string) => orgId.slice(-8).toUpperCase();
  const sumsIn = (text: string) => [...text.matchAll(/<t[dh]>(\$[\d.,]+)<\/t[dh]>/g)].map(([, sum]) => sum);
});
