// What Stripe refuses, the fake refuses, in the same words; what Stripe would do and the fake does not, it says.
import { expect, test } from '@jest/globals';
import Stripe from 'stripe';
import { ledgerOf, ownStripe, refusalOf } from './stripe-client.ts';

const fake = await ownStripe();
const { stripe } = fake;

type Form = Record<string, unknown>;
const PAY: Form = { amount: 1_900, currency: 'usd' };
const post = (path: string, form: Form) => stripe.rawRequest('POST', `/v1/${path}`, form);
const refused = (path: string, form: Form) => refusalOf(post(path, form));

test('an unknown parameter is refused and named, however deep it stands', async () => {
  const unknown = { type: 'StripeInvalidRequestError', statusCode: 400, code: 'parameter_unknown' };
  expect(await refused('payment_intents', { ...PAY, colour: 'red' })).toMatchObject({ ...unknown, param: 'colour' });
  expect(await refused('payment_intents', { ...PAY, payment_method_options: { card: { cvv: 1 } } })).toMatchObject({
    ...unknown,
    param: 'payment_method_options[card][cvv]',
  });
  expect(await refused('payment_intents', { ...PAY, constructor: 'x' })).toMatchObject(unknown);
  expect((await refusalOf(stripe.rawRequest('GET', '/v1/customers?colour=red'))).code).toBe('parameter_unknown');
});

test('payment_method_types is refused with the code it has since API 2026-09-30.endive', async () => {
  const session = { mode: 'payment', success_url: 'https://a.example/' };
  for (const [path, form] of [
    ['payment_intents', PAY],
    ['setup_intents', {}],
    ['checkout/sessions', session],
  ] as const) {
    const error = await refused(path, { ...form, payment_method_types: ['card'] });
    expect(error).toMatchObject({
      statusCode: 400,
      code: 'payment_method_types_no_longer_supported',
      param: 'payment_method_types',
    });
  }
});

test('what is missing, of a wrong type or not in its list is refused by name', async () => {
  expect(await refused('payment_intents', { currency: 'usd' })).toMatchObject({
    code: 'parameter_missing',
    param: 'amount',
  });
  expect(await refused('payment_intents', { ...PAY, amount: '19.00' })).toMatchObject({
    code: 'parameter_invalid_integer',
  });
  expect(await refused('payment_intents', { ...PAY, confirm: 'yes' })).toMatchObject({ param: 'confirm' });
  expect(await refused('payment_intents', { ...PAY, metadata: 'x' })).toMatchObject({ param: 'metadata' });
  expect(await refused('payment_intents', { ...PAY, setup_future_usage: 'often' })).toMatchObject({
    param: 'setup_future_usage',
  });
  expect(await refused('payment_intents', { ...PAY, customer: '' })).toMatchObject({ code: 'parameter_invalid_empty' });
  expect(await refused('customers', { metadata: { n: 'x'.repeat(501) } })).toMatchObject({ param: 'metadata' });
  expect(await refused('customers', { email: `${'x'.repeat(512)}@example.com` })).toMatchObject({ param: 'email' });
});

test('a parameter of Stripe that would have no effect here is refused as not served', async () => {
  const error = await refused('payment_intents', { ...PAY, capture_method: 'manual' });
  expect(error).toMatchObject({ statusCode: 501, message: expect.stringContaining('capture_method') });
  expect((await refused('invoices', {})).statusCode).toBe(404);
});

test('objects that are not there: 404 in the path, 400 in a parameter', async () => {
  expect(await refusalOf(stripe.customers.retrieve('cus_none'))).toMatchObject({
    statusCode: 404,
    code: 'resource_missing',
  });
  expect(await refused('payment_intents', { ...PAY, customer: 'cus_none' })).toMatchObject({
    statusCode: 400,
    code: 'resource_missing',
    param: 'customer',
  });
  expect(await refused('payment_intents', { ...PAY, payment_method: 'pm_card_vias' })).toMatchObject({
    code: 'resource_missing',
    param: 'payment_method',
  });
});

