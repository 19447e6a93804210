// Which tax is on what is sold. The installation has one regime at a time, an organization may be exempt, and whoever asks for money asks
// here in the transaction that writes it down: what is owed is frozen with it, and another regime changes nothing that was ordered.
import type { PoolClient } from 'pg';
import { type Cents, cents } from '../../domain/cents.ts';
import { knownTaxOn, stripeTaxCode, type Tax } from '../../domain/tax.ts';
import type { Queryable } from '../platform/postgres.ts';

export interface TaxRegime {
  readonly id: string;
  readonly kind: Tax['kind'];
  readonly ratePpm: number | null;
  readonly taxCode: string | null;
  readonly effectiveAt: Date;
  readonly madeBy: string;
}

/** On top of the net amount, and what it was reckoned by. Where Stripe says it, it is nothing yet: settleTax adds it (stripe-tax.ts). */
export interface TaxOwed {
  readonly taxCents: Cents;
  readonly grossCents: Cents;
  readonly tax: Tax;
  /** Null: we reckon it. */
  readonly taxCode: string | null;
}

const COLUMNS =
  'id, kind, rate_ppm as "ratePpm", tax_code as "taxCode", effective_at as "effectiveAt", made_by as "madeBy"';

/** Newest first. Without any nothing is taxed. */
export async function listTaxRegimes(db: Queryable, after: string | null, pageSize: number): Promise<TaxRegime[]> {
  const { rows } = await db.query<TaxRegime>(
    `select ${COLUMNS} from tax_regimes
      where $1::uuid is null or (effective_at, id) < (select a.effective_at, a.id from tax_regimes a where a.id = $1)
      order by effective_at desc, id desc limit $2`,
    [after, pageSize],
  );
  return rows;
}

/** In force from now on. */
export async function setTaxRegime(tx: PoolClient, tax: Tax, actor: string): Promise<TaxRegime> {
  const { rows } = await tx.query<TaxRegime>(
    `insert into tax_regimes (kind, rate_ppm, tax_code, made_by) values ($1, $2, $3, $4)
     returning ${COLUMNS}`,
    [tax.kind, tax.kind === 'fixed_rate' ? tax.ratePpm : null, tax.kind === 'stripe_tax' ? tax.taxCode : null, actor],
  );
  if (rows[0] === undefined) throw new Error('the tax regime was not written');
  return rows[0];
}

export async function taxFor(db: Queryable, orgId: string, netCents: number): Promise<TaxOwed> {
  const tax = await taxOf(db, orgId);
  const taxCents = knownTaxOn(tax, cents(netCents));
  return { taxCents, grossCents: cents(netCents + taxCents), tax, taxCode: stripeTaxCode(tax) };
}

/** Of something that is ordered another day. `plusTax`: Stripe says the tax then. */
export async function priceAhead(
  db: Queryable,
  orgId: string,
  netCents: number,
): Promise<{ readonly amountCents: number; readonly plusTax: boolean }> {
  const { grossCents, taxCode } = await taxFor(db, orgId, netCents);
  return { amountCents: grossCents, plusTax: taxCode !== null };
}

/** On what it orders now. */
export async function taxOf(db: Queryable, orgId: string): Promise<Tax> {
  const { rows } = await db.query<{ ratePpm: number | null; taxCode: string | null }>(
    `select r.rate_ppm as "ratePpm", r.tax_code as "taxCode"
       from (select kind, rate_ppm, tax_code from tax_regimes where effective_at <= billing_now() order by effective_at desc, id desc limit 1) r
      where r.kind <> 'none' and not exists (select from billing_details d where d.org_id = $1 and d.tax_exempt)`,
    [orgId],
  );
  const { ratePpm = null, taxCode = null } = rows[0] ?? {};
  if (taxCode !== null) return { kind: 'stripe_tax', taxCode };
  return ratePpm === null ? { kind: 'none' } : { kind: 'fixed_rate', ratePpm };
}
