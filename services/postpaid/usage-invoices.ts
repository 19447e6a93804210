// Invoices of usage, one a month. Each organization is a transaction of its own, under its lock and checked again there: whoever else is at
// it finds nothing due, and whoever dies between two is followed by the next hour.
import type { Pool, PoolClient } from 'pg';
import { TollgateError } from '../../domain/errors.ts';
import { type Nano, nano, sum, ZERO } from '../../domain/nano.ts';
import { invoiceDueAt, settlingLine, usageInvoiceTotal } from '../../domain/postpaid.ts';
import { lockedOrganization } from '../organizations/organizations.ts';
import { type BillingSnapshot, billingSnapshot } from '../people/billing-details.ts';
import { newId } from '../platform/ids.ts';
import { oneByOne } from '../platform/one-by-one.ts';
import { inTransaction, type Queryable } from '../platform/postgres.ts';
import { billingNow, openPostpaidCase } from '../subscriptions/turn.ts';
import { taxFor } from '../taxes/taxes.ts';
import { contract } from './contracts.ts';
import { closeMonth, monthDue, organizationsDue, type UsageLine, unbilledUsage } from './usage-accounts.ts';

type InvoiceLine =
  | ({ readonly kind: 'usage' } & UsageLine)
  | { readonly kind: 'prepaid' | 'earlier_usage'; readonly amountNano: Nano };

const ACTOR = 'invoicing';

/** All that is due now; returns the ids. An organization that fails does not hold up the others. */
export async function issueDueInvoices(db: Pool): Promise<string[]> {
  const issued: string[] = [];
  await oneByOne(await organizationsDue(db), async (orgId) => {
    const invoiceId = await inTransaction(db, (tx) => issueDueInvoice(tx, orgId));
    if (invoiceId !== null) issued.push(invoiceId);
  });
  return issued;
}

/** Null: it is not due any more, or what was used is too little and waits. */
async function issueDueInvoice(tx: PoolClient, orgId: string): Promise<string | null> {
  await lockedOrganization(tx, orgId);
  const month = await monthDue(tx, orgId);
  if (month === null) return null;
  const { unbilledNano, lines, tally } = await unbilledUsage(tx, orgId);
  const total = usageInvoiceTotal(unbilledNano);
  if (total === null) {
    await closeMonth(tx, orgId, unbilledNano === ZERO ? tally : null);
    return null;
  }
  const { creditLineCents, netDays } = await contract(tx, orgId);
  const invoiceId = newId();
  const dueAtMs = invoiceDueAt({ creditLineCents, netDays }, await billingNow(tx));
  const { grossCents, taxCents, tax } = await taxFor(tx, orgId, total.totalCents);
  await tx.query('select post_usage_invoice($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)', [
    invoiceId,
    orgId,
    month,
    new Date(dueAtMs),
    grossCents,
    taxCents,
    JSON.stringify(tax),
    unbilledNano,
    linesText(linesOf(lines, unbilledNano)),
    JSON.stringify(await billingSnapshot(tx, orgId)),
    ACTOR,
  ]);
  await closeMonth(tx, orgId, tally);
  await openPostpaidCase(tx, { orgId, actor: ACTOR }, invoiceId, dueAtMs);
  return invoiceId;
}

function linesOf(lines: readonly UsageLine[], unbilledNano: Nano): InvoiceLine[] {
  const settling = settlingLine(sum(lines.map(({ amountNano }) => amountNano)), unbilledNano);
  return [...lines.map((line) => ({ kind: 'usage' as const, ...line })), ...(settling === null ? [] : [settling])];
}

function linesText(lines: readonly InvoiceLine[]): string {
  return JSON.stringify(lines.map((line) => ({ ...line, amountNano: String(line.amountNano) })));
}

/** What an invoice of usage says, as it was when it was issued. */
export interface UsageInvoice {
  readonly invoiceId: string;
  readonly number: string;
  /** As in 2027-01. */
  readonly month: string;
  readonly amountCents: number;
  readonly remainingCents: number;
  /** Of the amount. */
  readonly taxCents: number;
  readonly usageNano: Nano;
  /** usage + rounding + tax = amount. */
  readonly roundingNano: Nano;
  readonly lines: readonly InvoiceLine[];
  readonly billTo: BillingSnapshot;
}

/** @throws TollgateError not_found */
export async function usageInvoice(db: Queryable, invoiceId: string): Promise<UsageInvoice> {
  const { rows } = await db.query<
    Omit<UsageInvoice, 'usageNano' | 'roundingNano' | 'lines'> & {
      usageNano: string;
      roundingNano: string;
      lines: (Omit<InvoiceLine, 'amountNano'> & { amountNano: string })[];
    }
  >(
    `select i.id as "invoiceId", u.number, i.name as month, i.amount_cents as "amountCents", i.tax_cents as "taxCents", remaining_of(i.id) as "remainingCents",
            u.usage_nano as "usageNano", u.rounding_nano as "roundingNano", u.lines, u.bill_to as "billTo"
       from usage_invoices u join invoices i on i.id = u.invoice_id where i.id = $1`,
    [invoiceId],
  );
  const [row] = rows;
  if (row === undefined) {
    throw new TollgateError('not_found', { message: `There is no invoice of usage ${invoiceId}.`, param: 'id' });
  }
  return {
    ...row,
    usageNano: nano(row.usageNano),
    roundingNano: nano(row.roundingNano),
    lines: row.lines.map((line) => ({ ...line, amountNano: nano(line.amountNano) }) as InvoiceLine),
  };
}
