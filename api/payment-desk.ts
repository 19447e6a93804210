// A gateway's side of payments: Stripe, its events, and on a demo the clock that is moved together with the fake one's.
import type { Pool } from 'pg';
import { FakeStripeClock } from '../services/billing-clock/fake-stripe-clock.ts';
import type { OnCard } from '../services/payments/cards.ts';
import { StripeApi } from '../services/payments/stripe-api.ts';
import { StripeInbox } from '../services/payments/stripe-inbox.ts';
import type { Config } from '../services/platform/config.ts';
import type { Log } from '../services/platform/log.ts';
import { cardChanged } from '../services/subscriptions/learn.ts';
import type { DemoClock, PaymentDesk } from './routes/app-dependencies.ts';

/** Above what a proof of a demo's ledger takes, and what a card that is declined keeps a process. */
const DEMO_CLOCK_PATIENCE_MS = 30_000;

/** null: this installation takes no payments. */
export function openPaymentDesk(config: Config, db: Pool, log: Log): PaymentDesk | null {
  if (config.stripe === null) return null;
  const stripe = new StripeApi(config.stripe);
  const onCard: OnCard = (tx, orgId, card) => cardChanged(tx, orgId, card, { actor: 'stripe' });
  return { stripe, inbox: new StripeInbox({ db, stripe, log, onCard }), publicUrl: config.publicUrl };
}

export function openDemoClock({ demoClock, stripe }: Config): DemoClock | null {
  if (!demoClock || stripe === null) return null;
  return { stripe: new FakeStripeClock(stripe.apiBase), patienceMs: DEMO_CLOCK_PATIENCE_MS };
}
