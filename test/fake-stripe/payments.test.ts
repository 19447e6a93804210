// What a payment can come to, each as Stripe answers it, driven through the official SDK.
import { expect, test } from '@jest/globals';
import type Stripe from 'stripe';
import { DECLINES } from '../support/fake-stripe/resources/declines.ts';
import { ledgerOf, ownStripe, passHours, refusalOf, submit, withCard } from './stripe-client.ts';

const fake = await ownStripe();
const { stripe } = fake;

const PRICE = { amount: 1_900, currency: 'usd', allowed_payment_method_types: ['card'] } as const;

function intentOf(price: { amount: number; currency: string }, more: object = {}): Stripe.PaymentIntentCreateParams {
  return { ...price, allowed_payment_method_types: ['card'], ...more };
}

test('created, then confirmed off session: paid, with a charge, its fee and one capture', async () => {
  const { customer, payment_method } = await withCard(stripe, 'pm_card_visa');
  const { id, status } = await stripe.paymentIntents.create(
    intentOf(PRICE, { customer, metadata: { invoice: 'in_1' } }),
  );

  const paid = await stripe.paymentIntents.confirm(id, {
    payment_method,
    off_session: true,
    payment_method_options: { card: { stored_credential_usage: 'recurring' } },
    expand: ['latest_charge.balance_transaction', 'payment_method'],
  });

  expect(status).toBe('requires_payment_method');
  expect(paid).toMatchObject({
    status: 'succeeded',
    amount_received: 1_900,
    metadata: { invoice: 'in_1' },
    payment_method: { id: payment_method, card: { brand: 'visa', last4: '4242' } },
    payment_method_options: { card: { stored_credential_usage: 'recurring' } },
    latest_charge: { paid: true, balance_transaction: { amount: 1_900, fee: 85, net: 1_815 } },
  });
  expect((await ledgerOf(fake.url))[id]).toMatchObject({ captures: 1, captured: 1_900, refunded: 0 });
});

test('every decline is a card error with its codes, leaves the intent to be paid otherwise, and captures nothing', async () => {
  for (const code of Object.keys(DECLINES)) {
    const { customer, payment_method } = await withCard(stripe, `pm_fake_declines_${code}`);
    const { id } = await stripe.paymentIntents.create(intentOf(PRICE, { customer }));
    const error = await refusalOf(stripe.paymentIntents.confirm(id, { payment_method, off_session: true }));
    expect(error).toMatchObject({ type: 'StripeCardError', statusCode: 402, decline_code: code });
    expect(error.payment_intent).toMatchObject({ id, status: 'requires_payment_method', payment_method: null });
    const after = await stripe.paymentIntents.retrieve(id, { expand: ['latest_charge'] });
    expect(after.last_payment_error?.decline_code).toBe(code);
    expect(after.latest_charge).toMatchObject({ paid: false, status: 'failed' });
    expect(await ledgerOf(fake.url)).not.toHaveProperty(id);
  }
});

test("Stripe's own declining cards answer as Stripe's test mode does", async () => {
  const declined = async (payment_method: string) =>
    refusalOf(stripe.paymentIntents.create(intentOf(PRICE, { payment_method, confirm: true })));
  expect(await declined('pm_card_visa_chargeDeclined')).toMatchObject({
    code: 'card_declined',
    decline_code: 'generic_decline',
    advice_code: 'try_again_later',
  });
  expect(await declined('pm_card_chargeDeclinedExpiredCard')).toMatchObject({
    code: 'expired_card',
    decline_code: 'expired_card',
    param: 'exp_month',
    advice_code: 'confirm_card_data',
  });
  expect(await declined('pm_card_chargeDeclinedStolenCard')).toMatchObject({ advice_code: 'do_not_try_again' });
  const customer = (await stripe.customers.create()).id;
  const refused = await refusalOf(stripe.paymentMethods.attach('pm_card_chargeDeclinedLostCard', { customer }));
  expect(refused).toMatchObject({ type: 'StripeCardError', decline_code: 'lost_card' });
});

