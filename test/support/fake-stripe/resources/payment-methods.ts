// Payment methods: cards, each made from a test id. Naming a test id anywhere makes a payment method with an id of its own, as Stripe
// does. One that was detached, or spent without belonging to a customer, is taken no more.
import type Stripe from 'stripe';
import { page } from '../wire/page.ts';
import { invalid, noSuch, notServed, Refusal } from '../wire/refusals.ts';
import { type Route, route } from '../wire/route.ts';
import { newId, type World } from '../world.ts';
import { customerNamed, NO_ADDRESS } from './customers.ts';
import { declineError } from './declines.ts';
import { emit } from './events.ts';
import { mergedMetadata } from './metadata.ts';
import { fingerprintOf, type TestCard, testCard } from './test-cards.ts';

/** The one to pay with, for this customer or for nobody. */
export function usablePaymentMethod(world: World, named: string, customer: string | null): Stripe.PaymentMethod {
  const method = paymentMethodNamed(world, named, 'payment_method');
  if (world.store.get('card_use', method.id)?.gone) {
    throw invalid(
      'The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, shared with a connected ' +
        'account without Customer attachment, or was detached from a Customer. It may not be used again. To use a PaymentMethod ' +
        'multiple times, you must attach it to a Customer first.',
      { param: 'payment_method' },
    );
  }
  if (method.customer !== null && method.customer !== customer) {
    const message = `The payment method you provided is attached to the customer ${method.customer}; name that customer.`;
    throw invalid(message, { param: 'payment_method' });
  }
  return method;
}

function paymentMethodNamed(world: World, id: string, param: string): Stripe.PaymentMethod {
  const known = world.store.get('payment_method', id);
  if (known !== undefined) return known;
  const card = testCard(id);
  if (card === null) throw noSuch('PaymentMethod', id, param);
  return makePaymentMethod(world, id, card);
}

function makePaymentMethod(world: World, testId: string, card: TestCard): Stripe.PaymentMethod {
  const method: Stripe.PaymentMethod = {
    id: newId('pm'),
    object: 'payment_method',
    allow_redisplay: 'unspecified',
    billing_details: { address: NO_ADDRESS, email: null, name: null, phone: null, tax_id: null },
    card: cardShown(world, card),
    created: world.nowSeconds(),
    customer: null,
    customer_account: null,
    livemode: false,
    metadata: {},
    type: 'card',
  };
  world.store.put('payment_method', method);
  world.store.put('card_use', { id: method.id, testCard: testId, attempts: 0, setUp: false, gone: false });
  return method;
}

function cardShown(world: World, card: TestCard): Stripe.PaymentMethod.Card {
  const expiry = new Date(world.nowMs());
  return {
    brand: card.brand,
    checks: { address_line1_check: null, address_postal_code_check: null, cvc_check: 'unchecked' },
    country: 'US',
    display_brand: card.brand,
    exp_month: expiry.getUTCMonth() + 1,
    exp_year: expiry.getUTCFullYear() + 3,
    fingerprint: fingerprintOf(card),
    funding: 'credit',
    generated_from: null,
    last4: card.number.slice(-4),
    networks: { available: [card.brand], preferred: null },
    regulated_status: 'unregulated',
    three_d_secure_usage: { supported: true },
    wallet: null,
  };
}

export function cardBehind(world: World, method: Stripe.PaymentMethod): TestCard {
  const card = testCard(world.store.get('card_use', method.id)?.testCard ?? '');
  if (card === null) throw new Error(`there is no test card behind ${method.id}`);
  return card;
}

/** Makes it the customer's. */
export function attachTo(world: World, method: Stripe.PaymentMethod, customer: string): Stripe.PaymentMethod {
  if (method.customer === customer) return method;
  const attached = { ...method, customer };
  world.store.put('payment_method', attached);
  emit(world, 'payment_method.attached', attached);
  return attached;
}

