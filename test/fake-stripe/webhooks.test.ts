// Events for every change, and their way to an endpoint: signed, sent again until they are taken, and disturbed on request.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import Stripe from 'stripe';
import { until } from '../support/until.ts';
import {
  control,
  noMoreFaults,
  passHours,
  type Receiver,
  type RunningStripe,
  receiver,
  refusalOf,
  runStripe,
  SECRET,
  withCard,
} from './stripe-client.ts';

let fake: RunningStripe;
let stripe: Stripe;
let endpoint: Receiver;
let status = 200;
beforeEach(async () => {
  status = 200;
  fake = await runStripe();
  stripe = fake.stripe;
  endpoint = await receiver(() => status);
  await control(fake.url, 'webhooks', { url: endpoint.url, secret: SECRET });
});
afterEach(async () => {
  await endpoint.close();
  await fake.close();
});

const types = () => endpoint.received.map(({ event }) => event.type);
const has = (type: string) => until(() => types().includes(type as Stripe.Event.Type));

async function paid(card = 'pm_card_visa') {
  const { customer, payment_method } = await withCard(stripe, card);
  return stripe.paymentIntents.create({
    amount: 1_900,
    currency: 'usd',
    allowed_payment_method_types: ['card'],
    customer,
    payment_method,
    confirm: true,
    off_session: true,
  });
}

test('each change is an event of the right type with the object as it was then, verified by the SDK', async () => {
  const intent = await paid();
  await has('payment_intent.succeeded');

  expect(new Set(types())).toEqual(
    new Set([
      'customer.created',
      'payment_method.attached',
      'payment_intent.created',
      'charge.succeeded',
      'payment_intent.succeeded',
    ]),
  );
  for (const { payload, signature } of endpoint.received) {
    const event = stripe.webhooks.constructEvent(payload, signature, SECRET);
    expect(event).toMatchObject({ object: 'event', api_version: Stripe.API_VERSION, livemode: false });
    if (event.type === 'payment_intent.created') expect(event.data.object.status).toBe('requires_confirmation');
    if (event.type === 'payment_intent.succeeded') {
      expect(event.data.object).toMatchObject({ id: intent.id, status: 'succeeded' });
      expect(event.request?.id).toBe(intent.lastResponse.requestId);
    }
    expect(() => stripe.webhooks.constructEvent(`${payload} `, signature, SECRET)).toThrow();
    expect(() => stripe.webhooks.constructEvent(payload, signature, 'whsec_other')).toThrow();
  }
});

test('signatures carry the real time, objects the virtual one', async () => {
  await passHours(fake.url, 24 * 40);
  const { created } = await stripe.customers.create();
  await has('customer.created');
  const [received] = endpoint.received;
  const signedAt = Number(/^t=(\d+),v1=[0-9a-f]{64}$/.exec(received?.signature ?? '')?.[1]);

  expect(created - signedAt).toBeGreaterThan(39 * 24 * 60 * 60);
  expect(received?.event.created).toBe(created);
  expect(stripe.webhooks.constructEvent(received?.payload ?? '', received?.signature ?? '', SECRET).id).toBe(
    received?.event.id,
  );
});

test('what an endpoint does not take comes again until it does; meanwhile it is listed as undelivered', async () => {
  status = 500;
  const { id } = await stripe.customers.create();
  await has('customer.created');
  const undelivered = await stripe.events.list({ delivery_success: false });
  expect(undelivered.data).toMatchObject([{ type: 'customer.created', pending_webhooks: 1, data: { object: { id } } }]);

  status = 200;
  await passHours(fake.url, 1);
  await until(async () => (await stripe.events.list({ delivery_success: false })).data.length === 0);
  const [event] = (await stripe.events.list({ delivery_success: true })).data;
  expect(new Set(endpoint.received.map((one) => one.event.id))).toEqual(new Set([event?.id]));
  expect(event?.pending_webhooks).toBe(0);
});

test('who reads the undelivered events page by page goes on behind one that was delivered meanwhile', async () => {
  status = 500;
  const made: string[] = [];
  for (let number = 0; number < 3; number++) made.push((await stripe.customers.create()).id);
  await until(() => endpoint.received.length >= 3);
  const undelivered = { delivery_success: false, limit: 1 };
  const [newest] = (await stripe.events.list(undelivered)).data;
  status = 200;
  await passHours(fake.url, 1);
  await until(async () => (await stripe.events.list(undelivered)).data.length === 0);

  const next = await stripe.events.list({ ...undelivered, starting_after: newest?.id ?? '' });
  const behind = await stripe.events.list({ type: 'customer.created', starting_after: newest?.id ?? '' });
  expect(next.data).toEqual([]);
  expect(behind.data.map(({ data }) => 'id' in data.object && data.object.id)).toEqual([made[1], made[0]]);
});

