// What we ask Stripe; beside the modules that it is made of, nobody knows the SDK. Every POST carries an idempotency key made of the id
// of the row that it is about, never a random one: a repetition after a crash is the same request (test/house/stripe-posts.ts).
import Stripe from 'stripe';
import { TollgateError } from '../../domain/errors.ts';
import type { StripeSettings } from '../platform/config.ts';
import type { PurchaseNote } from './purchase-notes.ts';
import { StripeCards } from './stripe-cards.ts';
import { asked, type BeforePost, idOf, openStripe, translated } from './stripe-client.ts';
import { StripeHistory } from './stripe-history.ts';
import { type PaymentIntent, paymentIntentOf, StripeIntents } from './stripe-intents.ts';
import { StripeTaxes } from './stripe-taxes.ts';

const PAGE_SIZE = 100;
/** How far a signature may lie from now; Stripe's own number. */
const SIGNATURE_TOLERANCE_MS = 300_000;

/** What may be about money of ours, or the card that it comes from; of no other event is anything kept. */
const FOLLOWED = [
  'payment_intent.succeeded',
  'checkout.session.completed',
  'checkout.session.async_payment_succeeded',
  'checkout.session.async_payment_failed',
  'checkout.session.expired',
  'charge.refunded',
  'refund.created',
  'refund.updated',
  'refund.failed',
  'setup_intent.succeeded',
  'payment_method.attached',
  'payment_method.updated',
  'payment_method.automatically_updated',
  'payment_method.detached',
] as const satisfies readonly Stripe.EventListParams['type'][];

export interface StripeEvent {
  readonly id: string;
  readonly type: string;
  readonly createdAt: Date;
  readonly payload: unknown;
}

export interface CheckoutOrder {
  readonly paymentId: string;
  readonly orgId: string;
  readonly customer: string;
  readonly amountCents: number;
  /** Of the amount: a line of its own. */
  readonly taxCents: number;
  readonly currency: string;
  readonly title: string;
  readonly expiresAt: Date;
  readonly returnUrl: string;
  /** The card that pays is kept, and may be asked again when nobody is there. */
  readonly keepsCard: boolean;
  readonly note: PurchaseNote;
}

export interface CheckoutSession {
  readonly isExpired: boolean;
  readonly isComplete: boolean;
  /** null: nobody has tried to pay yet, or the page is for leaving a card. */
  readonly paymentIntent: string | null;
  readonly customer: string | null;
}

export interface StripeRefund {
  readonly id: string;
  readonly amountCents: number;
  readonly state: 'submitted' | 'succeeded' | 'failed';
  /** What we wrote on it; null: somebody made it at Stripe. */
  readonly refundId: string | null;
}

export class StripeApi {
  readonly intents: StripeIntents;
  readonly cards: StripeCards;
  readonly taxes: StripeTaxes;
  readonly history: StripeHistory;
  /** Whoever is about to change something there may ask before he looks at anything (D150). */
  readonly mayPost: BeforePost;
  readonly #stripe: Stripe;
  readonly #webhookSecret: string;

