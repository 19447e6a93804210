// What a customer's bank says long after a payment: a dispute, which takes the money and a fee at once, or a warning of fraud.
import type Stripe from 'stripe';
import { noSuch } from '../wire/refusals.ts';
import { type Route, route } from '../wire/route.ts';
import { newId, type World } from '../world.ts';
import { moveBalance } from './balance-transactions.ts';
import { emit } from './events.ts';
import { idOf } from './id-of.ts';

const DISPUTE_FEE_CENTS = 1_500;
const EVIDENCE_DUE_SECONDS = 7 * 24 * 60 * 60;

const NO_EVIDENCE: Stripe.Dispute.Evidence = {
  access_activity_log: null,
  billing_address: null,
  cancellation_policy: null,
  cancellation_policy_disclosure: null,
  cancellation_rebuttal: null,
  customer_communication: null,
  customer_email_address: null,
  customer_name: null,
  customer_purchase_ip: null,
  customer_signature: null,
  duplicate_charge_documentation: null,
  duplicate_charge_explanation: null,
  duplicate_charge_id: null,
  enhanced_evidence: {},
  product_description: null,
  receipt: null,
  refund_policy: null,
  refund_policy_disclosure: null,
  refund_refusal_explanation: null,
  service_date: null,
  service_documentation: null,
  shipping_address: null,
  shipping_carrier: null,
  shipping_date: null,
  shipping_documentation: null,
  shipping_tracking_number: null,
  uncategorized_file: null,
  uncategorized_text: null,
};

export function openDispute(world: World, chargeId: string): void {
  const before = chargeWith(world, chargeId);
  const { amount, currency } = before;
  const id = newId('du');
  const withdrawn = { type: 'adjustment', amount: -amount, fee: DISPUTE_FEE_CENTS, currency, source: id } as const;
  const dispute: Stripe.Dispute = {
    id,
    object: 'dispute',
    amount,
    balance_transactions: [moveBalance(world, withdrawn)],
    charge: chargeId,
    created: world.nowSeconds(),
    currency,
    enhanced_eligibility_types: [],
    evidence: NO_EVIDENCE,
    evidence_details: {
      due_by: world.nowSeconds() + EVIDENCE_DUE_SECONDS,
      enhanced_eligibility: {},
      has_evidence: false,
      past_due: false,
      submission_count: 0,
      submission_method: 'manual',
    },
    intended_submission_method: null,
    is_charge_refundable: false,
    livemode: false,
    metadata: {},
    payment_intent: idOf(before.payment_intent),
    reason: 'fraudulent',
    status: 'needs_response',
  };
  world.store.put('dispute', dispute);
  world.store.put('charge', { ...before, disputed: true });
  emit(world, 'charge.dispute.created', dispute);
  emit(world, 'charge.dispute.funds_withdrawn', dispute);
}

export function warnOfFraud(world: World, chargeId: string): void {
  const charge = chargeWith(world, chargeId);
  const intent = idOf(charge.payment_intent);
  const warning: Stripe.Radar.EarlyFraudWarning = {
    id: newId('issfr'),
    object: 'radar.early_fraud_warning',
    actionable: true,
    charge: chargeId,
    created: world.nowSeconds(),
    fraud_type: 'unauthorized_use_of_card',
    livemode: false,
    ...(intent === null ? {} : { payment_intent: intent }),
  };
  world.store.put('early_fraud_warning', warning);
  emit(world, 'radar.early_fraud_warning.created', warning);
}

function chargeWith(world: World, id: string): Stripe.Charge {
  const charge = world.store.get('charge', id);
  if (charge === undefined) throw new Error(`nobody was charged by ${id}`);
  return charge;
}

function retrieveDispute(world: World, _params: object, id: string): Stripe.Dispute {
  const dispute = world.store.get('dispute', id);
  if (dispute === undefined) throw noSuch('dispute', id);
  return dispute;
}

function retrieveWarning(world: World, _params: object, id: string): Stripe.Radar.EarlyFraudWarning {
  const warning = world.store.get('early_fraud_warning', id);
  if (warning === undefined) throw noSuch('early_fraud_warning', id);
  return warning;
}

/** Events name them; so whoever fetches what an event is about finds it. */
export const DISPUTE_ROUTES: readonly Route[] = [
  route('GET /v1/disputes/{dispute}', [], retrieveDispute),
  route('GET /v1/radar/early_fraud_warnings/{early_fraud_warning}', [], retrieveWarning),
];
