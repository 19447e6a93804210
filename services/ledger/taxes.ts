// That tax is owed as it was asked for: to the cent on each invoice, and in the books as what was paid and invoiced of it and did not go back.
import type { Invariant } from './invariant.ts';

export const TAXES: readonly Invariant[] = [
  {
    id: 'I19-tax',
    title: 'the tax on each invoice is its rate on its net amount, half a cent up, and its payments ask for the same',
    faults: `
      select format('invoice %s of %s cents: tax %s by %s', id, amount_cents, tax_cents, tax) as what
        from invoices
       where tax_cents <> case tax ->> 'kind' when 'none' then 0
                               else floor(((amount_cents - tax_cents)::numeric * (tax -> 'ratePpm')::integer + 500000) / 1000000) end
       union all
      select format('payment %s: tax %s, its invoice says %s', p.id, p.tax_cents, i.tax_cents)
        from payments p join invoices i on i.id = p.invoice_id
       where p.tax_cents <> case i.kind when 'plan' then i.tax_cents else 0 end`,
  },
  {
    id: 'I19-payable',
    title: 'the tax that we owe is what was paid of it, and invoiced for usage, less what went back',
    faults: `
      with asked as (
        select org_id, sum(tax) as total from (
          select org_id, tax_cents as tax from payments where state = 'paid'
          union all select org_id, tax_cents from invoices where kind = 'usage'
          union all select p.org_id, -r.tax_cents from refunds r join payments p on p.id = r.payment_id where r.state <> 'failed') t
         group by org_id
      ), booked as (
        select org_id, -sum(amount_nano) as total from ledger_entries where account = 'tax_payable' group by org_id
      )
      select format('organization %s: tax_payable %s, asked for and kept %s cents', coalesce(b.org_id, a.org_id), coalesce(b.total, 0), coalesce(a.total, 0)) as what
        from booked b full join asked a on a.org_id = b.org_id where coalesce(b.total, 0) <> coalesce(a.total, 0) * 10000000`,
  },
  {
    id: 'I19-refunds',
    title: 'no refund gives back more tax than was paid, and all of it when all is back',
    faults: `
      select format('payment %s of %s cents, of which tax %s: %s went back, of which tax %s', p.id, p.amount_cents, p.tax_cents, sum(r.amount_cents), sum(r.tax_cents)) as what
        from payments p join refunds r on r.payment_id = p.id and r.state <> 'failed'
       group by p.id
      having sum(r.tax_cents) > p.tax_cents or sum(r.amount_cents) = p.amount_cents and sum(r.tax_cents) <> p.tax_cents`,
  },
];
