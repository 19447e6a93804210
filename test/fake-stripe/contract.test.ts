// What the product relies on of Stripe, asked through the product's own modules: of the fake in every run, and of Stripe itself where
// STRIPE_SANDBOX_KEY is set (npm run contract). Nothing here knows which of them answers, but the page that a person fills in.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type Stripe from 'stripe';
import { sandboxKeyIn } from '../../scripts/parts/sandbox-key.ts';
import { StripeApi } from '../../services/payments/stripe-api.ts';
import { openStripe } from '../../services/payments/stripe-client.ts';
import { newId } from '../../services/platform/ids.ts';
import { runStripe } from './stripe-client.ts';

const ROOT = join(import.meta.dirname, '../..');
const sandboxKey = sandboxKeyIn(process.env);

let api: StripeApi;
/** As a customer's browser would have it done. */
let sdk: Stripe;
let close: () => Promise<void> = async () => {};

beforeAll(async () => {
  const fake = sandboxKey === null ? await runStripe() : null;
  const settings = {
    apiBase: fake?.url ?? 'https://api.stripe.com',
    secretKey: sandboxKey ?? 'sk_test_contract',
    webhookSecret: 'whsec_contract',
  };
  api = new StripeApi(settings, async () => {});
  sdk = openStripe(settings, async () => {});
  if (fake !== null) close = fake.close;
});
afterAll(() => close());

async function customerWith(card: string): Promise<{ orgId: string; customer: string; paymentMethod: string }> {
  const orgId = newId();
  const customer = await api.createCustomer(orgId);
  const { id: paymentMethod } = await sdk.paymentMethods.attach(card, { customer });
  return { orgId, customer, paymentMethod };
}

async function asking(card: string, amountCents = 1_900) {
  const { orgId, customer, paymentMethod } = await customerWith(card);
  const paymentId = newId();
  const note = { payment_id: paymentId, org_id: orgId };
  const order = { paymentId, note, customer, amountCents, currency: 'usd' };
  const intent = await api.intents.create(order);
  const confirming = { paymentIntent: intent?.id ?? '', paymentId: order.paymentId, attempt: '1.1', paymentMethod };
  return { order, intent, confirming };
}

test('asked again under its key, a customer and an intent are the same; a key with other words is refused, and no intent is made by it', async () => {
  const { order, intent } = await asking('pm_card_visa');

  const again = await api.intents.create(order);
  const customer = await api.createCustomer(order.note.org_id);
  const otherwise = await api.intents.create({ ...order, amountCents: 2_000 });
  const idempotencyKey = newId();
  await sdk.customers.create({ metadata: { org_id: 'one' } }, { idempotencyKey });
  const refused = sdk.customers.create({ metadata: { org_id: 'another' } }, { idempotencyKey });

  expect([again?.id, customer]).toEqual([intent?.id, order.customer]);
  expect(otherwise).toBeNull();
  await expect(refused).rejects.toMatchObject({ type: 'StripeIdempotencyError' });
});

test('an intent that was made is open and has taken nothing; confirmed off session it is paid, and asked again it is paid once', async () => {
  const { intent, confirming, order } = await asking('pm_card_visa');

  const confirmed = await api.intents.confirmOffSession(confirming, 'recurring');
  const repeated = await api.intents.confirmOffSession(confirming, 'recurring');
  const later = await api.paymentIntent(confirming.paymentIntent);
  const charges = await sdk.charges.list({ payment_intent: confirming.paymentIntent });

  expect(intent).toMatchObject({ state: 'open', isPaid: false, amountCents: 0, paymentId: order.paymentId });
  expect([confirmed, repeated].map(({ kind }) => kind)).toEqual(['answered', 'answered']);
  expect(later).toMatchObject({ state: 'paid', amountCents: 1_900, currency: 'usd', paymentId: order.paymentId });
  expect(charges.data.filter(({ paid }) => paid)).toHaveLength(1);
});

test('a card that declines is a refusal with its code, leaves the intent open with a charge to tell it by, and takes nothing', async () => {
  const { confirming } = await asking('pm_card_chargeCustomerFail');

  const refused = await api.intents.confirmOffSession(confirming, 'recurring');
  const later = await api.paymentIntent(confirming.paymentIntent);

  expect(refused).toMatchObject({ kind: 'refused', codes: { declineCode: 'generic_decline' } });
  expect(later).toMatchObject({ state: 'open', isPaid: false, refusal: { declineCode: 'generic_decline' } });
  expect(later.latestCharge).toMatch(/^(ch|py)_/);
});

test('a bank that wants its customer refuses while he is away, and shows a page when he is there', async () => {
  const { confirming } = await asking('pm_card_authenticationRequired');

  const away = await api.intents.confirmOffSession(confirming, 'recurring');
  const there = await api.intents.confirmOnSession(
    { ...confirming, attempt: 'customer:1.1' },
    'https://shop.example/back',
  );

  expect(away).toMatchObject({ kind: 'refused', codes: { declineCode: 'authentication_required' } });
  expect(there).toMatchObject({
    kind: 'answered',
    intent: { state: 'open', bankPage: expect.stringMatching(/^http/) },
  });
});

