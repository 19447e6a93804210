// Keys as Stripe keeps them: the same request again has the same answer, a 500 too; another request by the same key is refused.
import { expect, test } from '@jest/globals';
import { until } from '../support/until.ts';
import { control, ledgerOf, noMoreFaults, ownStripe, passHours, refusalOf, withCard } from './stripe-client.ts';

const fake = await ownStripe();
const { stripe } = fake;

const PAY = { amount: 1_900, currency: 'usd', allowed_payment_method_types: ['card' as const] };

test('the same key and parameters: the first answer, marked as a replay, and nothing happens twice', async () => {
  const { customer, payment_method } = await withCard(stripe, 'pm_card_visa');
  const pay = { ...PAY, customer, payment_method, confirm: true, off_session: true };
  const first = await stripe.paymentIntents.create(pay, { idempotencyKey: 'pay-1' });
  const again = await stripe.paymentIntents.create(pay, { idempotencyKey: 'pay-1' });

  expect(again.id).toBe(first.id);
  expect(again.lastResponse.headers).toMatchObject({
    'idempotent-replayed': 'true',
    'original-request': first.lastResponse.requestId,
  });
  expect(first.lastResponse.headers['original-request']).toBe(first.lastResponse.requestId);
  expect(again.lastResponse.requestId).not.toBe(first.lastResponse.requestId);
  expect((await stripe.paymentIntents.list({ customer })).data).toHaveLength(1);
});

test('a declined attempt is replayed as declined; a new key is a new attempt', async () => {
  const { customer, payment_method } = await withCard(stripe, 'pm_fake_declines_do_not_honor_1_times');
  const { id } = await stripe.paymentIntents.create({ ...PAY, customer });
  const confirm = (idempotencyKey: string) =>
    stripe.paymentIntents.confirm(id, { payment_method, off_session: true }, { idempotencyKey });
  const first = await refusalOf(confirm('attempt-1'));
  const again = await refusalOf(confirm('attempt-1'));

  expect(again).toMatchObject({ decline_code: 'do_not_honor', charge: first.charge });
  expect((await confirm('attempt-2')).status).toBe('succeeded');
  expect((await refusalOf(confirm('attempt-1'))).decline_code).toBe('do_not_honor');
});

test('the same key with other parameters, or elsewhere, is an idempotency error and changes nothing', async () => {
  await stripe.customers.create({ name: 'Ada' }, { idempotencyKey: 'ada' });
  const other = await refusalOf(stripe.customers.create({ name: 'Eve' }, { idempotencyKey: 'ada' }));
  const elsewhere = await refusalOf(stripe.paymentIntents.create(PAY, { idempotencyKey: 'ada' }));

  for (const error of [other, elsewhere])
    expect(error).toMatchObject({ type: 'StripeIdempotencyError', statusCode: 400 });
  expect(elsewhere.message).toContain(
    "for the same endpoint they were first used for ('/v1/payment_intents' vs '/v1/customers')",
  );
});

test('while the first request with a key is under way, another one is told so', async () => {
  const make = () => stripe.customers.create({ email: 'bob@example.com' }, { idempotencyKey: 'bob' });
  const made = async () => (await stripe.customers.list({ email: 'bob@example.com' })).data;
  await control(fake.url, 'fault', { answer: 'POST /v1/customers', fault: 'delay_after', ms: 60_000 });
  const first = make();
  await until(async () => (await made()).length === 1);

  expect(await refusalOf(make())).toMatchObject({ statusCode: 409, code: 'idempotency_key_in_use' });
  await noMoreFaults(fake.url);
  expect((await make()).id).toBe((await first).id);
  expect(await made()).toHaveLength(1);
});

test('a 500 after the fact is kept: the key says 500 for a day, and the intent itself says paid', async () => {
  const { customer, payment_method } = await withCard(stripe, 'pm_card_visa');
  const { id } = await stripe.paymentIntents.create({ ...PAY, customer });
  await control(fake.url, 'fault', { answer: 'POST /v1/payment_intents/*/confirm', fault: 'fail_after' });
  const confirm = () =>
    stripe.paymentIntents.confirm(id, { payment_method, off_session: true }, { idempotencyKey: 'confirm-500' });

  expect(await refusalOf(confirm())).toMatchObject({ type: 'StripeAPIError', statusCode: 500 });
  const replayed = await refusalOf(confirm());
  expect(replayed.statusCode).toBe(500);
  expect(replayed.headers).toMatchObject({ 'idempotent-replayed': 'true', 'stripe-should-retry': 'false' });
  expect((await stripe.paymentIntents.retrieve(id)).status).toBe('succeeded');
  expect((await ledgerOf(fake.url))[id]?.captures).toBe(1);
});

test('a 500 before anything happened is not kept', async () => {
  await control(fake.url, 'fault', { answer: 'POST /v1/customers', fault: 'fail_before' });
  const make = () => stripe.customers.create({ name: 'Cyd' }, { idempotencyKey: 'cyd' });
  expect((await refusalOf(make())).statusCode).toBe(500);
  expect((await make()).name).toBe('Cyd');
});

test('refused for its parameters, a request leaves its key free', async () => {
  const create = (amount: string) =>
    stripe.rawRequest('POST', '/v1/payment_intents', { amount, currency: 'usd' }, { idempotencyKey: 'typo' });
  expect((await refusalOf(create('much'))).code).toBe('parameter_invalid_integer');
  expect(await create('500')).toMatchObject({ amount: 500 });
});

test('after 24 hours of the virtual clock a key is forgotten', async () => {
  const make = () => stripe.customers.create({ name: 'Dan' }, { idempotencyKey: 'dan' });
  const first = await make();
  await passHours(fake.url, 23);
  expect((await make()).id).toBe(first.id);
  await passHours(fake.url, 2);
  expect((await make()).id).not.toBe(first.id);
});

test('a key of more than 255 characters is refused', async () => {
  const error = await refusalOf(stripe.customers.create({}, { idempotencyKey: 'k'.repeat(256) }));
  expect(error).toMatchObject({ type: 'StripeInvalidRequestError', statusCode: 400 });
});
