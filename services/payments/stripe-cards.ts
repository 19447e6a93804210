// Cards at Stripe: what is shown of one, the page on which a customer leaves one, and the portal where he changes or removes it. We never
// see a number.
import type Stripe from 'stripe';
import { asked, idOf } from './stripe-client.ts';

const PAGE_SIZE = 100;

export interface StripeCard {
  readonly id: string;
  readonly brand: string;
  readonly last4: string;
  readonly expMonth: number;
  readonly expYear: number;
  /** The same for the same number, whoever leaves it. */
  readonly fingerprint: string | null;
  readonly createdAt: Date;
}

export interface CardPageOrder {
  readonly setupId: string;
  readonly orgId: string;
  readonly customer: string;
  readonly expiresAt: Date;
  readonly returnUrl: string;
}

export class StripeCards {
  readonly #stripe: Stripe;

  constructor(stripe: Stripe) {
    this.#stripe = stripe;
  }

  /** All that belong to him now. */
  async cardsOf(customer: string): Promise<StripeCard[]> {
    const listed = this.#stripe.paymentMethods.list({ customer, type: 'card', limit: PAGE_SIZE });
    const cards: StripeCard[] = [];
    await asked(async () => {
      for await (const method of listed) cards.push(cardOf(method));
    });
    return cards;
  }

  /** Whose card was, or is to be, kept; null: nobody's. */
  async customerOf(kind: 'payment_method' | 'setup_intent', id: string): Promise<string | null> {
    const { customer } = await asked<{ customer: string | Stripe.Customer | Stripe.DeletedCustomer | null }>(() =>
      kind === 'setup_intent' ? this.#stripe.setupIntents.retrieve(id) : this.#stripe.paymentMethods.retrieve(id),
    );
    return idOf(customer);
  }

  async openPage(order: CardPageOrder): Promise<{ readonly session: string; readonly url: string }> {
    const { setupId, orgId, customer, expiresAt, returnUrl } = order;
    const session = await asked(() =>
      this.#stripe.checkout.sessions.create(
        {
          mode: 'setup',
          customer,
          client_reference_id: orgId,
          allowed_payment_method_types: ['card'],
          success_url: returnUrl,
          cancel_url: returnUrl,
          expires_at: expiresAt.getTime() / 1000,
        },
        { idempotencyKey: `card-setup:${setupId}` },
      ),
    );
    if (session.url === null) throw new Error(`Stripe made session ${session.id} without a page`);
    return { session: session.id, url: session.url };
  }

  /** Good for a few minutes: each visit has one of its own. */
  async openPortal(visitId: string, customer: string, returnUrl: string): Promise<string> {
    const { url } = await asked(() =>
      this.#stripe.billingPortal.sessions.create(
        { customer, return_url: returnUrl },
        { idempotencyKey: `portal:${visitId}` },
      ),
    );
    return url;
  }
}

function cardOf({ id, card, created }: Stripe.PaymentMethod): StripeCard {
  if (card === undefined) throw new Error(`Stripe lists ${id} as a card and shows none`);
  const { brand, last4, exp_month: expMonth, exp_year: expYear, fingerprint = null } = card;
  return { id, brand, last4, expMonth, expYear, fingerprint, createdAt: new Date(created * 1000) };
}
