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
    payments === null ? [] : await fromStripe({ db, stripe: payments.stripe, say }, hold, payments.inbox);
  undecided.push(...(await brokenInvariants(db)));
  if (undecided.length > 0) return { epoch: hold.epoch, undecided };
  await inTransaction(db, (tx) => clearHold(tx, hold));
  await pokeAllOpen(db);
  return { epoch: hold.epoch, undecided };
}

async function fromStripe(place: LedgerAtStripe, hold: BillingHold, inbox: StripeInbox): Promise<string[]> {
  const { db, stripe } = place;
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
  const count = await terminateWorkflows(hold.since);
  if (count === 0) return;
  say(`workflows_terminated ${count}`);
  const finding = { what: 'workflows_terminated', subject: hold.since.toISOString(), details: { count } } as const;
  await inTransaction(db, (tx) => noteFinding(tx, hold.epoch, finding));
}

async function brokenInvariants(db: Pool): Promise<string[]> {
  const { checks } = await verifyLedger(db);
  return checks
    .filter(({ ok, id }) => !ok && !OF_TIMELINESS.has(id))
    .map(({ id, title, examples }) => `invariant ${id} does not hold, ${title}: ${examples.join('; ')}`);
}
