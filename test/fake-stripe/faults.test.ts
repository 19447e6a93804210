// Billing believes that a fault it asked for happened. Each is shown to do what it says, to the caller and to the state.
import { beforeEach, expect, test } from '@jest/globals';
import type Stripe from 'stripe';
import { until } from '../support/until.ts';
import { control, ledgerOf, noMoreFaults, ownStripe, refusalOf } from './stripe-client.ts';

const fake = await ownStripe();
const { stripe } = fake;
beforeEach(() => noMoreFaults(fake.url));

const CONFIRM = 'POST /v1/payment_intents/*/confirm';

async function unpaid(): Promise<string> {
  const price = { amount: 1_900, currency: 'usd', allowed_payment_method_types: ['card' as const] };
  return (await stripe.paymentIntents.create(price)).id;
}

// The SDK tries a closed connection again even without retries: two faults, so that both tries meet one.
async function confirmUnder(fault: string, id: string, more: object = {}): Promise<Stripe.errors.StripeError> {
  await control(fake.url, 'fault', { answer: CONFIRM, fault, count: 2, ...more });
  const options = { idempotencyKey: `confirm-${id}` };
  const error = await refusalOf(stripe.paymentIntents.confirm(id, { payment_method: 'pm_card_visa' }, options));
  await noMoreFaults(fake.url);
  return error;
}

test.each(['drop_before', 'fail_before', 'too_many_requests'])(
  '%s: the caller gets an error, and nothing has happened',
  async (fault) => {
    const id = await unpaid();
    const error = await confirmUnder(fault, id);
    const type = {
      drop_before: 'StripeConnectionError',
      fail_before: 'StripeAPIError',
      too_many_requests: 'StripeRateLimitError',
    };

    expect(error.type).toBe(type[fault as keyof typeof type]);
    expect((await stripe.paymentIntents.retrieve(id)).status).toBe('requires_payment_method');
    expect(await ledgerOf(fake.url)).not.toHaveProperty(id);
  },
);

test.each(['drop_after', 'truncate', 'fail_after'])(
  '%s: the caller gets an error, and it is paid, once',
  async (fault) => {
    const id = await unpaid();
    const error = await confirmUnder(fault, id);

    expect(error.type).toBe(fault === 'fail_after' ? 'StripeAPIError' : 'StripeConnectionError');
    expect((await stripe.paymentIntents.retrieve(id)).status).toBe('succeeded');
    const retry = stripe.paymentIntents.confirm(
      id,
      { payment_method: 'pm_card_visa' },
      { idempotencyKey: `confirm-${id}` },
    );
    if (fault === 'fail_after') expect((await refusalOf(retry)).statusCode).toBe(500);
    else expect((await retry).status).toBe('succeeded');
    expect((await ledgerOf(fake.url))[id]).toMatchObject({ captures: 1, captured: 1_900 });
  },
);

test('delay_before: others who come meanwhile come first', async () => {
  const id = await unpaid();
  await control(fake.url, 'fault', { answer: CONFIRM, fault: 'delay_before', ms: 60_000 });
  const late = refusalOf(stripe.paymentIntents.confirm(id, { payment_method: 'pm_card_visa' }));
  await stripe.paymentIntents.cancel(id);
  await noMoreFaults(fake.url);
  expect(await late).toMatchObject({ code: 'payment_intent_unexpected_state' });
});

test('delay_after: it has happened before it is told', async () => {
  const id = await unpaid();
  await control(fake.url, 'fault', { answer: CONFIRM, fault: 'delay_after', ms: 60_000 });
  let told = false;
  const slow = stripe.paymentIntents.confirm(id, { payment_method: 'pm_card_visa' }).finally(() => {
    told = true;
  });
  await until(async () => (await stripe.paymentIntents.retrieve(id)).status === 'succeeded');
  expect(told).toBe(false);
  await noMoreFaults(fake.url);
  expect((await slow).status).toBe('succeeded');
});

test('slow: the whole answer, in pieces', async () => {
  await control(fake.url, 'fault', { answer: 'GET /v1/customers', fault: 'slow', ms: 200 });
  const answer = await fetch(`${fake.url}/v1/customers`, { headers: { authorization: 'Bearer sk_test_x' } });
  let pieces = 0;
  let text = '';
  for await (const chunk of answer.body ?? []) {
    pieces++;
    text += new TextDecoder().decode(chunk);
  }
  expect(JSON.parse(text)).toMatchObject({ object: 'list' });
  expect(pieces).toBeGreaterThan(1);
});

test('a fault strikes as often as it was ordered, where it was ordered, and never by another name', async () => {
  await control(fake.url, 'fault', { answer: 'GET /v1/customers', fault: 'fail_before', count: 2 });
  expect((await stripe.paymentIntents.list()).object).toBe('list');
  expect((await refusalOf(stripe.customers.list())).statusCode).toBe(500);
  expect((await refusalOf(stripe.customers.list())).statusCode).toBe(500);
  expect((await stripe.customers.list()).object).toBe('list');

  for (const order of [
    { answer: 'GET /v1/customers', fault: 'fail' },
    { answer: 'GET /v1/customers', fault: 'lose' },
    { webhook: '*', fault: 'drop_after' },
    { answer: 'GET /v1/customers', fault: 'slow', time: 3 },
    { fault: 'slow' },
  ]) {
    expect((await control(fake.url, 'fault', order)).status).toBe(400);
  }
});

test('two confirmations by different keys at once: one capture, whatever the connection does to both', async () => {
  const id = await unpaid();
  const { customer, payment_method } = await ownCard();
  await stripe.paymentIntents.update(id, { customer });
  await control(fake.url, 'fault', { answer: CONFIRM, fault: 'drop_after', count: 3 });
  const attempts = Array.from({ length: 8 }, (_, number) =>
    stripe.paymentIntents.confirm(id, { payment_method, off_session: true }, { idempotencyKey: `race-${number}` }),
  );
  await Promise.allSettled(attempts);
  expect((await ledgerOf(fake.url))[id]).toMatchObject({ captures: 1, captured: 1_900 });
});

async function ownCard() {
  const customer = (await stripe.customers.create()).id;
  return { customer, payment_method: (await stripe.paymentMethods.attach('pm_card_visa', { customer })).id };
}
