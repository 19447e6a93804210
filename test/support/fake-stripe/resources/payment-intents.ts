// Payment intents: created, changed while nobody has paid, confirmed, cancelled. What must not happen in a state is refused with
// Stripe's code; what a confirmation leads to is decided in payments.ts.
import type Stripe from 'stripe';
import { createdWithin, page } from '../wire/page.ts';
import { Declined, invalid, noSuch, Refusal } from '../wire/refusals.ts';
import { type Route, route } from '../wire/route.ts';
import type { World } from '../world.ts';
import { checkAmount } from './amounts.ts';
import { wantsCustomer } from './card-options.ts';
import { idOf } from './id-of.ts';
import {
  type ConfirmParams,
  cancelPaymentIntent,
  changesPayment,
  newPaymentIntent,
  OPEN,
  withDetails,
  withHooks,
} from './payment-intent-changes.ts';
import { usablePaymentMethod } from './payment-methods.ts';
import { attemptPayment } from './payments.ts';

function create(world: World, params: Stripe.PaymentIntentCreateParams): Stripe.PaymentIntent {
  if (params.automatic_payment_methods?.enabled === false && params.allowed_payment_method_types === undefined) {
    throw invalid('Without automatic payment methods, name those that are allowed.', {
      param: 'automatic_payment_methods[enabled]',
    });
  }
  const onlyWhenConfirmed = (['error_on_requires_action', 'off_session', 'return_url'] as const).find(
    (name) => params[name] !== undefined,
  );
  if (onlyWhenConfirmed !== undefined && params.confirm !== true) {
    throw invalid(`The parameter \`${onlyWhenConfirmed}\` can only be passed when confirm=true.`, {
      param: onlyWhenConfirmed,
    });
  }
  const intent = newPaymentIntent(world, params);
  return params.confirm === true ? confirmed(world, intent, params) : intent;
}

function update(world: World, params: Stripe.PaymentIntentUpdateParams, id: string): Stripe.PaymentIntent {
  const before = existing(world, id);
  const { amount = before.amount } = params;
  const frozen = changesPayment(params);
  if (frozen !== undefined && !OPEN.includes(before.status)) {
    throw unexpectedState(
      before,
      `This PaymentIntent's ${frozen} could not be updated because it has a status of ${before.status}. You may only update the ` +
        `${frozen} of a PaymentIntent with one of the following statuses: ${OPEN.join(', ')}.`,
    );
  }
  checkAmount(amount, before.currency);
  const intent = withHooks(world, { ...withDetails(world, before, params), amount }, params.hooks);
  world.store.put('payment_intent', intent);
  return intent;
}

function confirm(world: World, params: ConfirmParams, id: string): Stripe.PaymentIntent {
  const before = existing(world, id);
  if (!OPEN.includes(before.status)) {
    const because =
      before.status === 'succeeded'
        ? 'it has already succeeded after being previously confirmed.'
        : `it has a status of ${before.status}. Only a PaymentIntent with one of the following statuses may be confirmed: ${OPEN.join(', ')}.`;
    throw unexpectedState(before, `You cannot confirm this PaymentIntent because ${because}`);
  }
  return confirmed(world, withDetails(world, before, params), params);
}

function confirmed(world: World, intent: Stripe.PaymentIntent, params: ConfirmParams): Stripe.PaymentIntent {
  const named = idOf(intent.payment_method);
  if (named === null) {
    throw unexpectedState(
      intent,
      "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the PaymentIntent with a " +
        'payment method and then confirm it again, or confirm it again directly with a payment method or ConfirmationToken.',
    );
  }
  refuseUnfit(intent, params);
  const { intent: after, error } = attemptPayment(
    world,
    intent,
    usablePaymentMethod(world, named, idOf(intent.customer)),
    {
      offSession: params.off_session !== undefined && params.off_session !== false,
      authenticated: false,
      authenticateAnyway: wantsCustomer(intent.payment_method_options?.card?.request_three_d_secure),
      errorOnRequiresAction: params.error_on_requires_action === true,
      returnUrl: params.return_url ?? null,
    },
  );
  if (error !== null) throw new Declined(error);
  return after;
}