test('a cancelled intent stays cancelled and takes no confirmation; a paid one says that it is paid', async () => {
  const [given, paid] = [await asking('pm_card_visa'), await asking('pm_card_visa')];
  await api.intents.confirmOffSession(paid.confirming, 'recurring');

  const cancelled = await api.intents.cancel(given.confirming.paymentIntent, given.order.paymentId, 1);
  const overtaken = await api.intents.confirmOffSession(given.confirming, 'recurring');
  const tooLate = await api.intents.cancel(paid.confirming.paymentIntent, paid.order.paymentId, 1);

  expect([cancelled.state, overtaken.kind, tooLate.state]).toEqual(['cancelled', 'overtaken', 'paid']);
});

test('a refund goes once under its key, carries our id, and no more than came in goes back', async () => {
  const { confirming } = await asking('pm_card_visa');
  await api.intents.confirmOffSession(confirming, 'recurring');
  const [refundId, intent] = [newId(), confirming.paymentIntent];

  const made = await api.createRefund(refundId, intent, 1_000);
  const again = await api.createRefund(refundId, intent, 1_000);
  const tooMuch = await api.createRefund(newId(), intent, 1_000);
  const known = await api.refundsOf(intent);

  expect(again?.id).toBe(made?.id);
  expect(tooMuch).toBeNull();
  expect(known).toMatchObject([{ id: made?.id, amountCents: 1_000, refundId }]);
});

test('a page to pay on asks for the amount and its tax, is the same under its key, and can be ended', async () => {
  const { orgId, customer } = await customerWith('pm_card_visa');
  const order = {
    ...{ paymentId: newId(), orgId, customer, amountCents: 6_000, taxCents: 1_000, currency: 'usd', title: 'Credit' },
    ...{ expiresAt: new Date((Math.floor(Date.now() / 1_000) + 3_600) * 1_000), keepsCard: true },
    returnUrl: 'https://shop.example/',
    note: { org_id: orgId },
  };

  const page = await api.createCheckout(order);
  const again = await api.createCheckout(order);
  const { amount_total: total, payment_intent: intent } = await sdk.checkout.sessions.retrieve(page.session);
  const ended = await api.expireCheckout(page.session, order.paymentId);

  expect([again.session, total, intent]).toEqual([page.session, 6_000, null]);
  expect(ended).toMatchObject({ isExpired: true, isComplete: false, paymentIntent: null });
});

test('tax is said for an address and frozen; it is booked once by its reference, whatever the key, and taken back to the cent', async () => {
  const place = { line1: 'Friedrichstr. 1', line2: null, city: 'Berlin', postalCode: '10117', region: null };
  const address = { ...place, country: 'DE' };
  const [sale, refund] = [newId(), newId()];
  const question = { orgId: newId(), netCents: 1_900, taxCode: 'txcd_10103001' };

  const said = await api.taxes.calculate({ ...question, taxedAs: { address, taxId: null, taxExempt: false } });
  const booked = await api.taxes.book(sale, said.id, 0);
  const again = [await api.taxes.book(sale, said.id, 0), await api.taxes.book(sale, said.id, 1)];
  const { transaction, line } = typeof booked === 'string' ? { transaction: '', line: '' } : booked;
  const part = { line: String(line), netCents: 900, taxCents: 0 };
  const reversed = await api.taxes.reverse({ reference: refund, transaction, part }, 0);
  const nowhere = await api.taxes
    .calculate({
      ...question,
      taxedAs: { address: { ...address, country: 'US', postalCode: null }, taxId: null, taxExempt: false },
    })
    .catch((error: unknown) => error);

  expect(said.expiresAt.getTime()).toBeGreaterThan(Date.now());
  expect(again).toEqual([booked, 'known']);
  expect(reversed).toMatchObject({ transaction: expect.stringMatching(/^tax_/) });
  expect(nowhere).toMatchObject({ code: 'tax_address_invalid' });
});

test('what was paid is found in the list of events, newest first', async () => {
  const { confirming } = await asking('pm_card_visa');
  await api.intents.confirmOffSession(confirming, 'recurring');
  const found: string[] = [];

  for await (const page of api.eventsSince(new Date(Date.now() - 3_600_000))) {
    const ours = page.filter(({ payload }) => JSON.stringify(payload).includes(confirming.paymentIntent));
    found.push(...ours.map(({ type }) => type));
    if (found.length > 0) break;
  }

  expect(found).toEqual(['payment_intent.succeeded']);
});

test.each([
  ['a live key', 'sk_live_1'],
  ['no key at all', ''],
])('with %s the command asks Stripe nothing', (_, secret) => {
  const { status, stderr } = spawnSync(process.execPath, ['scripts/stripe-contract.ts'], {
    cwd: ROOT,
    env: { PATH: process.env.PATH, STRIPE_SANDBOX_KEY: secret },
    encoding: 'utf8',
  });

  expect(status).toBe(1);
  expect(stderr).toMatch(/STRIPE_SANDBOX_KEY.* sandbox/);
});