test('a card that declines twice pays the third time', async () => {
  const { customer, payment_method } = await withCard(stripe, 'pm_fake_declines_insufficient_funds_2_times');
  const { id } = await stripe.paymentIntents.create(intentOf(PRICE, { customer }));
  const confirm = () => stripe.paymentIntents.confirm(id, { payment_method, off_session: true });
  await refusalOf(confirm());
  await refusalOf(confirm());

  expect(await confirm()).toMatchObject({ status: 'succeeded', last_payment_error: null });
  expect((await stripe.charges.list({ payment_intent: id })).data.map(({ status }) => status)).toEqual([
    'succeeded',
    'failed',
    'failed',
  ]);
});

test('off session, a card that wants its holder is declined; on session he is asked, and the same intent is paid', async () => {
  const { customer, payment_method } = await withCard(stripe, 'pm_card_authenticationRequired');
  const { id } = await stripe.paymentIntents.create(intentOf(PRICE, { customer }));
  const error = await refusalOf(stripe.paymentIntents.confirm(id, { payment_method, off_session: true }));
  expect(error).toMatchObject({ code: 'authentication_required', decline_code: 'authentication_required' });
  expect(error.payment_intent?.status).toBe('requires_payment_method');

  const waiting = await stripe.paymentIntents.confirm(id, { payment_method, return_url: 'https://example.com/back' });
  const page = waiting.next_action?.redirect_to_url?.url ?? '';
  expect(waiting.status).toBe('requires_action');
  expect(await (await fetch(page)).text()).toContain('Is it you?');
  const { location } = await submit(page, { outcome: 'pass' });

  expect(location).toMatch(/^https:\/\/example\.com\/back\?payment_intent=pi_.*redirect_status=succeeded$/);
  expect((await stripe.paymentIntents.retrieve(id)).status).toBe('succeeded');
  expect((await submit(page, { outcome: 'pass' })).status).toBe(409);
});

test('who fails the question of his bank has not paid', async () => {
  const { id, next_action } = await stripe.paymentIntents.create(
    intentOf(PRICE, {
      payment_method: 'pm_card_authenticationRequired',
      confirm: true,
      return_url: 'https://a.example/',
    }),
  );
  await submit(next_action?.redirect_to_url?.url ?? '', { outcome: 'fail' });
  const { status, last_payment_error } = await stripe.paymentIntents.retrieve(id);
  expect(status).toBe('requires_payment_method');
  expect(last_payment_error?.code).toBe('payment_intent_authentication_failure');
});

test('error_on_requires_action declines instead of asking, and a card set up for it needs no asking off session', async () => {
  const asked = intentOf(PRICE, {
    payment_method: 'pm_card_authenticationRequired',
    confirm: true,
    error_on_requires_action: true,
  });
  const { customer, payment_method } = await withCard(stripe, 'pm_card_authenticationRequiredOnSetup');
  const off = { customer, payment_method, confirm: true, off_session: true };
  expect(await refusalOf(stripe.paymentIntents.create(asked))).toMatchObject({
    code: 'authentication_required',
    decline_code: 'authentication_not_handled',
  });
  expect(await refusalOf(stripe.paymentIntents.create(intentOf(PRICE, off)))).toMatchObject({
    code: 'authentication_required',
  });

  const setup = await stripe.setupIntents.create({
    customer,
    payment_method,
    confirm: true,
    return_url: 'https://a.example/',
  });
  await submit(setup.next_action?.redirect_to_url?.url ?? '', { outcome: 'pass' });
  expect((await stripe.paymentIntents.create(intentOf(PRICE, off))).status).toBe('succeeded');
});

test('a payment under way is decided later by the virtual clock, for or against, and cannot be cancelled or confirmed meanwhile', async () => {
  const under = async (card: string) => {
    const { customer, payment_method } = await withCard(stripe, card);
    return stripe.paymentIntents.create(
      intentOf(PRICE, { customer, payment_method, confirm: true, off_session: true }),
    );
  };
  const [good, bad] = [await under('pm_fake_processing'), await under('pm_fake_processing_fails')];
  expect(good.status).toBe('processing');
  for (const refused of [stripe.paymentIntents.cancel(good.id), stripe.paymentIntents.confirm(good.id)]) {
    expect(await refusalOf(refused)).toMatchObject({ code: 'payment_intent_unexpected_state', statusCode: 400 });
  }

  await passHours(fake.url, 1);

  expect((await stripe.paymentIntents.retrieve(good.id)).status).toBe('succeeded');
  expect((await stripe.paymentIntents.retrieve(bad.id)).status).toBe('requires_payment_method');
  expect(Object.keys(await ledgerOf(fake.url))).toEqual(expect.arrayContaining([good.id]));
  expect(await ledgerOf(fake.url)).not.toHaveProperty(bad.id);
});

