// What Stripe did for us since the snapshot of a restored database: payments, pages and refunds, each brought into the books once (D151). What was
// begun there and is known to nobody here is ended, so that no money comes in by it later.
import type { Pool } from 'pg';
import { adoptIntent, isKnown } from '../payments/adoption.ts';
import { refundAt } from '../payments/refund-rows.ts';
import { followRefunds } from '../payments/refunds.ts';
import type { StripeApi } from '../payments/stripe-api.ts';
import { adoptCustomer } from '../payments/stripe-customers.ts';
import type { RememberedPage } from '../payments/stripe-history.ts';
import type { PaymentIntent } from '../payments/stripe-intents.ts';
import { inTransaction } from '../platform/postgres.ts';
import type { BillingHold } from './billing-holds.ts';
import { type Finding, noteFinding } from './findings.ts';

/** Stripe dates what it makes by its own clock, and what was asked before the snapshot may have been answered after it. */
const BEFORE_SNAPSHOT_MS = 2 * 3_600_000;
const TOLD = { actor: 'restore' };

export interface LedgerAtStripe {
  readonly db: Pool;
  readonly stripe: StripeApi;
  say(line: string): void;
}

/** What is not decided yet, in words: while there is any, nobody can say what is in the books. */
export async function adoptLostMoney(place: LedgerAtStripe, hold: BillingHold): Promise<string[]> {
  const since = new Date(hold.snapshotAt.getTime() - BEFORE_SNAPSHOT_MS);
  const { history } = place.stripe;
  const undecided: string[] = [];
  for (const intent of await history.intentsSince(since)) undecided.push(...(await adopt(place, hold, intent)));
  for (const page of await history.pagesSince(since)) undecided.push(...(await closeUnknown(place, hold, page)));
  for (const { customer, orgId } of await history.customersSince(since)) {
    if (await adoptCustomer(place.db, orgId, customer))
      await found(place, hold, { what: 'customer_adopted', subject: customer, details: { orgId } });
  }
  for (const refund of await history.refundsSince(since)) await adoptRefund(place, hold, refund);
  return undecided;
}

async function adopt(place: LedgerAtStripe, hold: BillingHold, intent: PaymentIntent): Promise<string[]> {
  const { id: subject, paymentId, amountCents } = intent;
  const { outcome, orgId, isOrganizationNew, isPaymentNew } = await adoptIntent(place.db, intent, TOLD);
  const details = { paymentId, orgId, amountCents };
  if (isOrganizationNew) await found(place, hold, { what: 'organization_recreated', subject: String(orgId), details });
  switch (outcome) {
    case 'recorded':
    case 'twice':
      await found(place, hold, { what: 'payment_adopted', subject, details: { ...details, outcome, isPaymentNew } });
      return [];
    case 'in_question':
      await found(place, hold, { what: 'capture_in_question', subject, details });
      return [];
    case 'without_place':
      await found(place, hold, { what: 'capture_without_place', subject, details });
      return (await isGivenBack(place, intent))
        ? []
        : [
            `${subject}: ${amountCents} cents of organization ${orgId} were paid for an invoice of usage that is not there: give them back at Stripe`,
          ];
    case 'under_way':
      return paymentId === null ? [] : [`${subject} is under way: whether it is paid, Stripe will know`];
    case 'not_paid':
      return endUnknown(place, hold, intent);
    case 'known':
    case 'not_ours':
      return [];
  }
}

async function isGivenBack({ stripe }: LedgerAtStripe, { id, amountCents }: PaymentIntent): Promise<boolean> {
  const refunds = (await stripe.refundsOf(id)).filter(({ state }) => state !== 'failed');
  return refunds.reduce((sum, refund) => sum + refund.amountCents, 0) >= amountCents;
}

/** One that a payment of ours waits for is left to it. */
async function endUnknown(place: LedgerAtStripe, hold: BillingHold, intent: PaymentIntent): Promise<string[]> {
  const { id: subject, paymentId, state } = intent;
  if (state !== 'open' || paymentId === null || (await isKnown(place.db, paymentId))) return [];
  const after = await place.stripe.intents.cancel(subject, paymentId, hold.epoch);
  // One of a page ends with its page.
  if (after.state === 'open') return [];
  if (after.state !== 'cancelled') return adopt(place, hold, after);
  await found(place, hold, { what: 'intent_cancelled', subject, details: { paymentId } });
  return [];
}

async function closeUnknown(place: LedgerAtStripe, hold: BillingHold, page: RememberedPage): Promise<string[]> {
  const { id: subject, isOpen, paymentId } = page;
  if (!isOpen || paymentId === null || (await isKnown(place.db, paymentId))) return [];
  const { paymentIntent, isExpired } = await place.stripe.expireCheckout(subject, paymentId);
  if (isExpired) await found(place, hold, { what: 'page_closed', subject, details: { paymentId } });
  return isExpired || paymentIntent === null ? [] : adopt(place, hold, await place.stripe.paymentIntent(paymentIntent));
}

async function adoptRefund(place: LedgerAtStripe, hold: BillingHold, refund: string): Promise<void> {
  const isNew = await inTransaction(place.db, async (tx) => {
    const before = await refundAt(tx, refund);
    await followRefunds(tx, place.stripe, { kind: 'refund', id: refund }, TOLD.actor);
    return before === null && (await refundAt(tx, refund)) !== null;
  });
  if (isNew) await found(place, hold, { what: 'refund_adopted', subject: refund });
}

async function found({ db, say }: LedgerAtStripe, { epoch }: BillingHold, finding: Finding): Promise<void> {
  const isNew = await inTransaction(db, (tx) => noteFinding(tx, epoch, finding));
  if (isNew) say(`${finding.what} ${finding.subject} ${JSON.stringify(finding.details ?? {})}`);
}
