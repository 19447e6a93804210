// Customers and what they pay with: cards that are theirs, kept by setup intents, gone when they are detached.
import { expect, test } from '@jest/globals';
import { ownStripe, refusalOf, submit, withCard } from './stripe-client.ts';

const fake = await ownStripe();
const { stripe } = fake;

test('a customer is made, found by mail, changed, and says what changed in its event', async () => {
  const { id } = await stripe.customers.create({ email: 'eve@example.com', name: 'Eve', metadata: { org: 'org_1' } });
  await stripe.customers.update(id, { name: 'Eva', address: { country: 'DE', city: 'Köln' } });

  expect(await stripe.customers.retrieve(id)).toMatchObject({
    name: 'Eva',
    address: { country: 'DE', city: 'Köln', line1: null },
    metadata: { org: 'org_1' },
  });
  expect((await stripe.customers.list({ email: 'eve@example.com' })).data.map((customer) => customer.id)).toEqual([id]);
  const [event] = (await stripe.events.list({ type: 'customer.updated' })).data;
  expect(event?.data.previous_attributes).toMatchObject({ name: 'Eve' });
});

test('a deleted customer still reads, as deleted, leaves the lists, and its cards pay no more', async () => {
  const { customer, payment_method } = await withCard(stripe, 'pm_card_visa');
  await stripe.customers.del(customer);

  expect(await stripe.customers.retrieve(customer)).toMatchObject({ id: customer, deleted: true });
  expect((await stripe.customers.list({ limit: 100 })).data.map(({ id }) => id)).not.toContain(customer);
  expect(await refusalOf(stripe.customers.del(customer))).toMatchObject({ statusCode: 404, param: 'id' });
  const pay = { amount: 900, currency: 'usd', payment_method, confirm: true, return_url: 'https://a.example/' };
  expect((await refusalOf(stripe.paymentIntents.create(pay))).message).toContain('may not be used again');
});

test('the same card has the same fingerprint wherever it turns up; another card has another', async () => {
  const print = async (card: string) =>
    (await stripe.paymentMethods.create({ type: 'card', card: { token: card } })).card?.fingerprint;
  expect(await print('tok_visa')).toBe(await print('pm_card_visa'));
  expect(await print('pm_card_visa~ada')).toBe(await print('pm_card_visa~ada'));
  expect(new Set([await print('tok_visa'), await print('tok_mastercard'), await print('pm_card_visa~ada')]).size).toBe(
    3,
  );
});

test('a card is attached, made the default, listed, and detached for good', async () => {
  const { customer, payment_method } = await withCard(stripe, 'pm_card_visa');
  const update = { invoice_settings: { default_payment_method: payment_method } };
  await stripe.customers.update(customer, update);
  const kept = await stripe.customers.retrieve(customer, { expand: ['invoice_settings.default_payment_method'] });
  expect(kept).toMatchObject({ invoice_settings: { default_payment_method: { id: payment_method, customer } } });
  expect((await stripe.customers.listPaymentMethods(customer)).data.map(({ id }) => id)).toEqual([payment_method]);

  await stripe.paymentMethods.detach(payment_method);
  expect((await stripe.paymentMethods.list({ customer })).data).toEqual([]);
  expect((await refusalOf(stripe.paymentMethods.detach(payment_method))).statusCode).toBe(400);
  expect((await refusalOf(stripe.paymentMethods.attach(payment_method, { customer }))).statusCode).toBe(400);
  expect(await refusalOf(stripe.customers.update(customer, update))).toMatchObject({ code: 'resource_missing' });
});

test('a card of another customer is refused, and so is a card by its number', async () => {
  const { payment_method } = await withCard(stripe, 'pm_card_visa');
  const other = (await stripe.customers.create()).id;
  expect((await refusalOf(stripe.paymentMethods.attach(payment_method, { customer: other }))).statusCode).toBe(400);
  const card = { number: '4242424242424242', exp_month: 12, exp_year: 2034 };
  expect((await refusalOf(stripe.paymentMethods.create({ type: 'card', card }))).message).toContain('generally unsafe');
});

test('a setup intent keeps the card of its customer, asks where the bank asks, and reports a decline', async () => {
  const customer = (await stripe.customers.create()).id;
  const confirm = async (payment_method: string) => {
    const { id } = await stripe.setupIntents.create({ customer, allowed_payment_method_types: ['card'] });
    return stripe.setupIntents.confirm(id, { payment_method, return_url: 'https://a.example/' });
  };
  const kept = await confirm('pm_card_visa');
  const asked = await confirm('pm_card_authenticationRequired');
  const declined = await refusalOf(confirm('pm_card_chargeDeclined'));
  const { location } = await submit(asked.next_action?.redirect_to_url?.url ?? '', { outcome: 'fail' });

  expect(kept.status).toBe('succeeded');
  expect(asked.status).toBe('requires_action');
  expect(declined).toMatchObject({ type: 'StripeCardError', setup_intent: { status: 'requires_payment_method' } });
  expect(location).toContain('redirect_status=failed');
  expect((await stripe.setupIntents.retrieve(asked.id)).last_setup_error?.code).toBe(
    'setup_intent_authentication_failure',
  );
  expect((await stripe.paymentMethods.list({ customer })).data.map(({ id }) => id)).toEqual([kept.payment_method]);
});

test('a setup intent that is over is neither confirmed nor cancelled', async () => {
  const customer = (await stripe.customers.create()).id;
  const { id } = await stripe.setupIntents.create({ customer });
  expect((await stripe.setupIntents.cancel(id)).status).toBe('canceled');
  for (const step of [
    stripe.setupIntents.cancel(id),
    stripe.setupIntents.confirm(id, { payment_method: 'pm_card_visa' }),
  ]) {
    expect(await refusalOf(step)).toMatchObject({ code: 'setup_intent_unexpected_state' });
  }
});

test('the portal gives a link, for the flow that was asked for', async () => {
  const customer = (await stripe.customers.create()).id;
  const session = await stripe.billingPortal.sessions.create({
    customer,
    return_url: 'https://a.example/',
    flow_data: { type: 'payment_method_update' },
  });
  expect(session).toMatchObject({ customer, flow: { type: 'payment_method_update' } });
  expect((await fetch(session.url)).status).toBe(200);
});

test('tax is calculated at the rate of a country, on top or within, and a payment intent can be tied to the calculation', async () => {
  const calculation = await stripe.tax.calculations.create({
    currency: 'usd',
    customer_details: { address: { country: 'FR' }, address_source: 'billing' },
    line_items: [
      { amount: 5_000, reference: 'pack' },
      { amount: 1_200, reference: 'fee', tax_behavior: 'inclusive' },
    ],
  });
  expect(calculation).toMatchObject({ amount_total: 7_200, tax_amount_exclusive: 1_000, tax_amount_inclusive: 200 });
  const hooks = { inputs: { tax: { calculation: calculation.id ?? '' } } };
  expect(await stripe.paymentIntents.create({ amount: 7_200, currency: 'usd', hooks })).toMatchObject({ hooks });
});
