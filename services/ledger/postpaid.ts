// That what was lent and used was invoiced, and what was invoiced was paid or is still owed (I12, I15): credit lines, invoices of usage, bank
// transfers.
import type { Invariant } from './invariant.ts';

export const POSTPAID: readonly Invariant[] = [
  {
    id: 'I12-lines',
    title: 'the lines, the rounding and the tax of an invoice of usage are its total, and it is booked as it says',
    faults: `
      select format('invoice %s of %s cents, of which tax %s: usage %s + rounding %s, lines %s; booked receivable %s, credit_line %s, rounding %s', i.id, i.amount_cents, i.tax_cents,
                    u.usage_nano, u.rounding_nano, l.total, b.receivable, b.credit_line, b.rounding) as what
        from invoices i
        left join usage_invoices u on u.invoice_id = i.id
        left join lateral (select sum((e ->> 'amountNano')::bigint) as total from jsonb_array_elements(u.lines) e) l on true
        left join lateral (
          select coalesce(sum(e.amount_nano) filter (where e.account = 'receivable'), 0) as receivable,
                 coalesce(sum(e.amount_nano) filter (where e.account = 'credit_line'), 0) as credit_line,
                 coalesce(sum(e.amount_nano) filter (where e.account = 'rounding'), 0) as rounding
            from ledger_entries e where e.transaction_id = u.transaction_id and e.org_id = i.org_id) b on true
       where i.kind = 'usage'
         and (l.total, u.usage_nano + u.rounding_nano, b.receivable, b.credit_line, b.rounding)
             is distinct from (u.usage_nano::numeric, (i.amount_cents - i.tax_cents) * 10000000::bigint, i.amount_cents * 10000000::numeric, -u.usage_nano::numeric,
                               -u.rounding_nano::numeric)`,
  },
  {
    id: 'I12-paid',
    title: 'what came in for an invoice of usage is not more than its total, and it is paid when it is all of it',
    faults: `
      select format('invoice %s of %s cents is %s, and %s came in', i.id, i.amount_cents, i.state, coalesce(p.cents, 0)) as what
        from invoices i
        left join lateral (select sum(p.cents) as cents from invoice_payments p where p.invoice_id = i.id and not p.reversed) p on true
       where i.kind = 'usage' and case when i.state = 'paid' then coalesce(p.cents, 0) <> i.amount_cents else coalesce(p.cents, 0) >= i.amount_cents end
       union all
      select format('%s %s: %s cents for invoice %s (reversed: %s), but %s cents came (reversed: %s)', p.source, p.source_id, p.cents, p.invoice_id, p.reversed,
                    coalesce(b.amount_cents, y.amount_cents), b.reversed_at is not null)
        from invoice_payments p
        left join bank_transfers b on b.id = p.source_id and b.invoice_id = p.invoice_id
        left join payments y on y.id = p.source_id and y.invoice_id = p.invoice_id and y.state = 'paid'
       where case p.source when 'bank_transfer' then (b.amount_cents, b.reversed_at is not null) is distinct from (p.cents, p.reversed)
                           else y.amount_cents is null or p.cents > y.amount_cents or p.reversed end`,
  },
  {
    id: 'I12-numbers',
    title: 'invoices of usage are numbered without a gap',
    faults: `
      select format('%s %s: %s invoices, numbered %s to %s, the last number drawn is %s', coalesce(u.year, n.year), coalesce(u.series, n.series), coalesce(u.count, 0), u.first, u.last, n.last) as what
        from (select year, series, count(*) as count, min(number_in_year) as first, max(number_in_year) as last from usage_invoices group by year, series) u
        full join invoice_numbers n on (n.year, n.series) = (u.year, u.series)
       where (u.count, u.first, u.last) is distinct from (n.last::bigint, 1, n.last)`,
  },
  {
    id: 'I15-receivable',
    title: 'what organizations owe by the books is what their open invoices of usage still want',
    faults: `
      with owed as (
        select org_id, sum(amount_nano) as total from ledger_entries where account = 'receivable' group by org_id
      ), wanted as (
        select i.org_id, sum(i.amount_cents - coalesce(p.cents, 0)) * 10000000 as total
          from invoices i
          left join lateral (select sum(p.cents) as cents from invoice_payments p where p.invoice_id = i.id and not p.reversed) p on true
         where i.kind = 'usage' and i.state = 'open' group by i.org_id
      )
      select format('organization %s: receivable %s, open invoices %s', coalesce(o.org_id, w.org_id), coalesce(o.total, 0), coalesce(w.total, 0)) as what
        from owed o full join wanted w on w.org_id = o.org_id where coalesce(o.total, 0) <> coalesce(w.total, 0)`,
  },
  {
    id: 'I15-used',
    title: 'what was used of a credit line is what was invoiced of it and what is still to be, and never less',
    // A lease spends its slices in their order; beyond a lease, and for an overdraft, a grant is taken from directly.
    faults: `
      with lines as (
        select g.id, g.org_id, b.available_nano from credit_grants g join grant_balances b on b.grant_id = g.id where g.source = 'credit_line'
      ), slices as (
        select s.grant_id, s.amount_nano, greatest(0, least(s.amount_nano, l.consumed_nano - (s.upto - s.amount_nano))) as spent
          from (select *, sum(amount_nano) over (partition by lease_id order by ordinal) as upto from lease_slices) s join leases l on l.id = s.lease_id
      ), used as (
        select n.org_id, sum(n.available_nano) as free, coalesce(sum(s.unspent), 0) as leased, coalesce(sum(s.spent), 0) + coalesce(sum(d.taken), 0) as used
          from lines n
          left join lateral (select sum(amount_nano - spent) as unspent, sum(spent) as spent from slices where grant_id = n.id) s on true
          left join lateral (select sum(e.amount_nano) as taken from ledger_entries e join ledger_transactions t on t.id = e.transaction_id
                              where e.grant_id = n.id and e.account = 'credit' and e.amount_nano > 0 and t.kind in ('beyond_lease', 'repayment', 'grant')) d on true
         group by n.org_id
      ), invoiced as (
        select i.org_id, sum(u.usage_nano) as total from usage_invoices u join invoices i on i.id = u.invoice_id group by i.org_id
      ), lent as (
        select org_id, sum(amount_nano) as total from ledger_entries where account = 'credit_line' group by org_id
      )
      select format('organization %s: %s is lent; free %s, leased %s, used %s, invoiced %s', coalesce(l.org_id, u.org_id), coalesce(l.total, 0),
                    coalesce(u.free, 0), coalesce(u.leased, 0), coalesce(u.used, 0), coalesce(i.total, 0)) as what
        from lent l full join used u on u.org_id = l.org_id left join invoiced i on i.org_id = coalesce(l.org_id, u.org_id)
       where coalesce(l.total, 0) <> coalesce(u.free + u.leased + u.used, 0) - coalesce(i.total, 0) or coalesce(i.total, 0) > coalesce(u.used, 0)`,
  },
  {
    id: 'I15-line',
    title: 'what is lent, used and owed is the credit line; above it, where the line was cut, nothing is free',
    faults: `
      with owed as (
        select org_id, sum(amount_nano) as total from ledger_entries where account in ('credit_line', 'receivable') group by org_id
      ), free as (
        select g.org_id, sum(b.available_nano) as total from credit_grants g join grant_balances b on b.grant_id = g.id
         where g.source = 'credit_line' group by g.org_id
      )
      select format('organization %s: line %s cents, lent and owed %s, free %s', coalesce(o.org_id, c.org_id), c.credit_line_cents, o.total, f.total) as what
        from owed o
        full join (select * from contracts where ended_at is null) c on c.org_id = o.org_id
        left join free f on f.org_id = o.org_id
       where coalesce(o.total, 0) < coalesce(c.credit_line_cents, 0) * 10000000::numeric
          or coalesce(o.total, 0) > coalesce(c.credit_line_cents, 0) * 10000000::numeric and f.total > 0`,
  },
  {
    id: 'I10-bank',
    title: 'what came by bank is the sum of the transfers that were not reversed',
    faults: `
      select format('bank %s, transfers %s', b.total, t.total) as what
        from (select coalesce(sum(amount_nano), 0) as total from ledger_entries where account = 'bank') b,
             (select coalesce(sum(amount_cents * 10000000::numeric), 0) as total from bank_transfers where reversed_at is null) t
       where b.total <> t.total`,
  },
];
