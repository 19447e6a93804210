// Payments that Stripe knows and our books do not: they were made in days that a restored database has forgotten. Each is written again as it
// says of itself (purchase-notes.ts), under the id that it had, and then recorded by the one writer of money in: once, however often it is found.
import type { PoolClient } from 'pg';
import { knownOrganization, recreateOrganization } from '../organizations/organizations.ts';
import { isId } from '../platform/ids.ts';
import type { Queryable } from '../platform/postgres.ts';
import { usageInvoiceOf } from '../postpaid/usage-invoices.ts';
import { orderAgain } from '../subscriptions/lost-orders.ts';
import type { Told } from '../subscriptions/turn.ts';
import { type Recorded, recordIntent } from './payments.ts';
import { type NotedPurchase, readNote } from './purchase-notes.ts';
import type { PaymentIntent } from './stripe-intents.ts';

/**
 * It is ours and paid, and has no place in these books: the invoice of usage that it was for is not there; its period is over and another one was
 * ordered; an order of that name asks for something else; or it names a payment and says nothing else that we can read.
 */
export type Placeless = 'without_place' | 'skipped' | 'other_order' | 'without_note';

export interface Adopted {
  /** 'under_way': nobody knows yet whether it is paid. */
  readonly outcome: Recorded | Placeless | 'under_way';
  readonly orgId: string | null;
  readonly isOrganizationNew: boolean;
  /** Its row had been forgotten. */
  readonly isPaymentNew: boolean;
}

const PLACELESS: Readonly<Record<Placeless, true>> = {
  without_place: true,
  skipped: true,
  other_order: true,
  without_note: true,
};

export function isPlaceless(outcome: Adopted['outcome']): outcome is Placeless {
  return Object.hasOwn(PLACELESS, outcome);
}

/** What is not paid is looked at and left as it is. Whoever bought it had his receipt, and is sent no other one. */
export async function adoptIntent(tx: PoolClient, intent: PaymentIntent, by: Told): Promise<Adopted> {
  const told = { ...by, hasReceipt: true };
  const noted = readNote(intent.note);
  const about = { orgId: noted?.org_id ?? null, isOrganizationNew: false, isPaymentNew: false };
  if (intent.state === 'processing') return { ...about, outcome: 'under_way' };
  if (!intent.isPaid) return { ...about, outcome: 'not_paid' };
  if (noted === null || (await isKnown(tx, noted.payment_id)))
    return { ...about, outcome: await recordedOrUnread(tx, intent, told) };
  const isOrganizationNew = !(await knownOrganization(tx, noted.org_id));
  if (isOrganizationNew) await recreateOrganization(tx, noted.org_id);
  const pays = await invoiceOf(tx, noted, intent, told);
  if (typeof pays === 'string') return { ...about, isOrganizationNew, outcome: pays };
  await writeAgain(tx, intent, pays.invoiceId, told);
  const outcome = await recordIntent(tx, intent, told);
  return { orgId: noted.org_id, isOrganizationNew, isPaymentNew: true, outcome };
}

/** What names no payment as ours are named is none of ours. */
async function recordedOrUnread(tx: PoolClient, intent: PaymentIntent, told: Told): Promise<Recorded | Placeless> {
  const outcome = await recordIntent(tx, intent, told);
  return outcome === 'not_ours' && isId(intent.paymentId ?? '') ? 'without_note' : outcome;
}

/** Also where nobody has asked Stripe for it yet. */
export async function isKnown(db: Queryable, paymentId: string): Promise<boolean> {
  const { rowCount } = await db.query('select from payments where id = $1', [paymentId]);
  return rowCount === 1;
}

/** Null: it pays none. */
async function invoiceOf(
  tx: PoolClient,
  noted: NotedPurchase,
  { amountCents }: PaymentIntent,
  told: Told,
): Promise<{ readonly invoiceId: string | null } | Placeless> {
  if (noted.purpose !== 'invoice') return { invoiceId: null };
  const { org_id: orgId, invoice_id: invoiceId, invoice_name: name } = noted;
  if (noted.invoice_kind === 'usage') {
    // Usage is invoiced anew, of what is left of it, and under another number.
    const usage = await usageInvoiceOf(tx, orgId, invoiceId, name);
    return usage === null ? 'without_place' : { invoiceId: usage };
  }
  const { subscription_id: subscriptionId, bought, tax_cents: taxCents } = noted;
  return orderAgain(tx, { invoiceId, orgId, subscriptionId, name, bought, amountCents, taxCents }, told);
}

async function writeAgain(
  tx: PoolClient,
  { note, amountCents }: PaymentIntent,
  invoiceId: string | null,
  { actor }: Told,
): Promise<void> {
  await tx.query('select adopt_payment($1, $2, $3, $4)', [JSON.stringify(note), invoiceId, amountCents, actor]);
}
