// Invoices as they are shown: what was asked for, and what came of it.
import { TollgateError } from '../../domain/errors.ts';
import type { PlanName } from '../../domain/plans.ts';
import type { Tax } from '../../domain/tax.ts';
import type { Queryable } from '../platform/postgres.ts';

export interface Invoice {
  readonly id: string;
  readonly orgId: string;
  readonly kind: 'plan' | 'usage';
  readonly subscriptionId: string | null;
  /** Of what was bought; null: usage. */
  readonly plan: PlanName | null;
  readonly months: number | null;
  readonly amountCents: number;
  /** Of the amount: usage is paid in parts. Of one that is closed nothing. */
  readonly remainingCents: number;
  /** Of the amount, a line of its own. */
  readonly taxCents: number;
  readonly tax: Tax;
  /** The amount is net: what the tax on it is, Stripe is asked before anybody is asked for the money. */
  readonly awaitsTax: boolean;
  readonly currency: string;
  readonly state: 'open' | 'paid' | 'void';
  /** Open, of a known amount, and not already on a page of Stripe, where a first period is bought: it would be paid twice. */
  readonly isPayable: boolean;
  readonly issuedAt: Date;
  readonly dueAt: Date;
  readonly closedAt: Date | null;
}

const INVOICES = `
  select i.id, i.org_id as "orgId", i.kind, i.subscription_id as "subscriptionId", v.plan, (i.bought #>> '{terms,months}')::integer as months,
         i.amount_cents as "amountCents", case i.state when 'open' then coalesce(remaining_of(i.id), i.amount_cents) else 0 end as "remainingCents", i.tax_cents as "taxCents", i.tax, i.currency, i.state,
         i.awaits_tax as "awaitsTax",
         i.state = 'open' and (i.tax ->> 'kind' <> 'stripe_tax' or i.tax_calculation is not null) and not exists (select from payments p join checkouts c on c.payment_id = p.id where p.invoice_id = i.id) as "isPayable",
         i.issued_at as "issuedAt", i.due_at as "dueAt", i.closed_at as "closedAt"
    from invoices i left join plan_versions v on v.id = i.bought #>> '{terms,planVersionId}'`;

/** @throws TollgateError not_found */
export async function invoice(db: Queryable, id: string): Promise<Invoice> {
  const { rows } = await db.query<Invoice>(`${INVOICES} where i.id = $1`, [id]);
  if (rows[0] === undefined)
    throw new TollgateError('not_found', { message: `There is no invoice ${id}.`, param: 'id' });
  return rows[0];
}

/** Newest first. */
export async function listInvoices(
  db: Queryable,
  orgId: string,
  after: string | null,
  pageSize: number,
): Promise<Invoice[]> {
  const { rows } = await db.query<Invoice>(
    `${INVOICES}
      where i.org_id = $1
        and ($2::uuid is null or (i.issued_at, i.id) < (select a.issued_at, a.id from invoices a where a.id = $2))
      order by i.issued_at desc, i.id desc
      limit $3`,
    [orgId, after, pageSize],
  );
  return rows;
}
