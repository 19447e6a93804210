// Whatever needs Stripe asks here for it: an installation may be without.
import type { Pool } from 'pg';
import { TollgateError } from '../../domain/errors.ts';
import { FakeStripeClock } from '../../services/billing-clock/fake-stripe-clock.ts';
import { StripeApi } from '../../services/payments/stripe-api.ts';
import { StripeInbox } from '../../services/payments/stripe-inbox.ts';
import type { Config } from '../../services/platform/config.ts';
import type { Log } from '../../services/platform/log.ts';
import { unlessHeld } from '../../services/restores/billing-holds.ts';
import { cardChanged } from '../../services/subscriptions/learn.ts';
import type { AppDependencies, DemoClock, PaymentDesk } from './app-dependencies.ts';

/** Above what a proof of a demo's ledger takes, and what a card that is declined keeps a process. */
const DEMO_CLOCK_PATIENCE_MS = 30_000;

/** Null: this installation takes no payments. */
export function openPaymentDesk({ stripe: settings, publicUrl }: Config, db: Pool, log: Log): PaymentDesk | null {
  if (settings === null) return null;
  const stripe = new StripeApi(settings, unlessHeld(db));
  return {
    stripe,
    inbox: new StripeInbox(db, stripe, log, (tx, orgId, card) => cardChanged(tx, orgId, card, 'stripe')),
    publicUrl,
  };
}

/** Null: it cannot be moved. */
export function openDemoClock({ demoClock, stripe }: Config): DemoClock | null {
  if (!demoClock || stripe === null) return null;
  return { stripe: new FakeStripeClock(stripe.apiBase), patienceMs: DEMO_CLOCK_PATIENCE_MS };
}

/** @throws TollgateError payments_not_configured */
export function deskOf({ payments: desk }: AppDependencies): PaymentDesk {
  if (desk !== null) return desk;
  throw new TollgateError('payments_not_configured', {
    message:
      'This installation takes no payments: its operator has to set STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET.',
  });
}