test('paid or cancelled, an intent takes no other step, and says which it is', async () => {
  const paid = await stripe.paymentIntents.create(intentOf(PRICE, { payment_method: 'pm_card_visa', confirm: true }));
  const { id } = await stripe.paymentIntents.create(intentOf(PRICE));
  const cancelled = await stripe.paymentIntents.cancel(id, { cancellation_reason: 'abandoned' });
  expect(cancelled).toMatchObject({ status: 'canceled', cancellation_reason: 'abandoned' });

  for (const intent of [paid, cancelled]) {
    for (const step of [
      stripe.paymentIntents.confirm(intent.id, { payment_method: 'pm_card_visa' }),
      stripe.paymentIntents.cancel(intent.id),
      stripe.paymentIntents.update(intent.id, { amount: 2_000 }),
    ]) {
      const error = await refusalOf(step);
      expect(error).toMatchObject({ type: 'StripeInvalidRequestError', code: 'payment_intent_unexpected_state' });
      expect(error.payment_intent?.status).toBe(intent.status);
    }
    expect((await stripe.paymentIntents.update(intent.id, { metadata: { seen: 'yes' } })).metadata.seen).toBe('yes');
  }
  expect((await ledgerOf(fake.url))[paid.id]?.captures).toBe(1);
});

test('while it is open, an intent can be changed, and is paid at its last amount', async () => {
  const { id } = await stripe.paymentIntents.create(intentOf(PRICE, { metadata: { a: '1', b: '2' } }));
  const changed = await stripe.paymentIntents.update(id, {
    amount: 2_500,
    payment_method: 'pm_card_visa',
    metadata: { a: '', c: '3' },
  });
  expect(changed).toMatchObject({ status: 'requires_confirmation', amount: 2_500, metadata: { b: '2', c: '3' } });
  await stripe.paymentIntents.confirm(id);
  expect((await ledgerOf(fake.url))[id]?.captured).toBe(2_500);
});

test('a card that belongs to nobody pays once; one that is kept pays again', async () => {
  const { customer } = await withCard(stripe, 'pm_card_visa');
  const method = await stripe.paymentMethods.create({ type: 'card', card: { token: 'tok_visa' } });
  const pay = (more: object) =>
    stripe.paymentIntents.create(intentOf(PRICE, { payment_method: method.id, confirm: true, ...more }));
  const kept = await pay({ customer, setup_future_usage: 'off_session' });
  expect((await stripe.paymentMethods.retrieve(method.id)).customer).toBe(customer);
  expect(kept.status).toBe('succeeded');
  expect((await pay({ customer })).status).toBe('succeeded');
  expect((await refusalOf(pay({}))).message).toContain(customer);

  const spent = await stripe.paymentMethods.create({ type: 'card', card: { token: 'tok_visa' } });
  const once = intentOf(PRICE, { payment_method: spent.id, confirm: true });
  await stripe.paymentIntents.create(once);
  expect((await refusalOf(stripe.paymentIntents.create(once))).message).toContain('may not be used again');
});

test('sums that Stripe does not take are refused with its codes', async () => {
  const refused = async (amount: number, currency = 'usd') =>
    (await refusalOf(stripe.paymentIntents.create({ amount, currency }))).code;
  expect(await refused(49)).toBe('amount_too_small');
  expect(await refused(0)).toBe('parameter_invalid_integer');
  expect(await refused(100_000_000)).toBe('amount_too_large');
  expect((await refusalOf(stripe.paymentIntents.create({ amount: 500, currency: 'xyz' }))).param).toBe('currency');
});
