// One pack of credit, bought as people do it: the page of Stripe is asked for, somebody pays on it, and the credit is there as soon as
// Stripe's webhook has been heard.
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import { type Nano, nano } from '../domain/nano.ts';
import type { Endpoints } from './installation.ts';
import { DEMO_CUSTOMER } from './seed.ts';

const CARD = 'pm_card_visa';
const TRIES = 120;
const LOOK_AGAIN_MS = 250;

const Checkout = z.object({ url: z.string(), paymentId: z.string() });
const Payment = z.object({ state: z.string(), creditNano: z.string(), bonusNano: z.string() });
const Balance = z.object({ balanceNano: z.string() });
const Organizations = z.object({ data: z.array(z.object({ id: z.string(), name: z.string() })) });

export interface Purchase {
  readonly creditNano: Nano;
  /** By how much the customer has more. */
  readonly gainNano: Nano;
}

/** For the seeded customer, who must be at rest: what it spends meanwhile would be missing from the gain. */
export async function buyPack(endpoints: Endpoints, pack: string): Promise<Purchase> {
  const { data } = Organizations.parse(await asked(endpoints, '/organizations?limit=200'));
  const orgId = data.find(({ name }) => name === DEMO_CUSTOMER)?.id;
  if (orgId === undefined) throw new Error(`there is no organization named ${DEMO_CUSTOMER}`);
  const before = await balanceOf(endpoints, orgId);
  const { url, paymentId } = Checkout.parse(await asked(endpoints, `/organizations/${orgId}/checkouts`, { pack }));
  const paid = await fetch(url, {
    method: 'POST',
    body: new URLSearchParams({ payment_method: CARD }),
    redirect: 'manual',
  });
  if (paid.status !== 303 && paid.status !== 302) throw new Error(`the page of Stripe answered ${paid.status}`);
  for (let tries = 1; ; tries += 1) {
    const { state, creditNano, bonusNano } = Payment.parse(await asked(endpoints, `/payments/${paymentId}`));
    if (state === 'paid') {
      const gainNano = nano((await balanceOf(endpoints, orgId)) - before);
      return { creditNano: nano(BigInt(creditNano) + BigInt(bonusNano)), gainNano };
    }
    if (tries === TRIES) throw new Error(`payment ${paymentId} is ${state} though Stripe has the money`);
    await wait(LOOK_AGAIN_MS);
  }
}

async function balanceOf(endpoints: Endpoints, orgId: string): Promise<bigint> {
  return BigInt(Balance.parse(await asked(endpoints, `/organizations/${orgId}/balance`)).balanceNano);
}

async function asked({ api, adminToken }: Endpoints, path: string, body?: object): Promise<unknown> {
  const answer = await fetch(`${api}/api/v1${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${path} was answered ${answer.status}: ${text.slice(0, 500)}`);
  return JSON.parse(text);
}
