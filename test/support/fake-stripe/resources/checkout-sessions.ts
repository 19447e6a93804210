// Checkout Sessions, hosted: a page on which a person pays (mode payment) or leaves a card (mode setup), once, until it expires. The
// payment intent is made when somebody pays, as Stripe does, and belongs to the session: it is cancelled by expiring that.
import type Stripe from 'stripe';
import { createdWithin, page } from '../wire/page.ts';
import { invalid, noSuch, notServed } from '../wire/refusals.ts';
import { type Route, route } from '../wire/route.ts';
import { newId, type World } from '../world.ts';
import { checkAmount } from './amounts.ts';
import { customerNamed } from './customers.ts';
import { emit } from './events.ts';
import { idOf } from './id-of.ts';
import { mergedMetadata } from './metadata.ts';
import { cancelPaymentIntent } from './payment-intent-changes.ts';
import { newSetupIntent } from './setup-intents.ts';
import { taxOn } from './tax-rates.ts';

const HOUR_SECONDS = 60 * 60;
const LASTS_SECONDS_MIN = HOUR_SECONDS / 2;
const LASTS_SECONDS_MAX = 24 * HOUR_SECONDS;

type CreateParams = Stripe.Checkout.SessionCreateParams;

function create(world: World, params: CreateParams): Stripe.Checkout.Session {
  const { mode = 'payment', ui_mode: uiMode = 'hosted_page' } = params;
  if (mode === 'subscription') throw notServed('Checkout Sessions in subscription mode');
  if (uiMode !== 'hosted_page') throw notServed(`Checkout Sessions with ui_mode ${uiMode}`);
  if (params.success_url === undefined) {
    throw invalid('Missing required param: success_url.', { code: 'parameter_missing', param: 'success_url' });
  }
  const unfit = mode === 'payment' ? params.setup_intent_data : (params.payment_intent_data ?? params.line_items);
  if (unfit !== undefined) throw invalid(`You can not pass these parameters in ${mode} mode.`);
  const customer = customerNamed(world, params.customer);
  const price = mode === 'payment' ? priceOf(params) : null;
  const id = newId('cs_test');
  const setup = mode === 'setup' ? newSetupIntent(world, setupParams(params)) : null;
  const session = { ...blankSession(world, id, params), ...price, mode, setup_intent: setup?.id ?? null };
  const owned = { ...session, customer: customer?.id ?? null, customer_email: params.customer_email ?? null };
  world.store.put('checkout_session', owned);
  const dueAtMs = owned.expires_at * 1000;
  world.store.put('task', { id: newId('task'), dueAtMs, does: 'expire_session', subject: id });
  if (setup !== null) world.store.put('session_of_intent', { id: setup.id, session: id });
  if (price !== null) {
    world.store.put('checkout_order', { id, intent: intentParams(params, price.amount_total, price.currency) });
  }
  return owned;
}

function intentParams(
  { customer, payment_intent_data: data = {} }: CreateParams,
  amount: number,
  currency: string,
): Stripe.PaymentIntentCreateParams {
  const { description, metadata, receipt_email: email, setup_future_usage: usage, ...others } = data;
  const [unserved] = Object.keys(others);
  if (unserved !== undefined) throw notServed(`payment_intent_data[${unserved}]`);
  return {
    amount,
    currency,
    allowed_payment_method_types: ['card'],
    ...(customer === undefined ? {} : { customer }),
    ...(description === undefined ? {} : { description }),
    ...(metadata === undefined ? {} : { metadata }),
    ...(email === undefined ? {} : { receipt_email: email }),
    ...(usage === undefined ? {} : { setup_future_usage: usage }),
  };
}

function setupParams({ customer, setup_intent_data: data }: CreateParams): Stripe.SetupIntentCreateParams {
  return {
    ...(customer === undefined ? {} : { customer }),
    ...(data?.description === undefined ? {} : { description: data.description }),
    ...(data?.metadata === undefined ? {} : { metadata: data.metadata }),
    allowed_payment_method_types: ['card'],
    usage: 'off_session',
  };
}

function priceOf({ automatic_tax: tax, line_items: lines = [] }: CreateParams) {
  const [first] = lines;
  if (first === undefined) {
    throw invalid('Missing required param: line_items.', { code: 'parameter_missing', param: 'line_items' });
  }
  const currency = first.price_data?.currency ?? '';
  const subtotal = lines.reduce((total, line, at) => {
    if (line.price_data === undefined) throw noSuch('price', line.price ?? '', `line_items[${at}][price]`);
    if (line.price_data.unit_amount === undefined) throw notServed('prices without unit_amount');
    if (line.price_data.currency !== currency) throw invalid('All line items must have the same currency.');
    return total + line.price_data.unit_amount * (line.quantity ?? 1);
  }, 0);
  const taxed = tax?.enabled === true ? taxOn(subtotal) : 0;
  checkAmount(subtotal + taxed, currency);
  return {
    amount_subtotal: subtotal,
    amount_total: subtotal + taxed,
    currency,
    total_details: { amount_discount: 0, amount_shipping: 0, amount_tax: taxed },
  };
}

