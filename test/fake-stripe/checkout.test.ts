// A person pays on the page of a Checkout Session, fails, is asked by his bank, leaves, or leaves a card: what the session says then.
import { expect, test } from '@jest/globals';
import type Stripe from 'stripe';
import { ledgerOf, ownStripe, passHours, refusalOf, submit } from './stripe-client.ts';

const fake = await ownStripe();
const { stripe } = fake;
const { id: customer } = await stripe.customers.create({ email: 'ada@example.com', name: 'Ada' });

const PACK = { price_data: { currency: 'usd', unit_amount: 5_000, product_data: { name: 'Pack $50+5' } }, quantity: 1 };
const SUCCESS = 'https://shop.example/done?session={CHECKOUT_SESSION_ID}';

function open(more: Partial<Stripe.Checkout.SessionCreateParams> = {}) {
  return stripe.checkout.sessions.create({
    mode: 'payment',
    customer,
    client_reference_id: 'org_1',
    line_items: [PACK],
    success_url: SUCCESS,
    cancel_url: 'https://shop.example/',
    allowed_payment_method_types: ['card', 'alipay', 'wechat_pay'],
    payment_intent_data: { metadata: { purchase_id: 'pur_1' }, setup_future_usage: 'off_session' },
    ...more,
  });
}

const now = (id: string) => stripe.checkout.sessions.retrieve(id, { expand: ['payment_intent'] });
const intentOf = ({ payment_intent: intent }: Stripe.Checkout.Session) => (typeof intent === 'object' ? intent : null);
const events = async (id: string) =>
  (await stripe.events.list({ type: 'checkout.session.*', limit: 100 })).data
    .filter(({ data }) => 'id' in data.object && data.object.id === id)
    .map(({ type }) => type);

test('paid on the page: complete and paid once, its intent as it was ordered, the card kept, the person sent on', async () => {
  const { id, url, payment_intent: before } = await open();
  expect(before).toBeNull();
  expect(await (await fetch(url ?? '')).text()).toContain('Pay $50.00 usd');

  const { status, location } = await submit(url ?? '', { payment_method: 'pm_card_visa' });

  expect({ status, location }).toEqual({ status: 303, location: `https://shop.example/done?session=${id}` });
  const session = await now(id);
  expect(session).toMatchObject({
    status: 'complete',
    payment_status: 'paid',
    amount_total: 5_000,
    client_reference_id: 'org_1',
    customer_details: { email: 'ada@example.com', name: 'Ada' },
    url: null,
  });
  const intent = intentOf(session);
  expect(intent).toMatchObject({ status: 'succeeded', amount: 5_000, customer, metadata: { purchase_id: 'pur_1' } });
  expect((await stripe.paymentMethods.list({ customer })).data.map((method) => method.id)).toContain(
    intent?.payment_method,
  );
  expect(await events(id)).toEqual(['checkout.session.completed']);
  await submit(url ?? '', { payment_method: 'pm_card_visa' });
  expect((await ledgerOf(fake.url))[intent?.id ?? '']).toMatchObject({ captures: 1, captured: 5_000 });
});

test('declined, the person is told and may try another card on the same intent', async () => {
  const { id, url = '' } = await open();
  const declined = await submit(url ?? '', { payment_method: 'pm_fake_declines_insufficient_funds' });
  const first = intentOf(await now(id));
  expect(declined.status).toBe(402);
  expect(first?.status).toBe('requires_payment_method');
  expect((await refusalOf(stripe.paymentIntents.cancel(first?.id ?? ''))).message).toContain('Checkout Session');

  await submit(url ?? '', { payment_method: 'pm_card_visa' });
  const second = intentOf(await now(id));
  expect({ id: second?.id, status: second?.status }).toEqual({ id: first?.id, status: 'succeeded' });
});

test('a misspelled card is told on the page and starts nothing', async () => {
  const { id, url } = await open();
  expect((await submit(url ?? '', { payment_method: 'pm_card_vias' })).status).toBe(400);
  expect((await now(id)).payment_intent).toBeNull();
});

