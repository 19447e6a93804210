// The virtual clock of the fake: moved by many at once, never back, and past nothing that falls due on the way.
import { expect, test } from '@jest/globals';
import { control, ownStripe, withCard } from './stripe-client.ts';

const fake = await ownStripe();
const { stripe } = fake;

const DAY_SECONDS = 24 * 60 * 60;

async function advance(order: object): Promise<{ now: string; unix: number }> {
  return JSON.parse(await (await control(fake.url, 'clock', order)).text());
}

async function now(): Promise<{ now: string; unix: number }> {
  return JSON.parse(await (await fetch(`${fake.url}/_test/clock`)).text());
}

test('moved ahead in one leap, what fell due on the way happened when it was due, in that order', async () => {
  const { customer, payment_method } = await withCard(stripe, 'pm_fake_processing');
  const disputed = await withCard(stripe, 'pm_card_createDispute');
  const pay = { amount: 1_900, currency: 'usd', allowed_payment_method_types: ['card' as const], confirm: true };
  const { created } = await stripe.paymentIntents.create({ ...pay, customer, payment_method, off_session: true });
  await stripe.paymentIntents.create({ ...pay, ...disputed, off_session: true });
  const session = await stripe.checkout.sessions.create({
    mode: 'setup',
    currency: 'usd',
    customer,
    success_url: 'https://a.example/',
  });

  await advance({ advance_to: created + 10 * DAY_SECONDS });

  const happened = await stripe.events.list({ created: { gt: created + 60 } });
  const due = happened.data.map((event) => [event.type, Math.round((event.created - created) / 60)]);
  expect(due.toReversed()).toEqual([
    ['charge.succeeded', 5],
    ['payment_intent.succeeded', 5],
    ['charge.dispute.created', 60],
    ['charge.dispute.funds_withdrawn', 60],
    ['checkout.session.expired', 24 * 60],
  ]);
  expect((await stripe.checkout.sessions.retrieve(session.id)).status).toBe('expired');
});

test('asked for less than it has, the clock stays, and says where it is; many at once come to the furthest', async () => {
  const { unix } = await now();
  const asked = [3, 1, 5, 2, 4].map((days) => advance({ advance_to: unix + days * DAY_SECONDS }));
  await Promise.all(asked);
  const furthest = (await now()).unix;
  expect(furthest).toBeGreaterThanOrEqual(unix + 5 * DAY_SECONDS);
  expect((await advance({ advance_to: unix })).unix).toBeGreaterThanOrEqual(furthest);
  expect((await stripe.customers.create()).created).toBeGreaterThanOrEqual(furthest);
});

test('an order that is misspelled or no time is refused, and moves nothing', async () => {
  const before = await now();
  for (const order of [{ advance: '7 days' }, { advance_to: 'soon' }, { advance_to: -1 }, {}]) {
    expect((await control(fake.url, 'clock', order)).status).toBe(400);
  }
  expect((await control(fake.url, 'watch', {})).status).toBe(404);
  expect((await now()).unix - before.unix).toBeLessThan(60);
});