function refuseUnfit(intent: Stripe.PaymentIntent, { return_url: returnUrl }: ConfirmParams): void {
  const allowed = intent.allowed_payment_method_types;
  if (allowed !== null && !allowed.includes('card')) {
    throw invalid(`The PaymentMethod provided (card) is not allowed for this PaymentIntent (${allowed.join(', ')}).`, {
      code: 'payment_intent_incompatible_payment_method',
      param: 'payment_method',
    });
  }
  const mayRedirect = allowed === null && intent.automatic_payment_methods?.allow_redirects !== 'never';
  if (mayRedirect && returnUrl === undefined) {
    throw invalid(
      'This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because some of these payment methods ' +
        "might redirect your customer off of your page, you must provide a `return_url`. If you don't want to accept redirect-based " +
        'payment methods, set `automatic_payment_methods[enabled]` to `true` and `automatic_payment_methods[allow_redirects]` to ' +
        '`never` when creating Setup Intents and Payment Intents.',
    );
  }
}

function cancel(world: World, params: Stripe.PaymentIntentCancelParams, id: string): Stripe.PaymentIntent {
  const before = existing(world, id);
  if (world.store.get('session_of_intent', id) !== undefined) {
    throw unexpectedState(
      before,
      'You cannot cancel this PaymentIntent because it was created by a Checkout Session. Expire the Checkout Session instead.',
    );
  }
  if (!OPEN.includes(before.status)) {
    throw unexpectedState(
      before,
      `You cannot cancel this PaymentIntent because it has a status of ${before.status}. Only a PaymentIntent with one of the ` +
        `following statuses may be canceled: requires_payment_method, requires_capture, requires_confirmation, requires_action.`,
    );
  }
  return cancelPaymentIntent(world, before, params.cancellation_reason ?? null);
}

function unexpectedState(intent: Stripe.PaymentIntent, message: string): Refusal {
  const code = 'payment_intent_unexpected_state';
  return new Refusal(400, { type: 'invalid_request_error', code, message, payment_intent: intent });
}

function existing(world: World, id: string): Stripe.PaymentIntent {
  const intent = world.store.get('payment_intent', id);
  if (intent === undefined) throw noSuch('payment_intent', id);
  return intent;
}

function retrieve(world: World, _params: object, id: string): Stripe.PaymentIntent {
  return existing(world, id);
}

function list(world: World, params: Stripe.PaymentIntentListParams) {
  return page('payment_intent', world.store.rows('payment_intent'), params, (intent) => {
    return (
      (params.customer === undefined || intent.customer === params.customer) && createdWithin(params.created, intent)
    );
  });
}

const CONFIRMING = [
  'error_on_requires_action',
  'off_session',
  'payment_method',
  'payment_method_options',
  'receipt_email',
  'return_url',
  'setup_future_usage',
] as const;
const DETAILS = [
  'customer',
  'description',
  'hooks',
  'metadata',
  'payment_method',
  'receipt_email',
  'setup_future_usage',
] as const;

export const PAYMENT_INTENT_ROUTES: readonly Route[] = [
  route(
    'POST /v1/payment_intents',
    [
      ...CONFIRMING,
      ...DETAILS,
      'allowed_payment_method_types',
      'amount',
      'automatic_payment_methods',
      'confirm',
      'currency',
      'statement_descriptor_suffix',
    ],
    create,
  ),
  route('GET /v1/payment_intents', ['created', 'customer'], list),
  route('GET /v1/payment_intents/{intent}', [], retrieve),
  route('POST /v1/payment_intents/{intent}', [...DETAILS, 'amount', 'payment_method_options'], update),
  route('POST /v1/payment_intents/{intent}/confirm', CONFIRMING, confirm),
  route('POST /v1/payment_intents/{intent}/cancel', ['cancellation_reason'], cancel),
];
