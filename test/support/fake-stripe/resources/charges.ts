// One charge for every time a card was asked for money. A payment intent is captured once, ever: a second capture is a mistake of
// the fake itself and fails the request loudly.
import type Stripe from 'stripe';
import { createdWithin, page } from '../wire/page.ts';
import { type ErrorBody, noSuch } from '../wire/refusals.ts';
import { type Route, route } from '../wire/route.ts';
import { newId, type World } from '../world.ts';
import { chargeFee, moveBalance } from './balance-transactions.ts';
import { idOf } from './id-of.ts';

function blankCharge(world: World, intent: Stripe.PaymentIntent, method: Stripe.PaymentMethod): Stripe.Charge {
  return {
    id: newId('ch'),
    object: 'charge',
    amount: intent.amount,
    amount_captured: 0,
    amount_refunded: 0,
    application: null,
    application_fee: null,
    application_fee_amount: null,
    balance_transaction: null,
    billing_details: method.billing_details,
    calculated_statement_descriptor: 'FAKE STRIPE',
    captured: false,
    created: world.nowSeconds(),
    currency: intent.currency,
    customer: idOf(intent.customer),
    description: intent.description,
    disputed: false,
    failure_balance_transaction: null,
    failure_code: null,
    failure_message: null,
    fraud_details: {},
    livemode: false,
    metadata: intent.metadata,
    on_behalf_of: null,
    outcome: null,
    paid: false,
    payment_intent: intent.id,
    payment_method: method.id,
    payment_method_details: detailsOf(intent, method),
    receipt_email: intent.receipt_email,
    receipt_number: null,
    receipt_url: null,
    refunded: false,
    review: null,
    shipping: null,
    source: null,
    source_transfer: null,
    statement_descriptor: null,
    statement_descriptor_suffix: intent.statement_descriptor_suffix,
    status: 'pending',
    transfer_data: null,
    transfer_group: null,
  };
}

function detailsOf(intent: Stripe.PaymentIntent, { card }: Stripe.PaymentMethod): Stripe.Charge.PaymentMethodDetails {
  if (card === undefined) throw new Error('every payment method of the fake is a card');
  const details: Stripe.Charge.PaymentMethodDetails.Card = {
    amount_authorized: intent.amount,
    authorization_code: null,
    brand: card.brand,
    checks: { address_line1_check: null, address_postal_code_check: null, cvc_check: null },
    country: card.country,
    electronic_commerce_indicator: null,
    exp_month: card.exp_month,
    exp_year: card.exp_year,
    fingerprint: card.fingerprint ?? null,
    funding: card.funding,
    installments: null,
    last4: card.last4,
    mandate: null,
    network: card.brand,
    network_token: { used: false },
    network_transaction_id: null,
    regulated_status: 'unregulated',
    three_d_secure: null,
    transaction_link_id: null,
    wallet: null,
  };
  return { type: 'card', card: details };
}

/** Neither paid nor failed yet. */
export function pendingCharge(world: World, intent: Stripe.PaymentIntent, method: Stripe.PaymentMethod): Stripe.Charge {
  const charge = blankCharge(world, intent, method);
  world.store.put('charge', charge);
  return charge;
}

export function captured(world: World, intent: Stripe.PaymentIntent, charge: Stripe.Charge): Stripe.Charge {
  const { amount, currency } = charge;
  const entry = `capture:${intent.id}`;
  if (world.store.get('ledger_entry', entry) !== undefined) throw new Error(`${intent.id} was captured before`);
  const at = world.nowSeconds();
  world.store.put('ledger_entry', { id: entry, paymentIntent: intent.id, movement: 'capture', amount, currency, at });
  const fee = chargeFee(amount);
  const moved = moveBalance(world, { type: 'charge', amount, fee, currency, source: charge.id });
  const paid: Stripe.Charge = {
    ...charge,
    amount_captured: amount,
    balance_transaction: moved.id,
    captured: true,
    outcome: {
      advice_code: null,
      network_advice_code: null,
      network_decline_code: null,
      network_status: 'approved_by_network',
      reason: null,
      risk_level: 'normal',
      risk_score: 3,
      seller_message: 'Payment complete.',
      type: 'authorized',
    },
    paid: true,
    status: 'succeeded',
  };
  world.store.put('charge', paid);
  return paid;
}

export function failed(world: World, charge: Stripe.Charge, error: ErrorBody): Stripe.Charge {
  const charged: Stripe.Charge = {
    ...charge,
    failure_code: error.code ?? null,
    failure_message: error.message,
    outcome: {
      advice_code: error.advice_code ?? null,
      network_advice_code: error.network_advice_code ?? null,
      network_decline_code: error.network_decline_code ?? null,
      network_status: 'declined_by_network',
      reason: error.decline_code ?? null,
      risk_level: 'normal',
      risk_score: 3,
      seller_message: 'The bank did not return any further details with this decline.',
      type: 'issuer_declined',
    },
    status: 'failed',
  };
  world.store.put('charge', charged);
  return charged;
}

function retrieve(world: World, _params: object, id: string): Stripe.Charge {
  const charge = world.store.get('charge', id);
  if (charge === undefined) throw noSuch('charge', id);
  return charge;
}

function list(world: World, params: Stripe.ChargeListParams) {
  const { created, customer, payment_intent: intent } = params;
  return page('charge', world.store.rows('charge'), params, (charge) => {
    if (customer !== undefined && charge.customer !== customer) return false;
    return (intent === undefined || charge.payment_intent === intent) && createdWithin(created, charge);
  });
}

export const CHARGE_ROUTES: readonly Route[] = [
  route('GET /v1/charges', ['created', 'customer', 'payment_intent'], list),
  route('GET /v1/charges/{charge}', [], retrieve),
];