function create(world: World, params: Stripe.PaymentMethodCreateParams): Stripe.PaymentMethod {
  const { type, card } = params;
  if (type !== 'card') throw notServed(`payment methods of type ${type}`);
  if (card === undefined) {
    throw invalid('Missing required param: card.', { code: 'parameter_missing', param: 'card' });
  }
  if (!('token' in card) || card.token === undefined) {
    const message =
      'Sending credit card numbers directly to the Stripe API is generally unsafe. We suggest you use test tokens that map to the ' +
      'test card you are using, see https://stripe.com/docs/testing.';
    throw new Refusal(402, { type: 'invalid_request_error', message });
  }
  const made = testCard(card.token);
  if (made === null) throw noSuch('token', card.token, 'card[token]');
  const { billing_details: billing, metadata } = params;
  const method = {
    ...makePaymentMethod(world, card.token, made),
    metadata: mergedMetadata({}, metadata),
  };
  const named = { ...method.billing_details, email: billing?.email || null, name: billing?.name || null };
  const finished = { ...method, billing_details: named };
  world.store.put('payment_method', finished);
  return finished;
}

function retrieve(world: World, _params: object, id: string): Stripe.PaymentMethod {
  return paymentMethodNamed(world, id, 'id');
}

function attach(world: World, params: Stripe.PaymentMethodAttachParams, id: string): Stripe.PaymentMethod {
  const customer = customerNamed(world, params.customer);
  if (customer === null) {
    throw invalid('Missing required param: customer.', { code: 'parameter_missing', param: 'customer' });
  }
  const method = paymentMethodNamed(world, id, 'id');
  if (method.customer !== null && method.customer !== customer.id) {
    throw invalid('The payment method you provided has already been attached to a customer.');
  }
  usablePaymentMethod(world, method.id, customer.id);
  refuseUnsaveable(world, method);
  return attachTo(world, method, customer.id);
}

/** Stripe asks the bank when a card is saved, and its declining test cards decline that already. */
function refuseUnsaveable(world: World, method: Stripe.PaymentMethod): void {
  const { cannotBeSaved, declines } = cardBehind(world, method);
  if (cannotBeSaved && declines !== undefined) throw new Refusal(402, declineError(declines));
}

function detach(world: World, _params: object, id: string): Stripe.PaymentMethod {
  const method = world.store.get('payment_method', id);
  if (method === undefined) throw noSuch('PaymentMethod', id);
  const use = world.store.get('card_use', id);
  if (method.customer === null || use === undefined) {
    throw invalid('The payment method you provided is not attached to a customer so detachment is impossible.');
  }
  const detached = { ...method, customer: null };
  world.store.put('payment_method', detached);
  world.store.put('card_use', { ...use, gone: true });
  emit(world, 'payment_method.detached', detached, { customer: method.customer });
  return detached;
}

function list(world: World, params: Stripe.PaymentMethodListParams) {
  const { customer, type } = params;
  if (customer === undefined) return page<Stripe.PaymentMethod>('PaymentMethod', [], params, () => true);
  return listOf(world, { ...params, ...(type === undefined ? {} : { type }) }, customer);
}

function listOf(
  world: World,
  params: Pick<Stripe.PaymentMethodListParams, 'ending_before' | 'limit' | 'starting_after' | 'type'>,
  id: string,
) {
  const { type } = params;
  const customer = customerNamed(world, id);
  return page('PaymentMethod', world.store.rows('payment_method'), params, (method) => {
    return method.customer === customer?.id && (type === undefined || method.type === type);
  });
}

export const PAYMENT_METHOD_ROUTES: readonly Route[] = [
  route('POST /v1/payment_methods', ['type', 'card', 'billing_details', 'metadata'], create),
  route('GET /v1/payment_methods', ['customer', 'type'], list),
  route('GET /v1/payment_methods/{payment_method}', [], retrieve),
  route('POST /v1/payment_methods/{payment_method}/attach', ['customer'], attach),
  route('POST /v1/payment_methods/{payment_method}/detach', [], detach),
  route('GET /v1/customers/{customer}/payment_methods', ['type'], listOf),
];