test('after three days nothing is sent any more, and the event can still be read, for thirty days', async () => {
  status = 500;
  await stripe.customers.create();
  await has('customer.created');
  for (let hours = 0; hours < 72; hours += 12) {
    const before = endpoint.received.length;
    await passHours(fake.url, 12);
    await until(() => endpoint.received.length > before);
  }
  const undelivered = async () => (await stripe.events.list({ delivery_success: false })).data[0];
  await until(async () => (await undelivered())?.pending_webhooks === 0);
  const sent = endpoint.received.length;
  await passHours(fake.url, 24);
  const id = (await undelivered())?.id ?? '';
  expect(endpoint.received).toHaveLength(sent);
  expect((await stripe.events.retrieve(id)).id).toBe(id);

  await passHours(fake.url, 24 * 26);
  expect((await refusalOf(stripe.events.retrieve(id))).statusCode).toBe(404);
});

test('events are listed by type, types, wildcard and time, newest first', async () => {
  const intent = await paid();
  await has('payment_intent.succeeded');
  const listed = async (params: Stripe.EventListParams) =>
    (await stripe.events.list(params)).data.map(({ type }) => type);

  expect(await listed({ type: 'payment_intent.*' })).toEqual(['payment_intent.succeeded', 'payment_intent.created']);
  expect(await listed({ types: ['charge.succeeded', 'customer.created'] })).toEqual([
    'charge.succeeded',
    'customer.created',
  ]);
  expect(await listed({ created: { gt: intent.created + 60 } })).toEqual([]);
  expect(await listed({ created: { gte: intent.created - 60 } })).toHaveLength(5);
  expect((await refusalOf(stripe.events.list({ type: 'a', types: ['b'] }))).statusCode).toBe(400);
});

test('duplicate: the same event twice; twin: two events for one change', async () => {
  await control(fake.url, 'fault', { webhook: 'payment_intent.succeeded', fault: 'duplicate' });
  await paid();
  await until(() => types().filter((type) => type === 'payment_intent.succeeded').length === 2);
  const [one, two] = endpoint.received.filter(({ event }) => event.type === 'payment_intent.succeeded');
  expect(one?.event.id).toBe(two?.event.id);

  await control(fake.url, 'fault', { webhook: 'customer.created', fault: 'twin' });
  endpoint.received.length = 0;
  await stripe.customers.create();
  await until(() => endpoint.received.length === 2);
  expect(new Set(endpoint.received.map(({ event }) => event.id)).size).toBe(2);
  expect(endpoint.received[0]?.event.data).toEqual(endpoint.received[1]?.event.data);
});

test('reorder: a later event comes first', async () => {
  await control(fake.url, 'fault', { webhook: 'charge.succeeded', fault: 'reorder' });
  await paid();
  await has('charge.succeeded');
  expect(types().indexOf('charge.succeeded')).toBeGreaterThan(0);
  expect(types().filter((type) => type === 'charge.succeeded')).toHaveLength(1);
});

test('lose: it never comes, and only a look at the undelivered events finds it', async () => {
  await control(fake.url, 'fault', { webhook: 'payment_intent.succeeded', fault: 'lose' });
  await paid();
  await has('charge.succeeded');
  await passHours(fake.url, 24);
  const lost = await stripe.events.list({ delivery_success: false });
  expect(types()).not.toContain('payment_intent.succeeded');
  expect(lost.data.map(({ type }) => type)).toEqual(['payment_intent.succeeded']);
});

test('delay: others that were made later come before it', async () => {
  await control(fake.url, 'fault', { webhook: 'customer.created', fault: 'delay', ms: 60_000 });
  const late = await stripe.customers.create();
  const { id } = await stripe.customers.create();
  await has('customer.created');
  expect(endpoint.received[0]?.event.data.object).toMatchObject({ id });
  await noMoreFaults(fake.url);
  await until(() => endpoint.received.length === 2);
  expect(endpoint.received[1]?.event.data.object).toMatchObject({ id: late.id });
});

test('an endpoint that asked for some types gets no others', async () => {
  const other = await receiver();
  await control(fake.url, 'webhooks', { url: other.url, secret: SECRET, enabled_events: ['charge.*'] });
  await paid();
  await has('payment_intent.succeeded');
  await until(() => other.received.length > 0);
  expect(other.received.map(({ event }) => event.type)).toEqual(['charge.succeeded']);
  await other.close();
});
