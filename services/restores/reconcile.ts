// After a restore: what the database has forgotten is brought back into it, and then the hold on billing is cleared. Every step may be repeated,
// and whoever was killed in the middle is followed by the next one; while anything is undecided the hold stays (D149).
import type { Pool } from 'pg';
import { OF_TIMELINESS, verifyLedger } from '../ledger/verifier.ts';
import { catchUpEvents } from '../payments/event-catch-up.ts';
import type { StripeApi } from '../payments/stripe-api.ts';
import type { StripeInbox } from '../payments/stripe-inbox.ts';
import { alone, inTransaction } from '../platform/postgres.ts';
import { issueDueInvoices } from '../postpaid/usage-invoices.ts';
import { pokeAllOpen } from '../processes/stranded.ts';
import { type BillingHold, clearHold, standingHold } from './billing-holds.ts';
import { noteFinding } from './findings.ts';
import { adoptLostMoney, type LedgerAtStripe } from './lost-money.ts';

export interface Reconciling {
  readonly db: Pool;
  /** Null: this installation takes no payments. It asks Stripe also while the hold stands. */
  readonly payments: { readonly stripe: StripeApi; readonly inbox: StripeInbox } | null;
  /** For people, as it comes. */
  say(line: string): void;
  /** Ends all workflows that were begun before; how many. What they did is in rows, or was forgotten with them. */
  terminateWorkflows(before: Date): Promise<number>;
}

export interface Reconciled {
  /** Null: no hold stood. */
  readonly epoch: number | null;
  /** Why the hold stands still; none: it is cleared. */
  readonly undecided: readonly string[];
}

/** @throws Error while another one is at it */
export async function reconcileRestored(place: Reconciling): Promise<Reconciled> {
  const done = await alone(place.db, 'restore', () => reconciled(place));
  if (done === null) throw new Error('another reconciliation of this database is under way');
  return done;
}

async function reconciled(place: Reconciling): Promise<Reconciled> {
  const { db, payments, say } = place;
  const hold = await standingHold(db);
  if (hold === null) return { epoch: null, undecided: [] };
  await endOldWorkflows(place, hold);
  const undecided =
    payments === null
      ? await withoutStripe(db)
      : await fromStripe({ db, stripe: payments.stripe, say }, hold, payments.inbox);
  undecided.push(...(await unsentRefunds(db, hold)), ...(await brokenInvariants(db)));
  if (undecided.length > 0) return { epoch: hold.epoch, undecided };
  await inTransaction(db, (tx) => clearHold(tx, hold));
  await pokeAllOpen(db);
  return { epoch: hold.epoch, undecided };
}

/** What was asked of Stripe once is asked of it again. */
async function withoutStripe(db: Pool): Promise<string[]> {
  const { rowCount } = await db.query(
    'select from (select org_id from stripe_customers union all select org_id from payments) asked limit 1',
  );
  return rowCount === 0
    ? []
    : [
        'there are customers or payments of Stripe here, and Stripe cannot be asked: set STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET',
      ];
}

/** Whatever another account remembers is not ours, and what is ours it has never heard of. Null: it is ours, or nobody can tell. */
async function strangerAtStripe(db: Pool, stripe: StripeApi): Promise<string | null> {
  const { rows } = await db.query<{ kind: 'customer' | 'intent'; id: string }>(
    `(select 'intent' as kind, stripe_payment_intent as id from payments where stripe_payment_intent is not null order by created_at desc, id desc limit 1)
     union all (select 'customer', stripe_customer from stripe_customers order by org_id desc limit 1) limit 1`,
  );
  const [known] = rows;
  if (known === undefined || (await stripe.history.remembers(known))) return null;
  return `${known.id} is in the database and unknown at Stripe: STRIPE_SECRET_KEY is of another account, or of its other mode`;
}

/** Nobody can take back what has gone back, so a person does it who has seen why. */
async function unsentRefunds(db: Pool, { since }: BillingHold): Promise<string[]> {
  const { rows } = await db.query<{ id: string; intent: string; cents: number }>(
    `select r.id, p.stripe_payment_intent as intent, r.amount_cents as cents from refunds r join payments p on p.id = r.payment_id
      where r.stripe_refund is null and r.state = 'submitted' and (r.requested_by = 'restore' or starts_with(r.requested_by, 'stripe:'))
        and r.created_at >= $1 order by r.created_at, r.id`,
    [since],
  );
  return rows.map(
    ({ id, intent, cents }) =>
      `${intent}: ${cents} cents would go back by refund ${id}, for what they paid is not to be had any more: see why, and give them back at Stripe`,
  );
}

async function fromStripe(place: LedgerAtStripe, hold: BillingHold, inbox: StripeInbox): Promise<string[]> {
  const { db, stripe } = place;
  const stranger = await strangerAtStripe(db, stripe);
  if (stranger !== null) return [stranger];
  // What is due by now has to be owed before its money is looked for.
  await issueDueInvoices(db, stripe);
  const undecided = await adoptLostMoney(place, hold);
  // The rest that Stripe tells of: cards that were left, and pages that nobody used.
  await catchUpEvents(db, stripe, inbox);
  await inbox.processDue();
  return undecided;
}

/** They come back from their rows, which are older than what they remember. */
async function endOldWorkflows({ db, terminateWorkflows, say }: Reconciling, hold: BillingHold): Promise<void> {
  // Before it is done: whoever is killed in the middle has said what he was about to do.
  const finding = { what: 'workflows_terminated', subject: hold.since.toISOString() } as const;
  await inTransaction(db, (tx) => noteFinding(tx, hold.epoch, finding));
  say(`workflows_terminated ${await terminateWorkflows(hold.since)}`);
}

async function brokenInvariants(db: Pool): Promise<string[]> {
  const { checks } = await verifyLedger(db);
  return checks
    .filter(({ ok, id }) => !ok && !OF_TIMELINESS.has(id))
    .map(({ id, title, examples }) => `invariant ${id} does not hold, ${title}: ${examples.join('; ')}`);
}
