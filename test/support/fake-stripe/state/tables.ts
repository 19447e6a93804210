// Everything that the fake remembers: Stripe's objects as Stripe shows them, and beside them what Stripe knows and does not show.
import type Stripe from 'stripe';

export interface Tables {
  customer: Stripe.Customer;
  deleted_customer: Stripe.DeletedCustomer;
  payment_method: Stripe.PaymentMethod;
  setup_intent: Stripe.SetupIntent;
  payment_intent: Stripe.PaymentIntent;
  charge: Stripe.Charge;
  refund: Stripe.Refund;
  dispute: Stripe.Dispute;
  early_fraud_warning: Stripe.Radar.EarlyFraudWarning;
  balance_transaction: Stripe.BalanceTransaction;
  checkout_session: Stripe.Checkout.Session;
  portal_session: Stripe.BillingPortal.Session;
  tax_calculation: KeptCalculation;
  tax_transaction: KeptTaxTransaction;
  event: Stripe.Event;
  card_use: CardUse;
  session_of_intent: { readonly id: string; readonly session: string };
  checkout_order: CheckoutOrder;
  ledger_entry: LedgerEntry;
  task: Task;
  webhook_endpoint: WebhookEndpoint;
  delivery: Delivery;
  answer: StoredAnswer;
  clock: { readonly id: 'clock'; readonly offsetMs: number };
}

export type Kind = keyof Tables;

export type KeptCalculation = Stripe.Tax.Calculation & {
  readonly id: string;
  readonly expires_at: number;
  readonly line_items: Stripe.ApiList<Stripe.Tax.CalculationLineItem>;
};

export type KeptTaxTransaction = Stripe.Tax.Transaction & {
  readonly line_items: Stripe.ApiList<Stripe.Tax.TransactionLineItem>;
};

/** What the card behind a payment method has been through. Its id is the payment method's. */
export interface CardUse {
  readonly id: string;
  readonly testCard: string;
  readonly attempts: number;
  /** Authenticated once, for payments without the customer. */
  readonly setUp: boolean;
  /** Detached, or spent without a customer: Stripe takes it no more. */
  readonly gone: boolean;
}

/** What a Checkout Session will ask of the payment intent that it makes when somebody pays. Its id is the session's. */
export interface CheckoutOrder {
  readonly id: string;
  readonly intent: Stripe.PaymentIntentCreateParams;
}

/** Money that moved, written where it moves and nowhere derived: what later tests compare with a ledger of their own. */
export interface LedgerEntry {
  readonly id: string;
  readonly paymentIntent: string;
  readonly movement: 'capture' | 'refund' | 'refund_returned';
  readonly amount: number;
  readonly currency: string;
  readonly at: number;
}

/** Something that Stripe does by itself later on. */
export interface Task {
  readonly id: string;
  readonly dueAtMs: number;
  readonly does:
    | 'settle_payment'
    | 'settle_refund'
    | 'fail_refund'
    | 'open_dispute'
    | 'warn_of_fraud'
    | 'expire_session';
  readonly subject: string;
}

export interface WebhookEndpoint {
  readonly id: string;
  readonly url: string;
  readonly secret: string;
  readonly enabledEvents: readonly string[];
}

/** Gone once the endpoint has answered 2xx. */
export interface Delivery {
  readonly id: string;
  readonly event: string;
  readonly endpoint: string;
  readonly attempts: number;
  readonly madeAtMs: number;
  readonly dueAtMs: number;
  readonly givenUp: boolean;
}

/** The first answer to an Idempotency-Key. */
export interface StoredAnswer {
  readonly id: string;
  readonly operation: string;
  readonly parameters: string;
  readonly status: number;
  readonly body: string;
  readonly requestId: string;
  readonly expiresAtMs: number;
}
