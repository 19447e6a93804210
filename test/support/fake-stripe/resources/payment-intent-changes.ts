// A payment intent as it is made, changed and cancelled, by a request or by the Checkout Session that it belongs to.
import type Stripe from 'stripe';
import { noSuch } from '../wire/refusals.ts';
import { newId, type World } from '../world.ts';
import { checkAmount } from './amounts.ts';
import { cardOptions } from './card-options.ts';
import { customerNamed } from './customers.ts';
import { emit } from './events.ts';
import { idOf } from './id-of.ts';
import { mergedMetadata } from './metadata.ts';
import { usablePaymentMethod } from './payment-methods.ts';

export type ConfirmParams = Pick<
  Stripe.PaymentIntentConfirmParams,
  | 'error_on_requires_action'
  | 'off_session'
  | 'payment_method'
  | 'payment_method_options'
  | 'receipt_email'
  | 'return_url'
  | 'setup_future_usage'
>;
type Details = ConfirmParams & Pick<Stripe.PaymentIntentUpdateParams, 'customer' | 'description' | 'metadata'>;

/** Nobody has paid and nobody will unasked. */
export const OPEN: readonly string[] = ['requires_payment_method', 'requires_confirmation', 'requires_action'];

export function newPaymentIntent(world: World, params: Stripe.PaymentIntentCreateParams): Stripe.PaymentIntent {
  const { amount, currency, allowed_payment_method_types: allowed } = params;
  checkAmount(amount, currency);
  const id = newId('pi');
  const blank: Stripe.PaymentIntent = {
    id,
    object: 'payment_intent',
    allowed_payment_method_types: allowed ?? null,
    amount,
    amount_capturable: 0,
    amount_received: 0,
    application: null,
    application_fee_amount: null,
    automatic_payment_methods: { allow_redirects: 'always', ...params.automatic_payment_methods, enabled: true },
    canceled_at: null,
    cancellation_reason: null,
    capture_method: 'automatic_async',
    client_secret: newId(`${id}_secret`),
    confirmation_method: 'automatic',
    created: world.nowSeconds(),
    currency,
    customer: null,
    customer_account: null,
    description: null,
    excluded_payment_method_types: null,
    last_payment_error: null,
    latest_charge: null,
    livemode: false,
    managed_payments: { enabled: false },
    metadata: {},
    next_action: null,
    on_behalf_of: null,
    payment_method: null,
    payment_method_configuration_details: null,
    payment_method_options: {},
    payment_method_types: allowed ?? ['card'],
    payment_record: null,
    processing: null,
    receipt_email: null,
    review: null,
    setup_future_usage: null,
    shipping: null,
    source: null,
    statement_descriptor: null,
    statement_descriptor_suffix: params.statement_descriptor_suffix ?? null,
    status: 'requires_payment_method',
    transfer_group: null,
  };
  const intent = withHooks(world, withDetails(world, blank, params), params.hooks);
  world.store.put('payment_intent', intent);
  emit(world, 'payment_intent.created', intent);
  return intent;
}

export function withDetails(world: World, before: Stripe.PaymentIntent, params: Details): Stripe.PaymentIntent {
  const described = {
    ...before,
    description: params.description ?? before.description,
    metadata: mergedMetadata(before.metadata, params.metadata),
  };
  return changesPayment(params) === undefined ? described : withTerms(world, described, params);
}

/** The first parameter that concerns the payment itself. */
export function changesPayment(params: object): string | undefined {
  return Object.keys(params).find((name) => name !== 'metadata' && name !== 'description');
}

/** What a customer was to authenticate before is another payment now. */
function withTerms(world: World, before: Stripe.PaymentIntent, params: Details): Stripe.PaymentIntent {
  const customer =
    params.customer === undefined ? idOf(before.customer) : (customerNamed(world, params.customer)?.id ?? null);
  const named = params.payment_method ?? idOf(before.payment_method);
  const method = named === null ? null : usablePaymentMethod(world, named, customer);
  const { receipt_email: email, setup_future_usage: usage } = params;
  const card = cardOptions(params.payment_method_options);
  const blank = { installments: null, mandate_options: null, network: null };
  return {
    ...before,
    customer,
    payment_method: method?.id ?? null,
    receipt_email: email === undefined ? before.receipt_email : email || null,
    setup_future_usage: usage === undefined ? before.setup_future_usage : usage || null,
    status: method === null ? 'requires_payment_method' : 'requires_confirmation',
    next_action: null,
    payment_method_options: card === null ? before.payment_method_options : { card: { ...blank, ...card } },
  };
}

export function withHooks(
  world: World,
  intent: Stripe.PaymentIntent,
  hooks: Stripe.PaymentIntentCreateParams['hooks'] | Stripe.PaymentIntentUpdateParams['hooks'],
): Stripe.PaymentIntent {
  const calculation = hooks?.inputs?.tax?.calculation;
  if (calculation === undefined) return intent;
  if (calculation === '' || calculation === null) return { ...intent, hooks: {} };
  if (world.store.get('tax_calculation', calculation) === undefined) {
    throw noSuch('tax calculation', calculation, 'hooks[inputs][tax][calculation]');
  }
  return { ...intent, hooks: { inputs: { tax: { calculation } } } };
}

export function cancelPaymentIntent(
  world: World,
  before: Stripe.PaymentIntent,
  reason: Stripe.PaymentIntent['cancellation_reason'],
): Stripe.PaymentIntent {
  const canceled: Stripe.PaymentIntent = {
    ...before,
    status: 'canceled',
    canceled_at: world.nowSeconds(),
    cancellation_reason: reason,
    next_action: null,
  };
  world.store.put('payment_intent', canceled);
  emit(world, 'payment_intent.canceled', canceled);
  return canceled;
}
