// Payments that Stripe knows and our books do not: they were made in days that a restored database has forgotten. Each is written again as it
// says of itself (purchase-notes.ts), under the id that it had, and then recorded by the one writer of money in: once, however often it is found.
import type { Pool, PoolClient } from 'pg';
import { knownOrganization, recreateOrganization } from '../organizations/organizations.ts';
import { inTransaction, type Queryable } from '../platform/postgres.ts';
import { usageInvoiceOf } from '../postpaid/usage-invoices.ts';
import { orderAgain } from '../subscriptions/lost-orders.ts';
import type { Told } from '../subscriptions/turn.ts';
import { type Recorded, recordIntent } from './payments.ts';
import { type NotedPurchase, readNote } from './purchase-notes.ts';
import type { PaymentIntent } from './stripe-intents.ts';

export interface Adopted {
  /** 'without_place': it is ours and paid, and the invoice that it was for is not there. 'under_way': nobody knows yet whether it is paid. */
  readonly outcome: Recorded | 'without_place' | 'under_way';
  readonly orgId: string | null;
  readonly isOrganizationNew: boolean;
  /** Its row had been forgotten. */
  readonly isPaymentNew: boolean;
}

/** What is not paid is looked at and left as it is. */
export function adoptIntent(db: Pool, intent: PaymentIntent, told: Told): Promise<Adopted> {
  return inTransaction(db, async (tx) => {
    const noted = readNote(intent.note);
    const about = { orgId: noted?.org_id ?? null, isOrganizationNew: false, isPaymentNew: false };
    if (intent.state === 'processing') return { ...about, outcome: 'under_way' };
    if (!intent.isPaid) return { ...about, outcome: 'not_paid' };
    // Of before there were notes, or none of ours: what is known is recorded.
    if (noted === null || (await isKnown(tx, noted.payment_id)))
      return { ...about, outcome: await recordIntent(tx, intent, told) };
    const isOrganizationNew = !(await knownOrganization(tx, noted.org_id));
    if (isOrganizationNew) await recreateOrganization(tx, noted.org_id);
    const invoiceId = await invoiceOf(tx, noted, intent, told);
    if (invoiceId === undefined) return { ...about, isOrganizationNew, outcome: 'without_place' };
    await writeAgain(tx, intent, invoiceId, told);
    return {
      orgId: noted.org_id,
      isOrganizationNew,
      isPaymentNew: true,
      outcome: await recordIntent(tx, intent, told),
    };
  });
}

/** Also where nobody has asked Stripe for it yet. */
export async function isKnown(db: Queryable, paymentId: string): Promise<boolean> {
  const { rowCount } = await db.query('select from payments where id = $1', [paymentId]);
  return rowCount === 1;
}

/** Null: it pays none; undefined: the one that it paid is not there and cannot be made. */
async function invoiceOf(
  tx: PoolClient,
  noted: NotedPurchase,
  { amountCents }: PaymentIntent,
  told: Told,
): Promise<string | null | undefined> {
  if (noted.purpose !== 'invoice') return null;
  const { org_id: orgId, invoice_id: invoiceId, invoice_name: name } = noted;
  // Usage is invoiced anew, of what is left of it, and under another number.
  if (noted.invoice_kind === 'usage') return (await usageInvoiceOf(tx, orgId, invoiceId, name)) ?? undefined;
  const { subscription_id: subscriptionId, bought, tax_cents: taxCents } = noted;
  await orderAgain(tx, { invoiceId, orgId, subscriptionId, name, bought, amountCents, taxCents }, told);
  return invoiceId;
}

async function writeAgain(
  tx: PoolClient,
  { note, amountCents }: PaymentIntent,
  invoiceId: string | null,
  { actor }: Told,
): Promise<void> {
  await tx.query('select adopt_payment($1, $2, $3, $4)', [JSON.stringify(note), invoiceId, amountCents, actor]);
}
