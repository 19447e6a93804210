// What Stripe did for us since the snapshot of a restored database: payments, pages and refunds, each brought into the books once (D151). What was
// begun there and is known to nobody here is ended, so that no money comes in by it later.
import type { Pool } from 'pg';
import { reasonOf } from '../backups/rejection.ts';
import { isKnown, isPlaceless, type Placeless } from '../payments/adoption.ts';
import { keepCards, readCards } from '../payments/cards.ts';
import { refundAt } from '../payments/refund-rows.ts';
import { followRefunds } from '../payments/refunds.ts';
import type { StripeApi } from '../payments/stripe-api.ts';
import { adoptCustomer } from '../payments/stripe-customers.ts';
import type { RememberedCustomer, RememberedPage } from '../payments/stripe-history.ts';
import type { PaymentIntent } from '../payments/stripe-intents.ts';
import { inTransaction } from '../platform/postgres.ts';
import { cardChanged } from '../subscriptions/learn.ts';
import { adoptNoting } from './adopted-intents.ts';
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
  return [
    // Before intents are listed: on a page that is open somebody may pay at any moment.
    ...(await each(await history.pagesSince(since), (page) => closeUnknown(place, hold, page))),
    ...(await each(await history.intentsSince(since), (intent) => adoptOrAsk(place, hold, intent))),
    ...(await each(await history.customersSince(since), (customer) => adoptWithCards(place, hold, customer))),
    ...(await each(await history.refundsSince(since), (refund) => adoptRefund(place, hold, refund.id))),
  ];
}

/** One that cannot be seen to is undecided, and holds up no other. */
async function each<T extends { readonly id: string }>(
  things: readonly T[],
  seeTo: (thing: T) => Promise<readonly string[]>,
): Promise<string[]> {
  const undecided: string[] = [];
  for (const thing of things)
    undecided.push(
      ...(await seeTo(thing).catch((error: unknown) => [`${thing.id} could not be seen to: ${reasonOf(error)}`])),
    );
  return undecided;
}

/** One on which somebody pays meanwhile is followed by its intent. */
async function closeUnknown(place: LedgerAtStripe, hold: BillingHold, page: RememberedPage): Promise<string[]> {
  const { id: subject, isOpen, paymentId } = page;
  if (!isOpen || paymentId === null || (await isKnown(place.db, paymentId))) return [];
  await found(place, hold, { what: 'page_closed', subject, details: { paymentId } });
  await place.stripe.expireCheckout(subject, paymentId);
  return [];
}

/** What cannot be written down may have gone back. */
async function adoptOrAsk(place: LedgerAtStripe, hold: BillingHold, intent: PaymentIntent): Promise<string[]> {
  try {
    return await adopt(place, hold, intent);
  } catch (error) {
    if (intent.isPaid && (await isGivenBack(place, intent))) return [];
    throw error;
  }
}

async function adopt(place: LedgerAtStripe, hold: BillingHold, intent: PaymentIntent): Promise<string[]> {
  const { adopted, news } = await inTransaction(place.db, (tx) => adoptNoting(tx, hold.epoch, intent, TOLD));
  for (const finding of news) sayOf(place, finding);
  const { outcome, orgId } = adopted;
  if (outcome === 'not_paid') return endUnknown(place, hold, intent);
  if (outcome === 'under_way')
    return intent.paymentId === null ? [] : [`${intent.id} is under way: whether it is paid, Stripe will know`];
  if (!isPlaceless(outcome) || (await isGivenBack(place, intent))) return [];
  const whose = orgId === null ? '' : ` of organization ${orgId}`;
  return [`${intent.id}: ${intent.amountCents} cents${whose} ${WHY_PLACELESS[outcome]}`];
}

const WHY_PLACELESS: Readonly<Record<Placeless, string>> = {
  without_place: 'were paid for an invoice of usage that is not there: give them back at Stripe',
  skipped: 'were paid for a period that is over, and a later one is asked for here: give them back at Stripe',
  other_order: 'were paid for an invoice that asks for something else here: give them back at Stripe',
  without_note:
    'were paid for a payment that is not there and says nothing else that can be read: give them back at Stripe, or enter the payment by hand',
};

async function isGivenBack({ stripe }: LedgerAtStripe, { id, amountCents }: PaymentIntent): Promise<boolean> {
  const refunds = (await stripe.refundsOf(id)).filter(({ state }) => state !== 'failed');
  return refunds.reduce((sum, refund) => sum + refund.amountCents, 0) >= amountCents;
}

/** One that a payment of ours waits for is left to it. */
async function endUnknown(place: LedgerAtStripe, hold: BillingHold, intent: PaymentIntent): Promise<string[]> {
  const { id: subject, paymentId, state } = intent;
  if (state !== 'open' || paymentId === null || (await isKnown(place.db, paymentId))) return [];
  await found(place, hold, { what: 'intent_cancelled', subject, details: { paymentId } });
  const after = await place.stripe.intents.cancel(subject, paymentId, hold.epoch);
  // One of a page ends with its page.
  return after.state === 'open' || after.state === 'cancelled' ? [] : adopt(place, hold, after);
}

/** His cards with him: what Stripe told of them came to nobody who knew him. */
async function adoptWithCards(
  place: LedgerAtStripe,
  { epoch }: BillingHold,
  { id: subject, orgId }: RememberedCustomer,
): Promise<string[]> {
  const finding = { what: 'customer_adopted', subject, details: { orgId } } as const;
  const isNew = await inTransaction(place.db, async (tx) => {
    if (!(await adoptCustomer(tx, orgId, subject))) return false;
    const cards = await readCards(tx, place.stripe, subject);
    if (cards !== null) await keepCards(tx, cards, (of, id, card) => cardChanged(of, id, card, TOLD.actor));
    return noteFinding(tx, epoch, finding);
  });
  if (isNew) sayOf(place, finding);
  return [];
}

async function adoptRefund(place: LedgerAtStripe, { epoch }: BillingHold, refund: string): Promise<string[]> {
  const finding = { what: 'refund_adopted', subject: refund } as const;
  const isNew = await inTransaction(place.db, async (tx) => {
    const before = await refundAt(tx, refund);
    await followRefunds(tx, place.stripe, { kind: 'refund', id: refund }, TOLD.actor);
    return before === null && (await refundAt(tx, refund)) !== null && (await noteFinding(tx, epoch, finding));
  });
  if (isNew) sayOf(place, finding);
  return [];
}

/** Before it is done at Stripe: whoever is killed in between has said what he was about to do, and it is done again. */
async function found(place: LedgerAtStripe, { epoch }: BillingHold, finding: Finding): Promise<void> {
  if (await inTransaction(place.db, (tx) => noteFinding(tx, epoch, finding))) sayOf(place, finding);
}

function sayOf({ say }: LedgerAtStripe, { what, subject, details = {} }: Finding): void {
  say(`${what} ${subject} ${JSON.stringify(details)}`);
}
