// Refunds. Most succeed at once; by the card they wait, fail later, or need the customer, and only the last kind can be cancelled.
// The fee of the charge stays with Stripe.
import type Stripe from 'stripe';
import { createdWithin, page } from '../wire/page.ts';
import { invalid, noSuch } from '../wire/refusals.ts';
import { type Route, route } from '../wire/route.ts';
import { newId, type World } from '../world.ts';
import { shown } from './amounts.ts';
import { type Movement, moveBalance } from './balance-transactions.ts';
import { emit } from './events.ts';
import { idOf } from './id-of.ts';
import { mergedMetadata } from './metadata.ts';
import { cardBehind } from './payment-methods.ts';

const HOUR_MS = 60 * 60_000;

function create(world: World, params: Stripe.RefundCreateParams): Stripe.Refund {
  const charge = chargeNamed(world, params);
  const left = charge.amount - charge.amount_refunded;
  const { amount = left } = params;
  if (charge.refunded) {
    throw invalid(`Charge ${charge.id} has already been refunded.`, { code: 'charge_already_refunded' });
  }
  if (charge.disputed) {
    throw invalid(`Charge ${charge.id} has been disputed and cannot be refunded.`, { code: 'charge_disputed' });
  }
  if (amount < 1) {
    const message = 'This value must be greater than or equal to 1.';
    throw invalid(message, { code: 'parameter_invalid_integer', param: 'amount' });
  }
  if (amount > left) {
    const message = `Refund amount (${shown(amount)}) is greater than unrefunded amount on charge (${shown(left)})`;
    throw invalid(message, { param: 'amount' });
  }
  const kind = refundsOf(world, charge);
  const id = newId('re');
  const refund: Stripe.Refund = {
    id,
    object: 'refund',
    amount,
    balance_transaction: move(world, 'refund', id, charge, -amount),
    charge: charge.id,
    created: world.nowSeconds(),
    currency: charge.currency,
    customer: idOf(charge.customer),
    customer_account: null,
    metadata: mergedMetadata({}, params.metadata),
    payment_intent: idOf(charge.payment_intent),
    payment_method: charge.payment_method,
    reason: params.reason ?? null,
    receipt_number: null,
    source_transfer_reversal: null,
    status: kind === 'failing' ? 'succeeded' : kind,
    transfer_reversal: null,
    ...(kind === 'pending' ? { pending_reason: 'processing' as const } : {}),
  };
  world.store.put('refund', refund);
  const task = { pending: 'settle_refund', failing: 'fail_refund', succeeded: null, requires_action: null } as const;
  const does = task[kind];
  if (does !== null)
    world.store.put('task', { id: newId('task'), dueAtMs: world.nowMs() + HOUR_MS, does, subject: id });
  takeOffCharge(world, charge, amount);
  emit(world, 'refund.created', refund);
  return refund;
}

function refundsOf(world: World, charge: Stripe.Charge) {
  const method = world.store.get('payment_method', charge.payment_method ?? '');
  if (method === undefined) throw new Error(`${charge.id} was paid with nothing`);
  return cardBehind(world, method).refunds ?? 'succeeded';
}

function chargeNamed(world: World, params: Stripe.RefundCreateParams): Stripe.Charge {
  if ((params.charge === undefined) === (params.payment_intent === undefined)) {
    throw invalid('One of the following params should be provided for this request: payment_intent or charge.');
  }
  if (params.charge !== undefined) {
    const charge = world.store.get('charge', params.charge);
    if (charge === undefined) throw noSuch('charge', params.charge, 'charge');
    return paidCharge(charge);
  }
  const intent = world.store.get('payment_intent', params.payment_intent ?? '');
  if (intent === undefined) throw noSuch('payment_intent', params.payment_intent ?? '', 'payment_intent');
  const charge = world.store.get('charge', idOf(intent.latest_charge) ?? '');
  if (charge === undefined || intent.status !== 'succeeded') {
    throw invalid(`This PaymentIntent (${intent.id}) does not have a successful charge to refund.`, {
      param: 'payment_intent',
    });
  }
  return charge;
}