test('asked by his bank, the person passes and the session is complete, or fails and it stays open', async () => {
  const { id, url } = await open();
  const { location } = await submit(url ?? '', { payment_method: 'pm_card_authenticationRequired' });
  await submit(location, { outcome: 'fail' });
  expect(await now(id)).toMatchObject({ status: 'open', payment_status: 'unpaid' });

  const again = await submit(url ?? '', { payment_method: 'pm_card_authenticationRequired' });
  const back = await submit(again.location, { outcome: 'pass' });
  expect(await now(id)).toMatchObject({ status: 'complete', payment_status: 'paid' });
  expect((await fetch(back.location, { redirect: 'manual' })).headers.get('location')).toBe(
    `https://shop.example/done?session=${id}`,
  );
});

test('a payment under way completes the session unpaid, and what becomes of it is told by its own events', async () => {
  const [good, bad] = [await open(), await open()];
  await submit(good.url ?? '', { payment_method: 'pm_fake_processing' });
  await submit(bad.url ?? '', { payment_method: 'pm_fake_processing_fails' });
  expect(await now(good.id)).toMatchObject({ status: 'complete', payment_status: 'unpaid' });

  await passHours(fake.url, 1);

  expect(await now(good.id)).toMatchObject({ status: 'complete', payment_status: 'paid' });
  expect(await events(good.id)).toEqual(['checkout.session.async_payment_succeeded', 'checkout.session.completed']);
  expect(await events(bad.id)).toEqual(['checkout.session.async_payment_failed', 'checkout.session.completed']);
});

test('expired, by request or by the clock, a session takes no money, and an intent that it left behind is cancelled', async () => {
  const [asked, late] = [await open(), await open({ expires_at: (await realNow()) + 1_800 })];
  await submit(asked.url ?? '', { payment_method: 'pm_card_authenticationRequired' });
  expect((await stripe.checkout.sessions.expire(asked.id)).status).toBe('expired');
  await passHours(fake.url, 1);

  for (const { id, url } of [asked, late]) {
    expect(await now(id)).toMatchObject({ status: 'expired', url: null });
    expect((await submit(url ?? '', { payment_method: 'pm_card_visa' })).status).toBe(410);
    expect((await refusalOf(stripe.checkout.sessions.expire(id))).statusCode).toBe(400);
    expect(await events(id)).toEqual(['checkout.session.expired']);
  }
  expect(intentOf(await now(asked.id))?.status).toBe('canceled');
  expect((await stripe.checkout.sessions.list({ customer, status: 'expired' })).data).toHaveLength(2);
});

async function realNow(): Promise<number> {
  return JSON.parse(await (await fetch(`${fake.url}/_test/clock`)).text()).unix;
}

test('in setup mode a card is left for later, off session', async () => {
  const {
    id,
    url,
    setup_intent: setup,
  } = await stripe.checkout.sessions.create({
    mode: 'setup',
    currency: 'usd',
    customer,
    success_url: SUCCESS,
    setup_intent_data: { metadata: { org: 'org_1' } },
  });
  await submit(url ?? '', { payment_method: 'pm_card_mastercard' });

  expect(await now(id)).toMatchObject({ status: 'complete', payment_status: 'no_payment_required' });
  const { payment_method: method, ...done } = await stripe.setupIntents.retrieve(String(setup));
  expect(done).toMatchObject({ status: 'succeeded', usage: 'off_session', metadata: { org: 'org_1' } });
  const pay = {
    amount: 900,
    currency: 'usd',
    customer,
    payment_method: String(method),
    off_session: true,
    confirm: true,
  };
  const allowed = { allowed_payment_method_types: ['card' as const] };
  expect((await stripe.paymentIntents.create({ ...pay, ...allowed })).status).toBe('succeeded');
});

test('automatic tax adds the fixed rate', async () => {
  const session = await open({ automatic_tax: { enabled: true } });
  expect(session).toMatchObject({ amount_subtotal: 5_000, amount_total: 6_000, total_details: { amount_tax: 1_000 } });
});

test('what a session cannot be is refused', async () => {
  expect(await refusalOf(open({ line_items: [] }))).toMatchObject({ statusCode: 400 });
  expect(await refusalOf(open({ line_items: [{ price: 'price_1', quantity: 1 }] }))).toMatchObject({
    code: 'resource_missing',
  });
  expect(await refusalOf(open({ expires_at: (await realNow()) + 60 }))).toMatchObject({ param: 'expires_at' });
  expect(await refusalOf(open({ mode: 'subscription' }))).toMatchObject({ statusCode: 501 });
});
