// What Stripe remembers of us since a moment, whole lists of it, for whoever has forgotten: a restored database (services/restores).
import Stripe from 'stripe';
import { asked, idOf, translated } from './stripe-client.ts';
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

/** Whom we had made, and for which organization. */
export interface RememberedCustomer {
  readonly id: string;
  readonly orgId: string;
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

  async refundsSince(since: Date): Promise<{ readonly id: string }[]> {
    const refunds = await all(this.#stripe.refunds.list(madeSince(since)));
    return refunds.map(({ id }) => ({ id }));
  }

  async customersSince(since: Date): Promise<RememberedCustomer[]> {
    const customers = await all(this.#stripe.customers.list(madeSince(since)));
    return customers.flatMap(({ id, metadata }) =>
      metadata.org_id === undefined ? [] : [{ id, orgId: metadata.org_id }],
    );
  }

  /** False: the key is of another account, or of its other mode. One that was removed is remembered. */
  async remembers({ kind, id }: { readonly kind: 'customer' | 'intent'; readonly id: string }): Promise<boolean> {
    try {
      await (kind === 'customer' ? this.#stripe.customers.retrieve(id) : this.#stripe.paymentIntents.retrieve(id));
      return true;
    } catch (error) {
      if (error instanceof Stripe.errors.StripeInvalidRequestError && error.code === 'resource_missing') return false;
      throw translated(error);
    }
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