  constructor(settings: StripeSettings, beforePost: BeforePost) {
    this.mayPost = beforePost;
    this.#stripe = openStripe(settings, beforePost);
    this.intents = new StripeIntents(this.#stripe);
    this.cards = new StripeCards(this.#stripe);
    this.taxes = new StripeTaxes(this.#stripe);
    this.history = new StripeHistory(this.#stripe);
    this.#webhookSecret = settings.webhookSecret;
  }

  /** The parameters do not change with the organization, or a repetition would be another request. */
  async createCustomer(orgId: string): Promise<string> {
    const customer = await asked(() =>
      this.#stripe.customers.create({ metadata: { org_id: orgId } }, { idempotencyKey: `cus:${orgId}` }),
    );
    return customer.id;
  }

  async createCheckout(order: CheckoutOrder): Promise<{ readonly session: string; readonly url: string }> {
    const { paymentId, orgId, customer, amountCents, taxCents, currency, title, expiresAt, returnUrl, keepsCard } =
      order;
    const metadata = order.note;
    const lineOf = (name: string, unit_amount: number) => ({
      price_data: { currency, unit_amount, product_data: { name } },
      quantity: 1,
    });
    const session = await asked(() =>
      this.#stripe.checkout.sessions.create(
        {
          mode: 'payment',
          customer,
          client_reference_id: orgId,
          line_items: [lineOf(title, amountCents - taxCents), ...(taxCents === 0 ? [] : [lineOf('Tax', taxCents)])],
          payment_intent_data: { metadata, ...(keepsCard ? { setup_future_usage: 'off_session' } : {}) },
          metadata,
          success_url: returnUrl,
          cancel_url: returnUrl,
          expires_at: expiresAt.getTime() / 1000,
        },
        { idempotencyKey: `checkout:${paymentId}` },
      ),
    );
    if (session.url === null) throw new Error(`Stripe made session ${session.id} without a page`);
    return { session: session.id, url: session.url };
  }

  /** What the session is afterwards: one on which somebody has just paid cannot be expired. */
  async expireCheckout(session: string, paymentId: string): Promise<CheckoutSession> {
    try {
      const expired = await this.#stripe.checkout.sessions.expire(session, undefined, {
        idempotencyKey: `checkout:${paymentId}:expire`,
      });
      return checkoutSession(expired);
    } catch (error) {
      if (error instanceof Stripe.errors.StripeInvalidRequestError) return this.checkout(session);
      throw translated(error);
    }
  }

  async checkout(session: string): Promise<CheckoutSession> {
    return checkoutSession(await asked(() => this.#stripe.checkout.sessions.retrieve(session)));
  }

  async paymentIntent(id: string): Promise<PaymentIntent> {
    return paymentIntentOf(await asked(() => this.#stripe.paymentIntents.retrieve(id)));
  }

  /** null: Stripe will not do it, now or later. */
  async createRefund(refundId: string, paymentIntent: string, amountCents: number): Promise<StripeRefund | null> {
    try {
      const refund = await this.#stripe.refunds.create(
        { payment_intent: paymentIntent, amount: amountCents, metadata: { refund_id: refundId } },
        { idempotencyKey: `refund:${refundId}` },
      );
      return stripeRefund(refund);
    } catch (error) {
      if (error instanceof Stripe.errors.StripeInvalidRequestError) return null;
      throw translated(error);
    }
  }

  async refundsOf(paymentIntent: string): Promise<StripeRefund[]> {
    const { data } = await asked(() => this.#stripe.refunds.list({ payment_intent: paymentIntent, limit: PAGE_SIZE }));
    return data.map(stripeRefund);
  }

  /** null: of a charge that no payment intent made. */
  async refundedPaymentIntent(kind: 'charge' | 'refund', id: string): Promise<string | null> {
    const { payment_intent: intent } = await asked<{ payment_intent: string | Stripe.PaymentIntent | null }>(() =>
      kind === 'refund' ? this.#stripe.refunds.retrieve(id) : this.#stripe.charges.retrieve(id),
    );
    return idOf(intent);
  }

  /** Newest first, as many at once as Stripe tells. null: all that it still knows, which is 30 days. */
  async *eventsSince(since: Date | null): AsyncIterable<readonly StripeEvent[]> {
    const created = since === null ? {} : { created: { gte: Math.floor(since.getTime() / 1000) } };
    for (let after = {}; ; ) {
      const wanted = { types: [...FOLLOWED], limit: PAGE_SIZE, ...created, ...after };
      const { data, has_more: isMore } = await asked(() => this.#stripe.events.list(wanted));
      yield data.map(stripeEvent);
      const last = data.at(-1);
      if (!isMore || last === undefined) return;
      after = { starting_after: last.id };
    }
  }

  /**
   * The SDK looks at the age of a signature only: one that a wrong clock, or a thief, has stamped for later would be good until then.
   * null: an event that we do not follow.
   */
  readWebhook(body: Buffer, signature: string, nowMs: number): StripeEvent | null {
    const event = this.#signedEvent(body, signature);
    const stamps = [...signature.matchAll(/(?:^|,)t=(\d+)/g)].map(([, seconds]) => Number(seconds) * 1000);
    if (Math.max(...stamps) > nowMs + SIGNATURE_TOLERANCE_MS) throw unsigned('It was signed in the future.');
    return FOLLOWED.some((type) => type === event.type) ? stripeEvent(event) : null;
  }

  #signedEvent(body: Buffer, signature: string): Stripe.Event {
    try {
      return this.#stripe.webhooks.constructEvent(body, signature, this.#webhookSecret);
    } catch (error) {
      if (error instanceof Stripe.errors.StripeSignatureVerificationError) throw unsigned('Its signature is not good.');
      throw error;
    }
  }
}

function unsigned(why: string): TollgateError {
  return new TollgateError('invalid_signature', {
    message: `This is no event of Stripe. ${why} Is STRIPE_WEBHOOK_SECRET that of this endpoint?`,
  });
}

function stripeEvent(event: Stripe.Event): StripeEvent {
  return { id: event.id, type: event.type, createdAt: new Date(event.created * 1000), payload: event };
}

function checkoutSession({ status, payment_intent: intent, customer }: Stripe.Checkout.Session): CheckoutSession {
  return {
    isExpired: status === 'expired',
    isComplete: status === 'complete',
    paymentIntent: idOf(intent),
    customer: idOf(customer),
  };
}

const REFUND_STATES: Readonly<Record<string, StripeRefund['state']>> = {
  succeeded: 'succeeded',
  failed: 'failed',
  canceled: 'failed',
};

function stripeRefund({ id, amount, status, metadata }: Stripe.Refund): StripeRefund {
  const state = REFUND_STATES[status ?? ''] ?? 'submitted';
  return { id, amountCents: amount, state, refundId: metadata?.refund_id ?? null };
}
