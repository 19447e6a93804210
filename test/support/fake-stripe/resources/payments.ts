// What happens when money is asked of a card for a payment intent: paid, declined, under way, or the customer is needed. Requests,
// pages and tasks all come through here; who has a caller to tell turns `error` into an answer.
import type Stripe from 'stripe';
import type { ErrorBody } from '../wire/refusals.ts';
import { newId, type World } from '../world.ts';
import { captured, failed, pendingCharge } from './charges.ts';
import { declineError } from './declines.ts';
import { emit } from './events.ts';
import { idOf } from './id-of.ts';
import { attachTo, cardBehind } from './payment-methods.ts';
import { cardAnswer } from './test-cards.ts';

const MINUTE_MS = 60_000;
const SETTLES_AFTER_MS = 5 * MINUTE_MS;
const COMPLAINT_AFTER_MS = 60 * MINUTE_MS;

export interface Attempt {
  readonly offSession: boolean;
  readonly authenticated: boolean;
  /** Asked for with request_three_d_secure. */
  readonly authenticateAnyway: boolean;
  readonly errorOnRequiresAction: boolean;
  readonly returnUrl: string | null;
}

export interface Outcome {
  readonly intent: Stripe.PaymentIntent;
  readonly error: ErrorBody | null;
}

export function attemptPayment(
  world: World,
  intent: Stripe.PaymentIntent,
  method: Stripe.PaymentMethod,
  attempt: Attempt,
): Outcome {
  const card = cardBehind(world, method);
  const asked = attempt.authenticateAnyway ? { ...card, authenticates: 'always' as const } : card;
  const answer = cardAnswer(asked, { ...useOf(world, method), ...attempt });
  if (answer.is === 'authentication_required') return authenticationRequired(world, intent, method, attempt);
  countAttempt(world, method);
  const charge = pendingCharge(world, intent, method);
  switch (answer.is) {
    case 'approved':
      return { intent: succeed(world, intent, method, charge), error: null };
    case 'processing':
      return { intent: leaveUnderWay(world, intent, method, charge), error: null };
    case 'declined':
      return fail(world, intent, method, charge, declineError(answer.code));
  }
}

function authenticationRequired(
  world: World,
  intent: Stripe.PaymentIntent,
  method: Stripe.PaymentMethod,
  attempt: Attempt,
): Outcome {
  if (attempt.offSession || attempt.errorOnRequiresAction) {
    const reason = attempt.offSession ? 'authentication_required' : 'authentication_not_handled';
    return fail(world, intent, method, pendingCharge(world, intent, method), authenticationError(reason));
  }
  const url = `${world.url}/3ds/${intent.id}`;
  const waiting: Stripe.PaymentIntent = {
    ...intent,
    status: 'requires_action',
    payment_method: method.id,
    next_action:
      attempt.returnUrl === null
        ? { type: 'use_stripe_sdk', use_stripe_sdk: { type: 'three_d_secure_redirect', stripe_js: url } }
        : { type: 'redirect_to_url', redirect_to_url: { return_url: attempt.returnUrl, url } },
  };
  world.store.put('payment_intent', waiting);
  emit(world, 'payment_intent.requires_action', waiting);
  return { intent: waiting, error: null };
}

function authenticationError(reason: string): ErrorBody {
  return {
    type: 'card_error',
    code: 'authentication_required',
    decline_code: reason,
    message: 'Your card was declined. This transaction requires authentication.',
  };
}

/** The customer has passed or failed what his bank asked of him. */
export function afterAuthentication(world: World, intent: Stripe.PaymentIntent, passed: boolean): Outcome {
  const method = methodOf(world, intent);
  if (passed) {
    const attempt = { offSession: false, authenticateAnyway: false, errorOnRequiresAction: false, returnUrl: null };
    return attemptPayment(world, intent, method, { ...attempt, authenticated: true });
  }
  return fail(world, intent, method, null, {
    type: 'invalid_request_error',
    code: 'payment_intent_authentication_failure',
    message:
      'The provided PaymentMethod has failed authentication. You can provide payment_method_data or a new PaymentMethod.',
  });
}

