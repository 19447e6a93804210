// Tax on all that is ordered in the books, and the defects that its checks are for.
import type { Pool } from 'pg';
import { inTransaction } from '../../../services/platform/postgres.ts';
import { setTaxRegime } from '../../../services/taxes/taxes.ts';

export async function taxFromNowOn(admin: Pool): Promise<void> {
  await inTransaction(admin, (tx) => setTaxRegime(tx, { kind: 'fixed_rate', ratePpm: 190_000 }, 'test'));
}

/** Of a pack that was paid, and so many cents of tax more. */
const saidByStripe = (more: number) => `
  with said as (
    insert into tax_calculations (id, sale_id, org_id, net_cents, tax_code, billing_version, taxed_as, stripe_calculation, tax_cents, breakdown, expires_at)
      select gen_random_uuid(), id, org_id, amount_cents - tax_cents, 'txcd_10103001', 1, '{}', 'taxcalc_1', tax_cents + ${more}, '[]', now()
        from payments where purpose = 'pack' and state = 'paid' limit 1 returning id, sale_id)
  update payments p set tax_code = 'txcd_10103001', tax_calculation = said.id from said where p.id = said.sale_id`;

/** Check, defect, the statement that plants it. */
export const PLANTED_TAXES: readonly (readonly [string, string, string])[] = [
  [
    'I19-tax',
    'an invoice asks for a cent of tax less',
    `update invoices set tax_cents = tax_cents - 1, amount_cents = amount_cents - 1 where kind = 'plan'`,
  ],
  [
    'I19-tax',
    'a payment asks for another tax than its invoice',
    'update payments set tax_cents = 1 where invoice_id is not null',
  ],
  ['I19-tax', 'a payment asks for another tax than Stripe said', saidByStripe(1)],
  ['I20-tax-reports', 'nobody is going to tell of a sale', saidByStripe(0)],
  [
    'I19-payable',
    'tax was credited as something else',
    `update ledger_entries set account = 'deferred_adjust' where account = 'tax_payable'`,
  ],
  ['I19-refunds', 'a refund gives back tax that nobody paid', 'update refunds set tax_cents = amount_cents'],
];
