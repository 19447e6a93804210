// Setup intents: a card is kept for later payments, after its bank has agreed and, where it wants to, seen the customer.
import type Stripe from 'stripe';
import { Declined, type ErrorBody, invalid, noSuch, Refusal } from '../wire/refusals.ts';
import { type Route, route } from '../wire/route.ts';
import { newId, type World } from '../world.ts';
import { cardOptions, wantsCustomer } from './card-options.ts';
import { customerNamed } from './customers.ts';
import { declineError } from './declines.ts';
import { emit } from './events.ts';
import { idOf } from './id-of.ts';
import { mergedMetadata } from './metadata.ts';
import { attachTo, cardBehind, usablePaymentMethod } from './payment-methods.ts';
import { methodOf } from './payments.ts';

type ConfirmParams = Pick<Stripe.SetupIntentConfirmParams, 'payment_method' | 'payment_method_options' | 'return_url'>;

export interface SetupOutcome {
  readonly setup: Stripe.SetupIntent;
  readonly error: ErrorBody | null;
}

export function newSetupIntent(world: World, params: Stripe.SetupIntentCreateParams): Stripe.SetupIntent {
  const id = newId('seti');
  const customer = customerNamed(world, params.customer)?.id ?? null;
  const method =
    params.payment_method === undefined ? null : usablePaymentMethod(world, params.payment_method, customer);
  const allowed = params.allowed_payment_method_types;
  const blank: Stripe.SetupIntent = {
    id,
    object: 'setup_intent',
    allowed_payment_method_types: allowed ?? null,
    application: null,
    automatic_payment_methods: { allow_redirects: 'always', ...params.automatic_payment_methods, enabled: true },
    cancellation_reason: null,
    client_secret: newId(`${id}_secret`),
    created: world.nowSeconds(),
    customer,
    customer_account: null,
    description: params.description ?? null,
    excluded_payment_method_types: null,
    flow_directions: null,
    last_setup_error: null,
    latest_attempt: null,
    livemode: false,
    mandate: null,
    metadata: mergedMetadata({}, params.metadata),
    next_action: null,
    on_behalf_of: null,
    payment_method: method?.id ?? null,
    payment_method_configuration_details: null,
    payment_method_options: {},
    payment_method_types: allowed ?? ['card'],
    single_use_mandate: null,
    status: method === null ? 'requires_payment_method' : 'requires_confirmation',
    usage: params.usage ?? 'off_session',
  };
  const setup = withCardOptions(blank, params);
  world.store.put('setup_intent', setup);
  emit(world, 'setup_intent.created', setup);
  return setup;
}

function withCardOptions(before: Stripe.SetupIntent, params: ConfirmParams): Stripe.SetupIntent {
  const card = cardOptions(params.payment_method_options);
  if (card === null) return before;
  return { ...before, payment_method_options: { card: { mandate_options: null, network: null, ...card } } };
}

function create(world: World, params: Stripe.SetupIntentCreateParams): Stripe.SetupIntent {
  if (params.return_url !== undefined && params.confirm !== true) {
    throw invalid('The parameter `return_url` can only be passed when confirm=true.', { param: 'return_url' });
  }
  const setup = newSetupIntent(world, params);
  return params.confirm === true ? confirmed(world, setup, params) : setup;
}

const OPEN: readonly string[] = ['requires_payment_method', 'requires_confirmation', 'requires_action'];

function confirm(world: World, params: ConfirmParams, id: string): Stripe.SetupIntent {
  const before = existing(world, id);
  refuseUnless(before, OPEN.includes(before.status), 'confirm');
  return confirmed(world, withCardOptions(before, params), params);
}

function confirmed(world: World, before: Stripe.SetupIntent, params: ConfirmParams): Stripe.SetupIntent {
  const named = params.payment_method ?? idOf(before.payment_method);
  refuseUnless(before, named !== null, 'confirm', ", it's missing a payment method");
  const method = usablePaymentMethod(world, named ?? '', idOf(before.customer));
  const mayRedirect =
    before.allowed_payment_method_types === null && before.automatic_payment_methods?.allow_redirects !== 'never';
  if (mayRedirect && params.return_url === undefined) {
    throw invalid(
      'This SetupIntent is configured to accept payment methods enabled in your Dashboard. Because some of these payment methods ' +
        'might redirect your customer off of your page, you must provide a `return_url`.',
    );
  }
  const { setup, error } = attemptSetup(world, before, method, params.return_url ?? null);
  if (error !== null) throw new Declined(error);
  return setup;
}

