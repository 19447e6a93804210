// Invoices of usage, one a month. Each organization is a transaction of its own, under its lock and checked again there: whoever else is at
// it finds nothing due, and whoever dies between two is followed by the next hour.
import type { Pool, PoolClient } from 'pg';
import { TollgateError } from '../../domain/errors.ts';
import { type Nano, nano, sum, ZERO } from '../../domain/nano.ts';
import { invoiceDueAt, settlingLine, usageInvoiceTotal } from '../../domain/postpaid.ts';
import type { Tax } from '../../domain/tax.ts';
import { lockedOrganization } from '../organizations/organizations.ts';
import type { StripeApi } from '../payments/stripe-api.ts';
import { type BillingSnapshot, billingDetails, billingSnapshot } from '../people/billing-details.ts';
import { newId } from '../platform/ids.ts';
import { oneByOne } from '../platform/one-by-one.ts';
import { inTransaction, type Queryable } from '../platform/postgres.ts';
import { billingNow, openPostpaidCase } from '../subscriptions/turn.ts';
import { settleTax } from '../taxes/stripe-tax.ts';
import { taxFor } from '../taxes/taxes.ts';
import { contract } from './contracts.ts';
import { closeMonth, monthDue, organizationsDue, type UsageLine, unbilledUsage } from './usage-accounts.ts';
import { draftOf, dropDraft, keepDraft, renamedDraft, type UsageBill, type UsageDraft } from './usage-drafts.ts';

type InvoiceLine =
  | ({ readonly kind: 'usage' } & UsageLine)
  | { readonly kind: 'prepaid' | 'earlier_usage'; readonly amountNano: Nano };

const ACTOR = 'invoicing';

/** All that is due now; returns the ids. An organization that fails does not hold up the others. `stripe`: null where there is none. */
export async function issueDueInvoices(db: Pool, stripe: StripeApi | null): Promise<string[]> {
  const issued: string[] = [];
  await oneByOne(await organizationsDue(db), async (orgId) => {
    const invoiceId = await issueWithTax(db, stripe, orgId);
    if (invoiceId !== null) issued.push(invoiceId);
  });
  return issued;
}

/** Where Stripe says the tax, it is asked between two transactions, of which the first has said on what. */
async function issueWithTax(db: Pool, stripe: StripeApi | null, orgId: string): Promise<string | null> {
  for (;;) {
    const result = await inTransaction(db, (tx) => issueDueInvoice(tx, orgId));
    if (result === null || result.awaitsTaxOf === null) return result?.issued ?? null;
    if (stripe === null) throw new Error(`Stripe has to say the tax of organization ${orgId}, and is not configured`);
    await settleTax({ db, stripe }, result.awaitsTaxOf);
  }
}

type Issue =
  | { readonly issued: string; readonly awaitsTaxOf: null }
  | { readonly issued: null; readonly awaitsTaxOf: string };

/** Null: it is not due any more, or what was used is too little and waits. */
async function issueDueInvoice(tx: PoolClient, orgId: string): Promise<Issue | null> {
  await lockedOrganization(tx, orgId);
  const month = await monthDue(tx, orgId);
  if (month === null) return null;
  const draft = await draftOf(tx, orgId);
  if (draft !== null) return issueDraft(tx, orgId, draft);
  const { unbilledNano, lines, tally } = await unbilledUsage(tx, orgId);
  const total = usageInvoiceTotal(unbilledNano);
  if (total === null) {
    await closeMonth(tx, orgId, unbilledNano === ZERO ? tally : null);
    return null;
  }
  const bill = {
    month,
    netCents: total.totalCents,
    usageNano: unbilledNano,
    tally,
    lines: linesText(linesOf(lines, unbilledNano)),
  };
  const { taxCents, tax, taxCode } = await taxFor(tx, orgId, total.totalCents);
  if (taxCode !== null) return { issued: null, awaitsTaxOf: await keepDraft(tx, orgId, bill, taxCode) };
  return issue(tx, orgId, newId(), bill, { taxCents, tax, calculation: null });
}

/** Whose tax is asked for again where whom it is made out to has changed since. */
async function issueDraft(tx: PoolClient, orgId: string, draft: UsageDraft): Promise<Issue> {
  const { invoiceId, taxCode, known } = draft;
  if (known === null) return { issued: null, awaitsTaxOf: invoiceId };
  const { version } = await billingDetails(tx, orgId);
  if (known.billingVersion !== version) return { issued: null, awaitsTaxOf: await renamedDraft(tx, orgId) };
  await dropDraft(tx, orgId);
  const { taxCents, calculation } = known;
  return issue(tx, orgId, invoiceId, draft, { taxCents, calculation, tax: { kind: 'stripe_tax', taxCode } });
}

async function issue(
  tx: PoolClient,
  orgId: string,
  invoiceId: string,
  { month, netCents, usageNano, lines, tally }: UsageBill,
  { taxCents, tax, calculation }: { readonly taxCents: number; readonly tax: Tax; readonly calculation: string | null },
): Promise<Issue> {
  const { creditLineCents, netDays } = await contract(tx, orgId);
  const dueAtMs = invoiceDueAt({ creditLineCents, netDays }, await billingNow(tx));
  await tx.query('select post_usage_invoice($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)', [
    invoiceId,
    orgId,
    month,
    new Date(dueAtMs),
    netCents + taxCents,
    taxCents,
    JSON.stringify(tax),
    calculation,
    usageNano,
    lines,
    JSON.stringify(await billingSnapshot(tx, orgId)),
    ACTOR,
  ]);
  await closeMonth(tx, orgId, tally);
  await openPostpaidCase(tx, { orgId, actor: ACTOR }, invoiceId, dueAtMs);
  return { issued: invoiceId, awaitsTaxOf: null };
}

function linesOf(lines: readonly UsageLine[], unbilledNano: Nano): InvoiceLine[] {
  const settling = settlingLine(sum(lines.map(({ amountNano }) => amountNano)), unbilledNano);
  return [...lines.map((line) => ({ kind: 'usage' as const, ...line })), ...(settling === null ? [] : [settling])];
}

function linesText(lines: readonly InvoiceLine[]): string {
  return JSON.stringify(lines.map((line) => ({ ...line, amountNano: String(line.amountNano) })));
}

/** By its id, or the organization's of that month. Null: there is none. */
export async function usageInvoiceOf(db: Queryable, orgId: string, id: string, month: string): Promise<string | null> {
  const { rows } = await db.query<{ id: string }>(
    `select id from invoices where org_id = $1 and kind = 'usage' and (id = $2 or name = $3) order by id = $2 desc limit 1`,
    [orgId, id, month],
  );
  return rows[0]?.id ?? null;
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
