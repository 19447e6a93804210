// Which tax is on what is sold. The installation has one regime at a time, an organization may be exempt, and whoever asks for money asks
// here in the transaction that writes it down: what is owed is frozen with it, and another regime changes nothing that was ordered.
import type { PoolClient } from 'pg';
import { type Cents, cents } from '../../domain/cents.ts';
import { type Tax, taxOn } from '../../domain/tax.ts';
import type { Queryable } from '../platform/postgres.ts';

export interface TaxRegime {
  readonly id: string;
  readonly kind: Tax['kind'];
  readonly ratePpm: number | null;
  readonly effectiveAt: Date;
  readonly madeBy: string;
}

/** On top of the net amount, and what it was reckoned by. */
export interface TaxOwed {
  readonly taxCents: Cents;
  readonly grossCents: Cents;
  readonly tax: Tax;
}

const COLUMNS = 'id, kind, rate_ppm as "ratePpm", effective_at as "effectiveAt", made_by as "madeBy"';

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
    `insert into tax_regimes (kind, rate_ppm, made_by) values ($1, $2, $3)
     returning ${COLUMNS}`,
    [tax.kind, tax.kind === 'fixed_rate' ? tax.ratePpm : null, actor],
  );
  if (rows[0] === undefined) throw new Error('the tax regime was not written');
  return rows[0];
}

export async function taxFor(db: Queryable, orgId: string, netCents: number): Promise<TaxOwed> {
  const tax = await taxOf(db, orgId);
  const taxCents = taxOn(tax, cents(netCents));
  return { taxCents, grossCents: cents(netCents + taxCents), tax };
}

/** On what it orders now. */
export async function taxOf(db: Queryable, orgId: string): Promise<Tax> {
  const { rows } = await db.query<{ ratePpm: number }>(
    `select r.rate_ppm as "ratePpm"
       from (select rate_ppm from tax_regimes where effective_at <= billing_now() order by effective_at desc, id desc limit 1) r
      where r.rate_ppm is not null and not exists (select from billing_details d where d.org_id = $1 and d.tax_exempt)`,
    [orgId],
  );
  const [regime] = rows;
  return regime === undefined ? { kind: 'none' } : { kind: 'fixed_rate', ratePpm: regime.ratePpm };
}
