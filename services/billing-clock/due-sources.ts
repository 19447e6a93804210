// What falls due by the clock of billing. Whoever moves it stops at the earliest of these and goes on when none is due any more, so a
// process that waits for moments of its own is a line here.
import type { Pool } from 'pg';
import { expireGrants, nextExpiryAt } from '../grants/grants.ts';
import { mailsWaitSince } from '../notifications/outbox.ts';
import type { StripeApi } from '../payments/stripe-api.ts';
import { eventsWaitSince } from '../payments/stripe-inbox.ts';
import { nextInvoiceAt } from '../postpaid/usage-accounts.ts';
import { issueDueInvoices } from '../postpaid/usage-invoices.ts';
import { nextWake, pokeDue, pokesWaitSince } from '../processes/due-processes.ts';
import { announceDueReconciliations, nextReconciliationAt } from '../reconciliation/reconciliations.ts';
import { nextMailAhead, queueMailsAhead } from '../subscriptions/mails-ahead.ts';
import type { FakeStripeClock } from './fake-stripe-clock.ts';

export interface DueSource {
  readonly name: string;
  /** The earliest moment at which something of it falls due, or fell due and is not done yet; null: nothing does. */
  nextDueAt(db: Pool): Promise<Date | null>;
  /** Has done what is due, or told those who do it; any number of times. Without it they find it by themselves. */
  poke?(db: Pool): Promise<unknown>;
}

/** `stripe`: asked for the tax of what is invoiced, where that is its word. */
export function dueSources(stripeClock: FakeStripeClock, stripe: StripeApi): readonly DueSource[] {
  return [
    { name: 'grants', nextDueAt: nextExpiryAt, poke: expireGrants },
    { name: 'usage', nextDueAt: nextInvoiceAt, poke: (db) => issueDueInvoices(db, stripe) },
    { name: 'mails ahead', nextDueAt: nextMailAhead, poke: queueMailsAhead },
    { name: 'reconciliations', nextDueAt: nextReconciliationAt, poke: announceDueReconciliations },
    {
      name: 'subscriptions',
      nextDueAt: (db) => nextWake(db, 'subscription'),
      poke: (db) => pokeDue(db, 'subscription'),
    },
    { name: 'unpaid invoices', nextDueAt: (db) => nextWake(db, 'dunning'), poke: (db) => pokeDue(db, 'dunning') },
    { name: 'top-ups', nextDueAt: (db) => nextWake(db, 'topup'), poke: (db) => pokeDue(db, 'topup') },
    { name: 'onboardings', nextDueAt: (db) => nextWake(db, 'onboarding'), poke: (db) => pokeDue(db, 'onboarding') },
    {
      name: 'rotations of API keys',
      nextDueAt: (db) => nextWake(db, 'rotate:api-key'),
      poke: (db) => pokeDue(db, 'rotate:api-key'),
    },
    { name: 'processes', nextDueAt: pokesWaitSince },
    { name: 'mails', nextDueAt: mailsWaitSince },
    { name: 'stripe', nextDueAt: () => stripeClock.nextDueAt() },
    { name: 'stripe events', nextDueAt: eventsWaitSince },
  ];
}
