// What Stripe remembers of us since a moment, whole lists of it, for whoever has forgotten: a restored database (services/restores).
import type Stripe from 'stripe';
import { asked, idOf } from './stripe-client.ts';
import { type PaymentIntent, paymentIntentOf } from './stripe-intents.ts';

const PAGE_SIZE = 100;

export interface RememberedPage {
  readonly id: string;
  readonly isOpen: boolean;
  readonly customer: string | null;
  readonly orgId: string | null;
  /** Null: the page is for leaving a card. */
  readonly paymentId: string | null;
}

export class StripeHistory {
  readonly #stripe: Stripe;

  constructor(stripe: Stripe) {
    this.#stripe = stripe;
  }

  /** In the order in which they were made. */
  async intentsSince(since: Date): Promise<PaymentIntent[]> {
    const intents = await all(this.#stripe.paymentIntents.list(madeSince(since)));
    return intents.map(paymentIntentOf);
  }

  async pagesSince(since: Date): Promise<RememberedPage[]> {
    const sessions = await all(this.#stripe.checkout.sessions.list(madeSince(since)));
    return sessions.map(({ id, status, customer, client_reference_id: orgId, metadata }) => ({
      id,
      isOpen: status === 'open',
      customer: idOf(customer),
      orgId,
      paymentId: metadata?.payment_id ?? null,
    }));
  }

  async refundsSince(since: Date): Promise<string[]> {
    const refunds = await all(this.#stripe.refunds.list(madeSince(since)));
    return refunds.map(({ id }) => id);
  }

  /** Whom we had made, and for which organization. */
  async customersSince(since: Date): Promise<{ readonly customer: string; readonly orgId: string }[]> {
    const customers = await all(this.#stripe.customers.list(madeSince(since)));
    return customers.flatMap(({ id, metadata }) =>
      metadata.org_id === undefined ? [] : [{ customer: id, orgId: metadata.org_id }],
    );
  }
}

function madeSince(since: Date) {
  return { created: { gte: Math.floor(since.getTime() / 1_000) }, limit: PAGE_SIZE };
}

/** Stripe lists the newest first. */
async function all<T>(listed: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  await asked(async () => {
    for await (const one of listed) found.unshift(one);
  });
  return found;
}
