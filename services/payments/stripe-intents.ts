// Payment intents at Stripe: made without asking a card, so that they can be written down first; confirmed under the key of the attempt,
// which is the question to the card; cancelled. What a confirmation came to when Stripe did not say so, the intent itself says.
import Stripe from 'stripe';
import type { DeclineCodes } from '../../domain/declines.ts';
import type { PurchaseNote } from './purchase-notes.ts';
import { asked, idOf, isRepeatedFault, translated } from './stripe-client.ts';

/** Of one customer, and by far more than were made for him in a day. */
const NEWEST = 100;

export interface PaymentIntent {
  readonly id: string;
  /** 'open': no card has paid, and none will unasked. */
  readonly state: 'open' | 'processing' | 'paid' | 'cancelled';
  readonly isPaid: boolean;
  /** Received. */
  readonly amountCents: number;
  readonly currency: string;
  /** What we wrote on it when it was asked for; null: it is none of ours. */
  readonly paymentId: string | null;
  /** The rest of that. */
  readonly note: PurchaseNote;
  /** Of the last card that was asked, until one pays. */
  readonly refusal: DeclineCodes | null;
  readonly latestCharge: string | null;
  /** Where the bank asks its customer; null: it does not. */
  readonly bankPage: string | null;
}

export interface IntentOrder {
  readonly paymentId: string;
  readonly note: PurchaseNote;
  readonly customer: string;
  readonly amountCents: number;
  readonly currency: string;
}

/** One question to one card. Asked again it must be the same to the letter. */
export interface Confirming {
  readonly paymentIntent: string;
  readonly paymentId: string;
  readonly attempt: string;
  readonly paymentMethod: string;
}

export type Confirmation =
  | { readonly kind: 'answered'; readonly intent: PaymentIntent }
  | { readonly kind: 'refused'; readonly codes: DeclineCodes }
  /** A fault that Stripe has kept under this key and will repeat: it says nothing about the money. */
  | { readonly kind: 'fault_repeated' }
  /** It is in no state to be confirmed: something else has happened to it. */
  | { readonly kind: 'overtaken' }
  | { readonly kind: 'invalid'; readonly why: string };

export class StripeIntents {
  readonly #stripe: Stripe;

  constructor(stripe: Stripe) {
    this.#stripe = stripe;
  }

  /** null: Stripe has kept a fault under this key and will repeat it; whatever it made then, nobody will confirm. */
  async create({ paymentId, note, customer, amountCents, currency }: IntentOrder): Promise<PaymentIntent | null> {
    try {
      const intent = await this.#stripe.paymentIntents.create(
        {
          amount: amountCents,
          currency,
          customer,
          allowed_payment_method_types: ['card'],
          metadata: note,
        },
        { idempotencyKey: `pi:${paymentId}` },
      );
      return paymentIntentOf(intent);
    } catch (error) {
      if (isRepeatedFault(error)) return null;
      throw translated(error);
    }
  }

  /** The newest that were made for him. */
  async of(customer: string): Promise<PaymentIntent[]> {
    const { data } = await asked(() => this.#stripe.paymentIntents.list({ customer, limit: NEWEST }));
    return data.map(paymentIntentOf);
  }

  /** The customer is not there: a bank that wants him refuses. */
  confirmOffSession(
    { paymentIntent, paymentId, attempt, paymentMethod }: Confirming,
    usedAs: 'recurring' | 'unscheduled',
  ): Promise<Confirmation> {
    return confirmation(() =>
      this.#stripe.paymentIntents.confirm(
        paymentIntent,
        {
          payment_method: paymentMethod,
          off_session: true,
          payment_method_options: { card: { stored_credential_usage: usedAs } },
        },
        { idempotencyKey: `pi:${paymentId}:confirm:${attempt}` },
      ),
    );
  }

  /** The customer is there: his bank may send him to a page of its own, and that sends him back. */
  confirmOnSession(
    { paymentIntent, paymentId, attempt, paymentMethod }: Confirming,
    returnUrl: string,
  ): Promise<Confirmation> {
    return confirmation(() =>
      this.#stripe.paymentIntents.confirm(
        paymentIntent,
        { payment_method: paymentMethod, return_url: returnUrl },
        { idempotencyKey: `pi:${paymentId}:confirm:${attempt}` },
      ),
    );
  }

  /** What it is afterwards: one that has been paid, or may be at this moment, cannot be cancelled. */
  async cancel(paymentIntent: string, paymentId: string, number: number): Promise<PaymentIntent> {
    try {
      const cancelled = await this.#stripe.paymentIntents.cancel(paymentIntent, undefined, {
        idempotencyKey: `pi:${paymentId}:cancel:${number}`,
      });
      return paymentIntentOf(cancelled);
    } catch (error) {
      if (!(error instanceof Stripe.errors.StripeInvalidRequestError)) throw translated(error);
      return paymentIntentOf(await asked(() => this.#stripe.paymentIntents.retrieve(paymentIntent)));
    }
  }
}

async function confirmation(confirm: () => Promise<Stripe.PaymentIntent>): Promise<Confirmation> {
  try {
    return { kind: 'answered', intent: paymentIntentOf(await confirm()) };
  } catch (error) {
    const { StripeCardError, StripeInvalidRequestError } = Stripe.errors;
    if (error instanceof StripeCardError) return { kind: 'refused', codes: codesOf(error) };
    if (error instanceof StripeInvalidRequestError) {
      const isOvertaken = error.code === 'payment_intent_unexpected_state';
      return isOvertaken ? { kind: 'overtaken' } : { kind: 'invalid', why: error.message };
    }
    if (isRepeatedFault(error)) return { kind: 'fault_repeated' };
    throw translated(error);
  }
}

const STATES: Readonly<Partial<Record<Stripe.PaymentIntent.Status, PaymentIntent['state']>>> = {
  succeeded: 'paid',
  canceled: 'cancelled',
  processing: 'processing',
};

export function paymentIntentOf(intent: Stripe.PaymentIntent): PaymentIntent {
  const state = STATES[intent.status] ?? 'open';
  return {
    id: intent.id,
    state,
    isPaid: state === 'paid',
    amountCents: intent.amount_received,
    currency: intent.currency,
    paymentId: intent.metadata.payment_id ?? null,
    note: intent.metadata,
    refusal: intent.last_payment_error === null ? null : codesOf(intent.last_payment_error),
    latestCharge: idOf(intent.latest_charge),
    bankPage: intent.next_action?.redirect_to_url?.url ?? null,
  };
}

interface RefusalOfStripe {
  readonly code?: string | undefined;
  readonly decline_code?: string;
  readonly advice_code?: string;
  readonly network_advice_code?: string;
}

/** A few refusals, such as a failed authentication, have a code alone. */
function codesOf({ code, decline_code: declined, advice_code: advice, network_advice_code: network }: RefusalOfStripe) {
  return { declineCode: declined ?? code ?? null, adviceCode: advice ?? null, networkAdviceCode: network ?? null };
}
