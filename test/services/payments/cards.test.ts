// The cards that we know are those that Stripe has, the newest is the one that is asked, and whoever waits for another one hears of it.
import { expect, test } from '@jest/globals';
import { openCardSetup } from '../../../services/payments/card-setups.ts';
import { listCards } from '../../../services/payments/cards.ts';
import { stripeCustomer } from '../../../services/payments/stripe-customers.ts';
import { submit } from '../../fake-stripe/stripe-client.ts';
import { passBillingMinutes } from './billed-customer.ts';
import { openTill } from './till.ts';

const till = await openTill();
const heard: string[] = [];

/** All events, the newest first as Stripe lists them, so the order is wrong; twice. */
async function followEvents(): Promise<void> {
  const inbox = till.newInbox(async (_tx, orgId, card) => {
    heard.push(`${orgId} ${card}`);
  });
  for (const event of await till.events()) await inbox.store(event);
  await inbox.processDue();
}

async function cardsOf(orgId: string): Promise<string[]> {
  const cards = await listCards(till.db, orgId, null, 10);
  return cards.map(({ brand, last4, isDefault }) => `${brand} ${last4}${isDefault ? ' default' : ''}`);
}

function heardOf(orgId: string): string[] {
  return heard.filter((one) => one.startsWith(orgId)).map((one) => one.slice(orgId.length + 1));
}

async function withCustomer() {
  const orgId = await till.newOrganization();
  return { orgId, customer: await stripeCustomer(till.db, till.stripe, orgId) };
}

async function waitingEvents(): Promise<unknown[]> {
  return (await till.admin.query('select type, error from stripe_events where processed_at is null')).rows;
}

test('a card left on the page of Stripe is the default, and the page is closed', async () => {
  const { orgId } = await withCustomer();
  const clicks = await Promise.all([
    openCardSetup(till, orgId, till.publicUrl),
    openCardSetup(till, orgId, till.publicUrl),
  ]);
  const later = await openCardSetup(till, orgId, till.publicUrl);
  const { status } = await submit(later.url, { payment_method: 'pm_card_visa' });

  await followEvents();

  expect(new Set([...clicks, later].map(({ url }) => url)).size).toBe(1);
  expect(status).toBe(303);
  expect(await cardsOf(orgId)).toEqual(['visa 4242 default']);
  expect(heardOf(orgId)).toEqual([expect.stringMatching(/^pm_\w+ \d{4}-\d+ \w+$/)]);
  expect((await openCardSetup(till, orgId, till.publicUrl)).url).not.toBe(later.url);
  expect(await waitingEvents()).toEqual([]);
});

test('the newest card is the default, in whatever order and however often it is told', async () => {
  const { orgId, customer } = await withCustomer();
  for (const card of ['pm_card_visa', 'pm_card_mastercard', 'pm_card_amex']) {
    await till.sdk.paymentMethods.attach(card, { customer });
  }

  await followEvents();
  await till.admin.query('update stripe_events set processed_at = null, due_at = clock_timestamp()');
  await followEvents();

  expect((await cardsOf(orgId)).toSorted()).toEqual(['amex 0005 default', 'mastercard 4444', 'visa 4242']);
  expect(heardOf(orgId)).toHaveLength(1);
});

test('a default that is taken away leaves its place to the newest of the others, and the last one to nobody', async () => {
  const { orgId, customer } = await withCustomer();
  const visa = await till.sdk.paymentMethods.attach('pm_card_visa', { customer });
  const amex = await till.sdk.paymentMethods.attach('pm_card_amex', { customer });
  await followEvents();
  await till.sdk.paymentMethods.detach(amex.id);
  await followEvents();
  const without = await cardsOf(orgId);
  await till.sdk.paymentMethods.detach(visa.id);

  await followEvents();

  expect(without).toEqual(['visa 4242 default']);
  expect(await cardsOf(orgId)).toEqual([]);
  expect(heardOf(orgId).map((name) => name.split(' ')[0])).toEqual([amex.id, visa.id]);
});

test('a card that pays for a pack is not kept, and that of a first subscription is', async () => {
  const packs = await withCustomer();
  await till.pay(packs.orgId, 'pack_10');
  const { orgId, customer } = await withCustomer();
  const order = {
    paymentId: crypto.randomUUID(),
    orgId,
    customer,
    amountCents: 1_900,
    taxCents: 0,
    currency: 'usd',
    title: 'Pro',
    note: { org_id: orgId },
  };
  const expiresAt = new Date(Math.ceil(Date.now() / 1000) * 1000 + 60 * 60_000);
  const { url } = await till.stripe.createCheckout({ ...order, expiresAt, returnUrl: till.publicUrl, keepsCard: true });
  await submit(url, { payment_method: 'pm_card_visa' });

  await followEvents();

  expect(await cardsOf(packs.orgId)).toEqual([]);
  expect(await cardsOf(orgId)).toEqual(['visa 4242 default']);
});

test('the card of a customer who is none of ours is nobody’s here', async () => {
  const { id: customer } = await till.sdk.customers.create();
  const { id } = await till.sdk.paymentMethods.attach('pm_card_visa', { customer });

  await followEvents();

  const { rows } = await till.admin.query('select from payment_methods where stripe_payment_method = $1', [id]);
  expect(rows).toEqual([]);
  expect(await waitingEvents()).toEqual([]);
});

test('a page on which nobody left a card in time is closed by the next click', async () => {
  const { orgId } = await withCustomer();
  const { url } = await openCardSetup(till, orgId, till.publicUrl);
  await passBillingMinutes(till, 61);

  const later = await openCardSetup(till, orgId, till.publicUrl);

  expect(later.url).not.toBe(url);
});
