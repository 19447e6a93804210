// Customers whose tax Stripe says, what was charged of it, and what Stripe's reports have of it.
import { billingDetails, changeBillingDetails } from '../../../services/people/billing-details.ts';
import { newId } from '../../../services/platform/ids.ts';
import { inTransaction } from '../../../services/platform/postgres.ts';
import { setTaxRegime } from '../../../services/taxes/taxes.ts';
import { giveCard, newInvoice } from '../payments/billed-customer.ts';
import type { Till } from '../payments/till.ts';

export const CALCULATE = 'POST /v1/tax/calculations';
export const BOOK = 'POST /v1/tax/transactions/create_from_calculation';
export const REVERSE = 'POST /v1/tax/transactions/create_reversal';

type Place = Pick<Till, 'db' | 'admin' | 'stripeUrl'>;

export async function taxedByStripe({ db }: Pick<Place, 'db'>): Promise<void> {
  await inTransaction(db, (tx) => setTaxRegime(tx, { kind: 'stripe_tax', taxCode: 'txcd_10103001' }, 'test'));
}

/** Null: he gives no address any more. */
export async function livesIn(
  { db }: Pick<Place, 'db'>,
  orgId: string,
  country: string | null,
  more: { readonly postalCode?: string; readonly taxId?: string; readonly taxExempt?: boolean } = {},
): Promise<void> {
  const { postalCode = null, ...others } = more;
  const place = { line1: 'Main Street 1', line2: null, city: 'Town', postalCode, region: null };
  await inTransaction(db, async (tx) => {
    const address = country === null ? null : { ...place, country };
    await changeBillingDetails(tx, await billingDetails(tx, orgId), { address, ...others });
  });
}

/** 19.00 net, and a card that nobody else has. */
export async function billedIn(
  till: Till,
  country: string | null,
  card = `pm_card_visa~${newId()}`,
): Promise<{ orgId: string; invoiceId: string }> {
  const orgId = await till.newOrganization();
  await giveCard(till, orgId, card);
  if (country !== null) await livesIn(till, orgId, country);
  return { orgId, invoiceId: await newInvoice(till, orgId) };
}

/** Net and tax of what was sold to him, and whether it is paid, as asked of him. */
export async function soldTo({ admin }: Pick<Place, 'admin'>, orgId: string): Promise<string[]> {
  const { rows } = await admin.query<{ told: string }>(
    `select format('%s %s+%s %s', purpose, amount_cents - tax_cents, tax_cents, state) as told from payments where org_id = $1 order by created_at, id`,
    [orgId],
  );
  return rows.map(({ told }) => told);
}

/** Of our books, in cents. */
export async function taxOwed({ admin }: Pick<Place, 'admin'>, orgId: string): Promise<number> {
  const { rows } = await admin.query<{ owed: number }>(
    `select coalesce(-sum(amount_nano) / 10000000, 0)::integer as owed from ledger_entries where account = 'tax_payable' and org_id = $1`,
    [orgId],
  );
  return rows[0]?.owed ?? Number.NaN;
}

interface Taxes {
  readonly calculations: number;
  readonly transactions: Readonly<
    Record<string, { readonly type: string; readonly net: number; readonly tax: number }>
  >;
}

/** As the fake Stripe keeps them. */
export async function taxesAtStripe(stripeUrl: string): Promise<Taxes> {
  return JSON.parse(await (await fetch(`${stripeUrl}/_test/taxes`)).text());
}

/** What stands of him in Stripe's reports, in the order in which it happened. */
export async function reportedOf({ admin, stripeUrl }: Place, orgId: string): Promise<string[]> {
  const { transactions } = await taxesAtStripe(stripeUrl);
  const { rows } = await admin.query<{ id: string }>(
    'select id from tax_transactions where org_id = $1 order by at, kind desc, id',
    [orgId],
  );
  return rows.flatMap(({ id }) => {
    const told = transactions[id];
    return told === undefined ? [] : [`${told.type} ${told.net}+${told.tax}`];
  });
}