/** What a session may have, and these have not or not yet. */
const NOTHING = {
  adaptive_pricing: null,
  after_expiration: null,
  allow_promotion_codes: null,
  amount_subtotal: null,
  amount_total: null,
  billing_address_collection: null,
  client_secret: null,
  collected_information: null,
  consent: null,
  consent_collection: null,
  currency_conversion: null,
  customer: null,
  customer_account: null,
  customer_creation: null,
  customer_details: null,
  customer_email: null,
  integration_identifier: null,
  invoice: null,
  invoice_creation: null,
  managed_payments: null,
  origin_context: null,
  payment_intent: null,
  payment_link: null,
  payment_method_configuration_details: null,
  permissions: null,
  recovered_from: null,
  saved_payment_method_options: null,
  setup_intent: null,
  shipping_address_collection: null,
  shipping_cost: null,
  subscription: null,
  total_details: null,
  wallet_options: null,
} as const;

function blankSession(world: World, id: string, params: CreateParams): Stripe.Checkout.Session {
  const created = world.nowSeconds();
  const taxes = params.automatic_tax?.enabled === true;
  return {
    ...NOTHING,
    id,
    object: 'checkout.session',
    allowed_payment_method_types: params.allowed_payment_method_types ?? null,
    automatic_tax: { enabled: taxes, liability: null, provider: taxes ? 'stripe' : null, status: null },
    cancel_url: params.cancel_url ?? null,
    client_reference_id: params.client_reference_id ?? null,
    created,
    currency: params.currency ?? null,
    custom_fields: [],
    custom_text: { after_submit: null, shipping_address: null, submit: null, terms_of_service_acceptance: null },
    discounts: [],
    expires_at: expiryOf(created, params.expires_at),
    livemode: false,
    locale: params.locale ?? null,
    metadata: mergedMetadata({}, params.metadata),
    mode: 'payment',
    payment_method_collection: 'if_required',
    payment_method_options: {},
    payment_method_types: params.allowed_payment_method_types ?? ['card'],
    payment_status: params.mode === 'setup' ? 'no_payment_required' : 'unpaid',
    shipping_options: [],
    status: 'open',
    submit_type: params.submit_type ?? null,
    success_url: params.success_url ?? null,
    ui_mode: 'hosted_page',
    url: `${world.url}/c/pay/${id}`,
  };
}

function expiryOf(created: number, asked = created + LASTS_SECONDS_MAX): number {
  const lasts = asked - created;
  // A second for the way from a clock that had just been read.
  if (lasts >= LASTS_SECONDS_MIN - 1 && lasts <= LASTS_SECONDS_MAX) return asked;
  const message = 'The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout Session creation.';
  throw invalid(message, { param: 'expires_at' });
}

function expire(world: World, _params: object, id: string): Stripe.Checkout.Session {
  const session = existing(world, id);
  if (session.status !== 'open') {
    const message = `Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of ${session.status}`;
    throw invalid(message);
  }
  return expireSession(world, session);
}

export function expireSession(world: World, session: Stripe.Checkout.Session): Stripe.Checkout.Session {
  const intent = world.store.get('payment_intent', idOf(session.payment_intent) ?? '');
  if (intent !== undefined) cancelPaymentIntent(world, intent, 'automatic');
  const expired: Stripe.Checkout.Session = { ...session, status: 'expired', url: null };
  world.store.put('checkout_session', expired);
  emit(world, 'checkout.session.expired', expired);
  return expired;
}

function existing(world: World, id: string): Stripe.Checkout.Session {
  const session = world.store.get('checkout_session', id);
  if (session === undefined) throw noSuch('checkout.session', id);
  return session;
}

function retrieve(world: World, _params: object, id: string): Stripe.Checkout.Session {
  return existing(world, id);
}

function list(world: World, params: Stripe.Checkout.SessionListParams) {
  const { created, customer, payment_intent: intent, status } = params;
  return page('checkout.session', world.store.rows('checkout_session'), params, (session) => {
    if (customer !== undefined && session.customer !== customer) return false;
    if (intent !== undefined && session.payment_intent !== intent) return false;
    return (status === undefined || session.status === status) && createdWithin(created, session);
  });
}

export const CHECKOUT_SESSION_ROUTES: readonly Route[] = [
  route(
    'POST /v1/checkout/sessions',
    [
      'allowed_payment_method_types',
      'automatic_tax',
      'cancel_url',
      'client_reference_id',
      'currency',
      'customer',
      'customer_email',
      'expires_at',
      'line_items',
      'locale',
      'metadata',
      'mode',
      'payment_intent_data',
      'setup_intent_data',
      'submit_type',
      'success_url',
      'ui_mode',
    ],
    create,
  ),
  route('GET /v1/checkout/sessions', ['created', 'customer', 'payment_intent', 'status'], list),
  route('GET /v1/checkout/sessions/{session}', [], retrieve),
  route('POST /v1/checkout/sessions/{session}/expire', [], expire),
];
