// Tax that Stripe says. What is sold is ordered net, in the turn and under the lock that decides on it; before anybody is asked for the money
// Stripe is asked, with no lock and no transaction, and its answer is frozen with the order if the billing details are still those that it
// was asked with (D79). PostgreSQL lets nothing be paid, or be asked for at Stripe, whose tax is not known.
import type { Pool } from 'pg';
import { cents } from '../../domain/cents.ts';
import { TollgateError } from '../../domain/errors.ts';
import type { StripeApi } from '../payments/stripe-api.ts';
import type { TaxedAs } from '../payments/stripe-taxes.ts';
import { type BillingDetails, billingDetails } from '../people/billing-details.ts';
import { newId } from '../platform/ids.ts';
import { jsonbText, type Queryable } from '../platform/postgres.ts';
import { type TaxOwed, taxFor } from './taxes.ts';

export interface TaxPlace {
  readonly db: Pool;
  readonly stripe: StripeApi;
}

interface Awaited {
  readonly orgId: string;
  readonly netCents: number;
  readonly taxCode: string;
}

/**
 * The tax of a sale (an invoice, or the payment of a pack or a top-up) is known afterwards, or nobody wants its money any more.
 * @throws TollgateError tax_address_invalid; payment_provider_unavailable
 */
export async function settleTax({ db, stripe }: TaxPlace, saleId: string): Promise<void> {
  for (;;) {
    const awaited = await awaitedTax(db, saleId);
    if (awaited === null) return;
    const details = await billingDetails(db, awaited.orgId);
    const taxedAs = taxedAsOf(details);
    const calculation = await stripe.taxes.calculate({ ...awaited, taxedAs }).catch(async (error: unknown) => {
      if (isAddressRefusal(error)) await keepRefusal(db, saleId, awaited.orgId, error.message);
      throw error;
    });
    const { rows } = await db.query<{ outcome: 'kept' | 'changed' | 'over' }>(
      'select keep_tax($1, $2, $3, $4, $5, $6, $7, $8) as outcome',
      [
        newId(),
        saleId,
        details.version,
        jsonbText(taxedAs),
        calculation.id,
        calculation.taxCents,
        jsonbText(calculation.breakdown),
        calculation.expiresAt,
      ],
    );
    if (rows[0]?.outcome !== 'changed') return;
  }
}

async function awaitedTax(db: Queryable, saleId: string): Promise<Awaited | null> {
  const { rows } = await db.query<Awaited>(
    'select org_id as "orgId", net_cents as "netCents", tax_code as "taxCode" from taxes_awaited where sale_id = $1',
    [saleId],
  );
  return rows[0] ?? null;
}

function taxedAsOf({ address, taxId, taxExempt }: BillingDetails): TaxedAs {
  return { address, taxId, taxExempt };
}

function isAddressRefusal(error: unknown): error is TollgateError {
  return error instanceof TollgateError && error.code === 'tax_address_invalid';
}

async function keepRefusal(db: Queryable, saleId: string, orgId: string, why: string): Promise<void> {
  await db.query(
    `insert into tax_refusals (sale_id, org_id, why) values ($1, $2, $3) on conflict (sale_id) do update set why = excluded.why`,
    [saleId, orgId, why],
  );
}

/**
 * Of something that nobody has ordered. `stripe`: where it is needed, and not before.
 * @throws TollgateError tax_address_invalid; payment_provider_unavailable; what `stripe` throws
 */
export async function quoteTax(db: Pool, stripe: () => StripeApi, orgId: string, netCents: number): Promise<TaxOwed> {
  const owed = await taxFor(db, orgId, netCents);
  if (owed.taxCode === null || netCents === 0) return owed;
  const taxedAs = taxedAsOf(await billingDetails(db, orgId));
  const { taxCents } = await stripe().taxes.calculate({ orgId, netCents, taxCode: owed.taxCode, taxedAs });
  return { ...owed, taxCents: cents(taxCents), grossCents: cents(netCents + taxCents) };
}
