// Invoices of usage whose tax Stripe has to say (D79). Gateways go on settling while it is asked, so what is invoiced is frozen first: what
// is used from then on stays unbilled, and is on the next one.
import type { PoolClient } from 'pg';
import { type Nano, nano } from '../../domain/nano.ts';
import { newId } from '../platform/ids.ts';
import { jsonbText } from '../platform/postgres.ts';
import type { Tally } from './usage-accounts.ts';

export interface UsageBill {
  /** As in 2027-01. */
  readonly month: string;
  readonly netCents: number;
  readonly usageNano: Nano;
  /** As JSON. */
  readonly lines: string;
  readonly tally: Tally;
}

export interface UsageDraft extends UsageBill {
  readonly invoiceId: string;
  readonly taxCode: string;
  /** Null: Stripe has not said it. */
  readonly known: { readonly calculation: string; readonly taxCents: number; readonly billingVersion: number } | null;
}

/** The caller holds the organization, here and below. Null: there is none. */
export async function draftOf(tx: PoolClient, orgId: string): Promise<UsageDraft | null> {
  const { rows } = await tx.query<
    Omit<UsageDraft, 'usageNano' | 'tally'> & { usageNano: string; countedFrom: Date; counted: unknown }
  >(
    `select d.invoice_id as "invoiceId", d.month, d.net_cents as "netCents", d.usage_nano::text as "usageNano", d.lines::text as lines, d.counted_from as "countedFrom",
            d.counted, d.tax_code as "taxCode",
            case when c.id is not null then jsonb_build_object('calculation', c.id, 'taxCents', c.tax_cents, 'billingVersion', c.billing_version) end as known
       from usage_invoice_drafts d left join tax_calculations c on c.sale_id = d.invoice_id where d.org_id = $1`,
    [orgId],
  );
  const [row] = rows;
  if (row === undefined) return null;
  const { usageNano, countedFrom, counted, ...draft } = row;
  return { ...draft, usageNano: nano(usageNano), tally: { countedFrom, counted } };
}

/** The id of the invoice that it will be. */
export async function keepDraft(
  tx: PoolClient,
  orgId: string,
  { month, netCents, usageNano, lines, tally }: UsageBill,
  taxCode: string,
): Promise<string> {
  const invoiceId = newId();
  await tx.query(
    `insert into usage_invoice_drafts (org_id, invoice_id, month, net_cents, usage_nano, lines, counted_from, counted, tax_code)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [orgId, invoiceId, month, netCents, usageNano, lines, tally.countedFrom, jsonbText(tally.counted), taxCode],
  );
  return invoiceId;
}

/** Its tax is of the details as they were: it is asked for again, under another id. */
export async function renamedDraft(tx: PoolClient, orgId: string): Promise<string> {
  const invoiceId = newId();
  await tx.query('update usage_invoice_drafts set invoice_id = $2 where org_id = $1', [orgId, invoiceId]);
  return invoiceId;
}

export async function dropDraft(tx: PoolClient, orgId: string): Promise<void> {
  await tx.query('delete from usage_invoice_drafts where org_id = $1', [orgId]);
}