export function attemptSetup(
  world: World,
  before: Stripe.SetupIntent,
  method: Stripe.PaymentMethod,
  returnUrl: string | null,
): SetupOutcome {
  const { authenticates, cannotBeSaved, declines } = cardBehind(world, method);
  const asked = wantsCustomer(before.payment_method_options?.card?.request_three_d_secure);
  if (asked || authenticates !== undefined)
    return { setup: waitForCustomer(world, before, method, returnUrl), error: null };
  if (cannotBeSaved && declines !== undefined) return fail(world, before, method, declineError(declines));
  return { setup: succeed(world, before, method), error: null };
}

function waitForCustomer(
  world: World,
  before: Stripe.SetupIntent,
  method: Stripe.PaymentMethod,
  returnUrl: string | null,
): Stripe.SetupIntent {
  const url = `${world.url}/3ds/${before.id}`;
  const waiting: Stripe.SetupIntent = {
    ...before,
    status: 'requires_action',
    payment_method: method.id,
    next_action:
      returnUrl === null
        ? { type: 'use_stripe_sdk', use_stripe_sdk: { type: 'three_d_secure_redirect', stripe_js: url } }
        : { type: 'redirect_to_url', redirect_to_url: { return_url: returnUrl, url } },
  };
  world.store.put('setup_intent', waiting);
  emit(world, 'setup_intent.requires_action', waiting);
  return waiting;
}

export function setupAfterAuthentication(world: World, setup: Stripe.SetupIntent, passed: boolean): SetupOutcome {
  const method = methodOf(world, setup);
  if (passed) return { setup: succeed(world, setup, method), error: null };
  return fail(world, setup, method, {
    type: 'invalid_request_error',
    code: 'setup_intent_authentication_failure',
    message:
      'The provided PaymentMethod has failed authentication. You can provide payment_method_data or a new PaymentMethod.',
  });
}

function succeed(world: World, before: Stripe.SetupIntent, method: Stripe.PaymentMethod): Stripe.SetupIntent {
  const setup: Stripe.SetupIntent = {
    ...before,
    status: 'succeeded',
    payment_method: method.id,
    last_setup_error: null,
    next_action: null,
  };
  world.store.put('setup_intent', setup);
  emit(world, 'setup_intent.succeeded', setup);
  const customer = idOf(setup.customer);
  if (customer !== null) attachTo(world, method, customer);
  const use = world.store.get('card_use', method.id);
  if (use !== undefined) world.store.put('card_use', { ...use, setUp: setup.usage === 'off_session' });
  return setup;
}

function fail(world: World, before: Stripe.SetupIntent, method: Stripe.PaymentMethod, why: ErrorBody): SetupOutcome {
  const error = { ...why, payment_method: method };
  const setup: Stripe.SetupIntent = {
    ...before,
    status: 'requires_payment_method',
    payment_method: null,
    last_setup_error: error,
    next_action: null,
  };
  world.store.put('setup_intent', setup);
  emit(world, 'setup_intent.setup_failed', setup);
  return { setup, error: { ...error, setup_intent: setup } };
}

function cancel(world: World, params: Stripe.SetupIntentCancelParams, id: string): Stripe.SetupIntent {
  const before = existing(world, id);
  refuseUnless(before, OPEN.includes(before.status), 'cancel');
  const reason = params.cancellation_reason ?? null;
  const setup: Stripe.SetupIntent = { ...before, status: 'canceled', cancellation_reason: reason, next_action: null };
  world.store.put('setup_intent', setup);
  emit(world, 'setup_intent.canceled', setup);
  return setup;
}

function refuseUnless(setup: Stripe.SetupIntent, fits: boolean, verb: string, more = ''): void {
  if (fits) return;
  const message = `You cannot ${verb} this SetupIntent because it has a status of ${setup.status}${more}.`;
  const code = 'setup_intent_unexpected_state';
  throw new Refusal(400, { type: 'invalid_request_error', code, message, setup_intent: setup });
}

function existing(world: World, id: string): Stripe.SetupIntent {
  const setup = world.store.get('setup_intent', id);
  if (setup === undefined) throw noSuch('setupintent', id);
  return setup;
}

function retrieve(world: World, _params: object, id: string): Stripe.SetupIntent {
  return existing(world, id);
}

export const SETUP_INTENT_ROUTES: readonly Route[] = [
  route(
    'POST /v1/setup_intents',
    [
      'allowed_payment_method_types',
      'automatic_payment_methods',
      'confirm',
      'customer',
      'description',
      'metadata',
      'payment_method',
      'payment_method_options',
      'return_url',
      'usage',
    ],
    create,
  ),
  route('GET /v1/setup_intents/{intent}', [], retrieve),
  route('POST /v1/setup_intents/{intent}/confirm', ['payment_method', 'payment_method_options', 'return_url'], confirm),
  route('POST /v1/setup_intents/{intent}/cancel', ['cancellation_reason'], cancel),
];
