// That tax is owed as it was asked for: to the cent on each invoice, and in the books as what was paid and invoiced of it and did not go back;
// and that Stripe's reports hear of it where Stripe reckons it.
import type { Invariant } from './invariant.ts';

export const TAXES: readonly Invariant[] = [
  {
    id: 'I19-tax',
    title:
      'the tax on each invoice is its rate on its net amount, half a cent up, or what Stripe said of it, and its payments ask for the same',
    faults: `
      select format('invoice %s of %s cents: tax %s by %s', i.id, i.amount_cents, i.tax_cents, i.tax) as what
        from invoices i left join tax_calculations c on c.id = i.tax_calculation
       where i.tax_cents <> case i.tax ->> 'kind' when 'none' then 0 when 'stripe_tax' then coalesce(c.tax_cents, 0)
                                 else floor(((i.amount_cents - i.tax_cents)::numeric * (i.tax -> 'ratePpm')::integer + 500000) / 1000000) end
          or (c.sale_id, c.org_id, c.net_cents, c.tax_code) <> (i.id, i.org_id, i.amount_cents - i.tax_cents, i.tax ->> 'taxCode')
       union all
      select format('payment %s of %s cents: tax %s, Stripe said %s of %s for %s', p.id, p.amount_cents, p.tax_cents, c.tax_cents, c.net_cents, c.sale_id)
        from payments p join tax_calculations c on c.id = p.tax_calculation
       where (c.sale_id, c.org_id, c.net_cents, c.tax_cents, c.tax_code)
             <> (coalesce(p.invoice_id, p.id), p.org_id, p.amount_cents - p.tax_cents, p.tax_cents, p.tax_code)
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
  {
    id: 'I20-tax-reports',
    title:
      'each sale whose tax Stripe said, and each refund of one, is to be told to its tax reports, or was, with the same amounts',
    faults: `
      with sold as (
        select p.id, p.amount_cents - p.tax_cents as net, p.tax_cents as tax, 'sale' as kind from payments p where p.state = 'paid' and p.tax_calculation is not null
         union all
        select i.id, i.amount_cents - i.tax_cents, i.tax_cents, 'sale' from invoices i where i.kind = 'usage' and i.tax_calculation is not null
         union all
        select r.id, r.amount_cents - r.tax_cents, r.tax_cents, 'reversal' from refunds r join payments p on p.id = r.payment_id
         where r.state = 'succeeded' and p.tax_calculation is not null
      )
      select format('%s %s: net %s and tax %s, to be told are %s and %s', s.kind, s.id, s.net, s.tax, t.net_cents, t.tax_cents) as what
        from sold s left join tax_transactions t on t.id = s.id where (t.kind, t.net_cents, t.tax_cents) is distinct from (s.kind, s.net, s.tax)`,
  },
];
