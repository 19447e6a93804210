// A person pays on the page of a Checkout Session, or leaves a card; and what has come of it is written on the session.
import type Stripe from 'stripe';
import { invalid } from '../wire/refusals.ts';
import type { World } from '../world.ts';
import { NO_ADDRESS } from './customers.ts';
import { emit } from './events.ts';
import { idOf } from './id-of.ts';
import { newPaymentIntent } from './payment-intent-changes.ts';
import { usablePaymentMethod } from './payment-methods.ts';
import { attemptPayment } from './payments.ts';
import { attemptSetup } from './setup-intents.ts';

/** What the person is told, or where he is sent to be asked by his bank; null: it is done. */
export interface Told {
  readonly message: string | null;
  readonly bankUrl: string | null;
}

export function payOnPage(world: World, session: Stripe.Checkout.Session, card: string): Told {
  if (session.status !== 'open') throw invalid('This Checkout Session is open no more.');
  return session.mode === 'setup' ? leaveCard(world, session, card) : pay(world, session, card);
}

function pay(world: World, session: Stripe.Checkout.Session, card: string): Told {
  const before = intentOf(world, session);
  const method = usablePaymentMethod(world, card, idOf(session.customer));
  const { intent, error } = attemptPayment(world, before, method, {
    offSession: false,
    authenticated: false,
    authenticateAnyway: false,
    errorOnRequiresAction: false,
    returnUrl: session.url,
  });
  followPayment(world, intent);
  return { message: error?.message ?? null, bankUrl: intent.next_action?.redirect_to_url?.url ?? null };
}

function leaveCard(world: World, session: Stripe.Checkout.Session, card: string): Told {
  const before = world.store.get('setup_intent', idOf(session.setup_intent) ?? '');
  if (before === undefined) throw new Error(`${session.id} sets up nothing`);
  const method = usablePaymentMethod(world, card, idOf(session.customer));
  const { setup, error } = attemptSetup(world, before, method, session.url);
  followSetup(world, setup);
  return { message: error?.message ?? null, bankUrl: setup.next_action?.redirect_to_url?.url ?? null };
}

function intentOf(world: World, session: Stripe.Checkout.Session): Stripe.PaymentIntent {
  const known = world.store.get('payment_intent', idOf(session.payment_intent) ?? '');
  if (known !== undefined) return known;
  const order = world.store.get('checkout_order', session.id);
  if (order === undefined) throw new Error(`${session.id} sells nothing`);
  const intent = newPaymentIntent(world, order.intent);
  put(world, { ...session, payment_intent: intent.id });
  world.store.put('session_of_intent', { id: intent.id, session: session.id });
  return intent;
}

/** The payment of an open session has come to something. */
export function followPayment(world: World, intent: Stripe.PaymentIntent): void {
  const session = sessionOf(world, intent.id);
  if (session === undefined) return;
  const paid = intent.status === 'succeeded';
  if (session.status === 'open' && (paid || intent.status === 'processing')) {
    complete(world, session, { payment_status: paid ? 'paid' : 'unpaid' });
  } else if (session.status === 'complete' && session.payment_status === 'unpaid') {
    if (paid) {
      const settled = put(world, { ...session, payment_status: 'paid' });
      emit(world, 'checkout.session.async_payment_succeeded', settled);
    } else emit(world, 'checkout.session.async_payment_failed', session);
  }
}

export function followSetup(world: World, setup: Stripe.SetupIntent): void {
  const session = sessionOf(world, setup.id);
  if (session?.status === 'open' && setup.status === 'succeeded') complete(world, session, {});
}

function complete(world: World, session: Stripe.Checkout.Session, more: Partial<Stripe.Checkout.Session>): void {
  const customer = world.store.get('customer', idOf(session.customer) ?? '');
  const done = put(world, {
    ...session,
    ...more,
    status: 'complete',
    url: null,
    customer_details: {
      address: customer?.address ?? NO_ADDRESS,
      business_name: null,
      email: customer?.email ?? session.customer_email,
      individual_name: null,
      name: customer?.name ?? null,
      phone: null,
      tax_exempt: 'none',
      tax_ids: [],
    },
  });
  emit(world, 'checkout.session.completed', done);
}

function sessionOf(world: World, intent: string): Stripe.Checkout.Session | undefined {
  return world.store.get('checkout_session', world.store.get('session_of_intent', intent)?.session ?? '');
}

function put(world: World, session: Stripe.Checkout.Session): Stripe.Checkout.Session {
  world.store.put('checkout_session', session);
  return session;
}