function succeed(
  world: World,
  intent: Stripe.PaymentIntent,
  method: Stripe.PaymentMethod,
  pending: Stripe.Charge,
): Stripe.PaymentIntent {
  const charge = captured(world, intent, pending);
  const paid: Stripe.PaymentIntent = {
    ...intent,
    status: 'succeeded',
    amount_received: intent.amount,
    latest_charge: charge.id,
    payment_method: method.id,
    last_payment_error: null,
    next_action: null,
    processing: null,
  };
  world.store.put('payment_intent', paid);
  emit(world, 'charge.succeeded', charge);
  emit(world, 'payment_intent.succeeded', paid);
  keepOrSpend(world, paid, method);
  const { afterwards } = cardBehind(world, method);
  if (afterwards !== undefined) {
    const dueAtMs = world.nowMs() + COMPLAINT_AFTER_MS;
    world.store.put('task', { id: newId('task'), dueAtMs, does: afterwards, subject: charge.id });
  }
  return paid;
}

/** A card that is nobody's pays once; setup_future_usage gives it to the customer. */
function keepOrSpend(world: World, intent: Stripe.PaymentIntent, method: Stripe.PaymentMethod): void {
  const customer = idOf(intent.customer);
  const use = useOf(world, method);
  if (intent.setup_future_usage !== null && customer !== null) {
    attachTo(world, method, customer);
    if (intent.setup_future_usage === 'off_session') world.store.put('card_use', { ...use, setUp: true });
  } else if (method.customer === null) {
    world.store.put('card_use', { ...use, gone: true });
  }
}

function leaveUnderWay(
  world: World,
  intent: Stripe.PaymentIntent,
  method: Stripe.PaymentMethod,
  charge: Stripe.Charge,
): Stripe.PaymentIntent {
  const processing: Stripe.PaymentIntent = {
    ...intent,
    status: 'processing',
    payment_method: method.id,
    latest_charge: charge.id,
    next_action: null,
    processing: { type: 'card', card: {} },
  };
  world.store.put('payment_intent', processing);
  const dueAtMs = world.nowMs() + SETTLES_AFTER_MS;
  world.store.put('task', { id: newId('task'), dueAtMs, does: 'settle_payment', subject: intent.id });
  emit(world, 'charge.pending', charge);
  emit(world, 'payment_intent.processing', processing);
  return processing;
}

/** The bank has made up its mind about a payment under way. */
export function settlePayment(world: World, intent: Stripe.PaymentIntent): Outcome {
  const method = methodOf(world, intent);
  const charge = world.store.get('charge', idOf(intent.latest_charge) ?? '');
  if (charge === undefined) throw new Error(`${intent.id} is processing without a charge`);
  const { settles, declines = 'generic_decline' } = cardBehind(world, method);
  if (settles === 'declined') return fail(world, intent, method, charge, declineError(declines));
  return { intent: succeed(world, intent, method, charge), error: null };
}

function fail(
  world: World,
  intent: Stripe.PaymentIntent,
  method: Stripe.PaymentMethod,
  pending: Stripe.Charge | null,
  why: ErrorBody,
): Outcome {
  const charge = pending === null ? null : failed(world, pending, why);
  const error = { ...why, ...(charge === null ? {} : { charge: charge.id }), payment_method: method };
  const unpaid: Stripe.PaymentIntent = {
    ...intent,
    status: 'requires_payment_method',
    payment_method: null,
    latest_charge: charge?.id ?? intent.latest_charge,
    last_payment_error: error,
    next_action: null,
    processing: null,
  };
  world.store.put('payment_intent', unpaid);
  if (charge !== null) emit(world, 'charge.failed', charge);
  emit(world, 'payment_intent.payment_failed', unpaid);
  return { intent: unpaid, error: { ...error, payment_intent: unpaid } };
}

export function methodOf(world: World, intent: Stripe.PaymentIntent | Stripe.SetupIntent): Stripe.PaymentMethod {
  const method = world.store.get('payment_method', idOf(intent.payment_method) ?? '');
  if (method === undefined) throw new Error(`${intent.id} has come this far without a payment method`);
  return method;
}

function useOf(world: World, method: Stripe.PaymentMethod) {
  const use = world.store.get('card_use', method.id);
  if (use === undefined) throw new Error(`nothing is known of the card behind ${method.id}`);
  return use;
}

function countAttempt(world: World, method: Stripe.PaymentMethod): void {
  const use = useOf(world, method);
  world.store.put('card_use', { ...use, attempts: use.attempts + 1 });
}