function paidCharge(charge: Stripe.Charge): Stripe.Charge {
  if (charge.paid) return charge;
  throw invalid(`You cannot refund ${charge.id}: it is ${charge.status}.`, { code: 'charge_not_refundable' });
}

function takeOffCharge(world: World, before: Stripe.Charge, amount: number): void {
  const refundedAmount = before.amount_refunded + amount;
  const charge = { ...before, amount_refunded: refundedAmount, refunded: refundedAmount === before.amount };
  world.store.put('charge', charge);
  if (amount > 0) emit(world, 'charge.refunded', charge, { amount_refunded: before.amount_refunded });
  else emit(world, 'charge.updated', charge, { amount_refunded: before.amount_refunded });
}

/** Off our account (negative), or back to it. */
function move(world: World, type: Movement['type'], refund: string, charge: Stripe.Charge, amount: number): string {
  const { currency } = charge;
  world.store.put('ledger_entry', {
    id: `${type}:${refund}`,
    paymentIntent: idOf(charge.payment_intent) ?? '',
    movement: type === 'refund' ? 'refund' : 'refund_returned',
    amount: Math.abs(amount),
    currency,
    at: world.nowSeconds(),
  });
  return moveBalance(world, { type, amount, fee: 0, currency, source: refund }).id;
}

export function settleRefund(world: World, id: string): void {
  const { pending_reason: _over, ...before } = existing(world, id);
  const refund: Stripe.Refund = { ...before, status: 'succeeded' };
  world.store.put('refund', refund);
  emit(world, 'refund.updated', refund, { status: before.status });
}

export function failRefund(world: World, id: string): void {
  const before = existing(world, id);
  const refund = returned(world, before, 'failed', 'lost_or_stolen_card');
  emit(world, 'refund.updated', refund, { status: before.status });
  emit(world, 'refund.failed', refund, { status: before.status });
}

/** The money has come back. */
function returned(world: World, before: Stripe.Refund, status: string, reason: string): Stripe.Refund {
  const charge = world.store.get('charge', idOf(before.charge) ?? '');
  if (charge === undefined) throw new Error(`${before.id} refunds nothing`);
  const failure = move(world, 'refund_failure', before.id, charge, before.amount);
  const refund = { ...before, status, failure_reason: reason, failure_balance_transaction: failure };
  world.store.put('refund', refund);
  takeOffCharge(world, charge, -before.amount);
  return refund;
}

function cancel(world: World, _params: object, id: string): Stripe.Refund {
  const before = existing(world, id);
  if (before.status !== 'requires_action') {
    throw invalid(`You can only cancel a refund with a status of requires_action; ${id} is ${before.status}.`);
  }
  const refund = returned(world, before, 'canceled', 'merchant_request');
  emit(world, 'refund.updated', refund, { status: before.status });
  return refund;
}

function existing(world: World, id: string): Stripe.Refund {
  const refund = world.store.get('refund', id);
  if (refund === undefined) throw noSuch('refund', id);
  return refund;
}

function retrieve(world: World, _params: object, id: string): Stripe.Refund {
  return existing(world, id);
}

function list(world: World, params: Stripe.RefundListParams) {
  const { charge, created, payment_intent: intent } = params;
  return page('refund', world.store.rows('refund'), params, (refund) => {
    if (charge !== undefined && refund.charge !== charge) return false;
    return (intent === undefined || refund.payment_intent === intent) && createdWithin(created, refund);
  });
}

export const REFUND_ROUTES: readonly Route[] = [
  route('POST /v1/refunds', ['amount', 'charge', 'metadata', 'payment_intent', 'reason'], create),
  route('GET /v1/refunds', ['charge', 'created', 'payment_intent'], list),
  route('GET /v1/refunds/{refund}', [], retrieve),
  route('POST /v1/refunds/{refund}/cancel', [], cancel),
];