test('confirming needs a payment method, and a return_url where a method could redirect', async () => {
  const none = await refused('payment_intents', { ...PAY, confirm: true });
  const noReturn = await refused('payment_intents', { ...PAY, confirm: true, payment_method: 'pm_card_visa' });
  const never = { automatic_payment_methods: { enabled: true, allow_redirects: 'never' } };
  expect(none).toMatchObject({ code: 'payment_intent_unexpected_state' });
  expect(noReturn.message).toContain('you must provide a `return_url`');
  expect(
    await post('payment_intents', { ...PAY, ...never, confirm: true, payment_method: 'pm_card_visa' }),
  ).toMatchObject({
    status: 'succeeded',
  });
  expect(await refused('payment_intents', { ...PAY, off_session: true })).toMatchObject({ param: 'off_session' });
});

test('only a test key, only by Bearer, only this version of the API', async () => {
  const ask = async (headers: Record<string, string>) => {
    const answer = await fetch(`${fake.url}/v1/customers`, { headers });
    return { status: answer.status, body: JSON.parse(await answer.text()) };
  };
  const testKey = { authorization: 'Bearer sk_test_x' };
  expect((await ask({})).status).toBe(401);
  expect((await ask({ authorization: 'Bearer sk_live_x' })).status).toBe(401);
  expect((await ask({ ...testKey, 'stripe-version': '2020-08-27' })).body.error).toMatchObject({
    type: 'invalid_request_error',
    message: 'Invalid Stripe API version: 2020-08-27',
  });
  expect((await ask({ ...testKey, 'stripe-version': '2026-10-28.endive' })).status).toBe(200);
  expect((await ask(testKey)).status).toBe(200);
  expect((await refusalOf(new Stripe('sk_live_x', stripeAt(fake.url)).customers.list())).type).toBe(
    'StripeAuthenticationError',
  );
});

function stripeAt(url: string) {
  const { hostname: host, port } = new URL(url);
  return { host, port, protocol: 'http' as const, telemetry: false, maxNetworkRetries: 0 };
}

test('every answer has a request id, errors too', async () => {
  expect((await stripe.customers.create()).lastResponse.requestId).toMatch(/^req_\w+$/);
  expect((await refusalOf(stripe.customers.retrieve('cus_none'))).requestId).toMatch(/^req_\w+$/);
});

test('lists are pages, newest first, forwards and backwards, and the SDK reads through them', async () => {
  const customer = (await stripe.customers.create({ email: 'pages@example.com' })).id;
  const made: string[] = [];
  for (let number = 0; number < 7; number++)
    made.push((await stripe.paymentIntents.create({ amount: 500, currency: 'usd', customer })).id);
  const newestFirst = made.toReversed();

  const first = await stripe.paymentIntents.list({ customer, limit: 3 });
  const next = await stripe.paymentIntents.list({ customer, limit: 3, starting_after: first.data[2]?.id ?? '' });
  const back = await stripe.paymentIntents.list({ customer, limit: 2, ending_before: next.data[0]?.id ?? '' });
  const last = await stripe.paymentIntents.list({ customer, limit: 3, starting_after: next.data[2]?.id ?? '' });

  const ids = (list: { data: { id: string }[] }) => list.data.map(({ id }) => id);
  expect([ids(first), ids(next), ids(last)]).toEqual([
    newestFirst.slice(0, 3),
    newestFirst.slice(3, 6),
    newestFirst.slice(6),
  ]);
  expect([first.has_more, next.has_more, last.has_more]).toEqual([true, true, false]);
  expect({ ids: ids(back), more: back.has_more }).toEqual({ ids: newestFirst.slice(1, 3), more: true });
  expect(first.url).toBe('/v1/payment_intents');
  expect(await stripe.paymentIntents.list({ customer, limit: 2 }).autoPagingToArray({ limit: 100 })).toHaveLength(7);
  expect((await refusalOf(stripe.customers.list({ limit: 101 }))).param).toBe('limit');
  expect((await refusalOf(stripe.customers.list({ starting_after: 'cus_none' }))).param).toBe('starting_after');
});

test('what cannot be expanded is refused, also in a list', async () => {
  const { id } = await stripe.paymentIntents.create({ amount: 500, currency: 'usd', payment_method: 'pm_card_visa' });
  expect(
    (await stripe.paymentIntents.list({ limit: 1, expand: ['data.payment_method'] })).data[0]?.payment_method,
  ).toMatchObject({
    object: 'payment_method',
  });
  expect((await refusalOf(stripe.paymentIntents.retrieve(id, { expand: ['amount'] }))).message).toContain(
    'cannot be expanded',
  );
});

test('refused requests have captured nothing', async () => {
  for (const payment of Object.values(await ledgerOf(fake.url))) expect(payment.captures).toBe(1);
});
