// What customers buy, as people do it: the page of Stripe is asked for, somebody pays on it or leaves a card, and what its webhooks bring
// is waited for.
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import { type Nano, nano } from '../domain/nano.ts';
import { DEMO_CUSTOMER } from './seed.ts';
import type { Staff } from './staff.ts';

const GOOD_CARD = 'pm_card_visa';
/** Can be kept, and never pays. */
const EMPTY_CARD = 'pm_card_chargeCustomerFail';
const TRIES = 300;
const LOOK_AGAIN_MS = 100;

const Page = z.object({ url: z.string(), paymentId: z.string() });
const Payment = z.object({ state: z.string(), creditNano: z.string(), bonusNano: z.string() });
const Balance = z.object({ balanceNano: z.string() });
const Cards = z.object({ data: z.array(z.object({ id: z.string() })) });
export const Subscriptions = z.object({
  data: z.array(z.object({ id: z.string(), phase: z.string(), plan: z.string(), invoiceId: z.string().nullable() })),
});
const StripeCustomers = z.object({
  data: z.array(z.object({ id: z.string(), metadata: z.record(z.string(), z.string()) })),
});

/** With an address that its mails go to. `atFirst`: what it is called until somebody gives it its name. */
export async function newOrganization(staff: Staff, name: string, atFirst = name): Promise<string> {
  const { id } = await staff.post('/organizations', { name: atFirst });
  const billingEmail = `${name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '.')}@customers.example`;
  await staff.patch(`/organizations/${id}/billing-details`, { billingEmail });
  return id;
}

interface Purchase {
  readonly creditNano: Nano;
  /** By how much the customer has more. */
  readonly gainNano: Nano;
}

/** For the seeded customer, who must be at rest: what it spends meanwhile would be missing from the gain. */
export async function buyPack(staff: Staff, pack: string): Promise<Purchase> {
  const orgId = (await staff.list('/organizations')).find(({ name }) => name === DEMO_CUSTOMER)?.id;
  if (orgId === undefined) throw new Error(`there is no organization named ${DEMO_CUSTOMER}`);
  const balance = async () => BigInt((await staff.read(`/organizations/${orgId}/balance`, Balance)).balanceNano);
  const before = await balance();
  const { url, paymentId } = await staff.ask(`/organizations/${orgId}/checkouts`, { pack }, Page);
  await payOn(url);
  const payment = () => staff.read(`/payments/${paymentId}`, Payment);
  await until(`payment ${paymentId} is paid, as Stripe has the money`, async () => (await payment()).state === 'paid');
  const { creditNano, bonusNano } = await payment();
  return { creditNano: nano(BigInt(creditNano) + BigInt(bonusNano)), gainNano: nano((await balance()) - before) };
}

export async function buyPlan(staff: Staff, orgId: string, plan: string, months: 1 | 12 = 1): Promise<void> {
  const { url } = await staff.ask(`/organizations/${orgId}/subscription-checkouts`, { plan, months }, Page);
  await payOn(url);
  await until(`the ${plan} plan of ${orgId} begins`, async () => {
    const { data } = await staff.read(`/organizations/${orgId}/subscriptions`, Subscriptions);
    return data[0]?.phase === 'active' && data[0].plan === plan;
  });
  await until(`the card of ${orgId} is kept`, async () => (await cardsOf(staff, orgId)) > 0);
}

async function payOn(url: string): Promise<void> {
  const body = new URLSearchParams({ payment_method: GOOD_CARD });
  const paid = await fetch(url, { method: 'POST', body, redirect: 'manual' });
  if (paid.status !== 303) throw new Error(`the page of Stripe answered ${paid.status}`);
}

/** From now on its card pays nothing. */
export async function emptyCard(stripe: string, staff: Staff, orgId: string): Promise<void> {
  const before = await cardsOf(staff, orgId);
  const headers = { authorization: 'Bearer sk_test_of_a_customer' };
  const { data } = StripeCustomers.parse(await (await fetch(`${stripe}/v1/customers?limit=100`, { headers })).json());
  const customer = data.find(({ metadata }) => metadata.org_id === orgId)?.id;
  if (customer === undefined) throw new Error(`Stripe knows no customer of organization ${orgId}`);
  const attached = await fetch(`${stripe}/v1/payment_methods/${EMPTY_CARD}/attach`, {
    method: 'POST',
    headers,
    body: new URLSearchParams({ customer }),
  });
  if (!attached.ok) throw new Error(`Stripe kept no card: ${await attached.text()}`);
  await until(`the other card of ${orgId} is known`, async () => (await cardsOf(staff, orgId)) > before);
}

async function cardsOf(staff: Staff, orgId: string): Promise<number> {
  return (await staff.read(`/organizations/${orgId}/cards`, Cards)).data.length;
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 1; !(await isSo()); tries += 1) {
    if (tries === TRIES) throw new Error(`it did not come to this: ${what}`);
    await wait(LOOK_AGAIN_MS);
  }
}
