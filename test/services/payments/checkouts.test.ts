// A page to pay on: one is open per organization, a crash or a silent Stripe loses nothing, and what is closed can be paid no more.
import { afterEach, expect, test } from '@jest/globals';
import { openCheckout } from '../../../services/payments/checkouts.ts';
import { listPayments } from '../../../services/payments/payments.ts';
import { packPurchase } from '../../../services/payments/purchases.ts';
import { control, noMoreFaults, passHours, submit } from '../../fake-stripe/stripe-client.ts';
import { openTill } from './till.ts';

const till = await openTill();

afterEach(() => noMoreFaults(till.stripeUrl));

async function sessionsOf(orgId: string): Promise<(string | null)[]> {
  const { data } = await till.sdk.checkout.sessions.list();
  return data.filter((session) => session.client_reference_id === orgId).map(({ status }) => status);
}

async function statesOf(orgId: string): Promise<string[]> {
  return (await listPayments(till.db, orgId, null, 10)).map(({ pack, state }) => `${pack} ${state}`);
}

test('two clicks, also at once, lead to one page', async () => {
  const orgId = await till.newOrganization();

  const clicks = await Promise.all([1, 2].map(() => openCheckout(till, packPurchase(orgId, 'pack_50', 'test'))));
  const later = await openCheckout(till, packPurchase(orgId, 'pack_50', 'test'));

  expect(new Set([...clicks, later].map(({ url }) => url)).size).toBe(1);
  expect(await sessionsOf(orgId)).toEqual(['open']);
  expect(await statesOf(orgId)).toEqual(['pack_50 open']);
});

test('another pack closes the page of the first', async () => {
  const orgId = await till.newOrganization();
  const first = await openCheckout(till, packPurchase(orgId, 'pack_10', 'test'));

  const second = await openCheckout(till, packPurchase(orgId, 'pack_100', 'test'));

  expect(second.url).not.toBe(first.url);
  expect(await sessionsOf(orgId)).toEqual(['open', 'expired']);
  expect(await statesOf(orgId)).toEqual(['pack_100 open', 'pack_10 expired']);
  expect((await submit(first.url, { payment_method: 'pm_card_visa' })).status).toBe(410);
});

test('who paid on the first page while the second was asked for has the credit of the first', async () => {
  const orgId = await till.newOrganization();
  await till.pay(orgId, 'pack_10');

  await openCheckout(till, packPurchase(orgId, 'pack_50', 'test'));

  expect(await statesOf(orgId)).toEqual(['pack_50 open', 'pack_10 paid']);
  expect(await till.grantsOf(orgId)).toHaveLength(1);
  expect(await till.differences()).toEqual([]);
});

test.each([
  ['did nothing', 'drop_before'],
  ['did it and was not heard', 'drop_after'],
] as const)('when Stripe %s, the caller is told to come again, and then there is one page', async (_, fault) => {
  const orgId = await till.newOrganization();
  await control(till.stripeUrl, 'fault', { answer: 'POST /v1/checkout/sessions', fault, count: 2 });

  const told = await openCheckout(till, packPurchase(orgId, 'pack_10', 'test')).catch((error: unknown) => error);
  const { url } = await openCheckout(till, packPurchase(orgId, 'pack_10', 'test'));

  expect(told).toMatchObject({ code: 'payment_provider_unavailable', isWorthRetrying: true });
  expect((await submit(url, { payment_method: 'pm_card_visa' })).status).toBe(303);
  expect(await sessionsOf(orgId)).toEqual(['complete']);
  expect(await statesOf(orgId)).toEqual(['pack_10 open']);
});

test('a page that nobody paid on in time is closed, and the next click opens another', async () => {
  const orgId = await till.newOrganization();
  const { url } = await openCheckout(till, packPurchase(orgId, 'pack_10', 'test'));
  await passHours(till.stripeUrl, 2);
  const inbox = till.newInbox();
  for (const event of await till.events()) await inbox.store(event);

  await inbox.processDue();

  expect(await statesOf(orgId)).toEqual(['pack_10 expired']);
  // The fake is two hours ahead of us now: a page that ends in an hour of ours has ended there.
  await till.admin.query(
    `create or replace function billing_now() returns timestamptz language sql stable as $$ select now() + interval '2 hours' $$`,
  );
  expect((await openCheckout(till, packPurchase(orgId, 'pack_10', 'test'))).url).not.toBe(url);
});
