// That a plan was paid for once a period and credited from that money: periods, invoices and what of the price is still to come (I14, I18).
import type { Invariant } from './invariant.ts';
import { BOUGHT_PERIOD } from './money-in.ts';

export const PLANS: readonly Invariant[] = [
  {
    id: 'I14-periods',
    title: 'the periods of a subscription follow one another from its anchor, and two never cover the same time',
    faults: `
      with walked as (
        select p.*, lead(p.first_month) over w as next_month, lead(p.starts_at) over (partition by subscription_id order by starts_at, ends_at) as next_start
          from subscription_periods p window w as (partition by subscription_id, anchor order by first_month)
      )
      select format('subscription %s, period %s of %s: from %s to %s, then month %s', subscription_id, first_month, anchor, starts_at, ends_at, next_month) as what
        from walked
       where starts_at <> anchor + make_interval(months => first_month) or ends_at <> anchor + make_interval(months => first_month + months)
          or next_month <> first_month + months or next_start < coalesce(cut_at, ends_at)`,
  },
  {
    id: 'I14-invoices',
    title:
      'each paid invoice of a plan paid for one period or went back, whatever paid it twice went back, each period was paid for, and each order was asked for once',
    faults: `
      select format('invoice %s (%s): paid by %s payments, of which %s are kept, %s cents went back, paid for period %s', i.id, i.state, count(p.id),
                    count(p.id) filter (where r.cents < p.amount_cents), coalesce(sum(r.cents), 0), max(s.first_month)) as what
        from invoices i
        left join payments p on p.invoice_id = i.id and p.state = 'paid'
        left join lateral (select coalesce(sum(r.amount_cents), 0) as cents from refunds r where r.payment_id = p.id and r.state <> 'failed') r on true
        left join subscription_periods s on s.invoice_id = i.id
       where i.kind = 'plan'
       group by i.id
      having case i.state when 'open' then count(p.id) <> 0 or count(s.invoice_id) <> 0
                          when 'paid' then count(p.id) = 0 or count(p.id) filter (where r.cents < p.amount_cents) > least(count(s.invoice_id), 1)
                          else count(s.invoice_id) <> 0 end`,
  },
  {
    id: 'I18-paid',
    title:
      'each payment of an invoice deferred what it brought before tax and no usage wanted, and a refund took its own back, each organization by itself',
    faults: `
      with moved as (
        select transaction_id, -sum(amount_nano) filter (where account = 'deferred_plan') as deferred, -sum(amount_nano) as kept
          from ledger_entries where account in ('deferred_plan', 'owed_back') group by transaction_id
      ), before as (
        select org_id, transaction_id, -sum(sum(amount_nano)) over (partition by org_id order by transaction_id rows between unbounded preceding and 1 preceding) as deferred
          from ledger_entries where account = 'deferred_plan' group by org_id, transaction_id
      )
      select format('payment %s: %s nano deferred, of %s cents without tax', p.id, coalesce(m.deferred, 0), p.amount_cents - p.tax_cents) as what
        from payments p left join moved m on m.transaction_id = p.transaction_id left join invoice_payments u on u.source_id = p.id
       where p.state = 'paid'
         and coalesce(m.deferred, 0) <> case when p.invoice_id is null then 0 else (p.amount_cents - p.tax_cents - coalesce(u.cents, 0)) * 10000000::numeric end
       union all
      select format('refund %s of payment %s: %s nano taken of what was deferred or owed back, %s cents without tax', r.id, p.id, -coalesce(m.kept, 0), r.amount_cents - r.tax_cents)
        from refunds r join payments p on p.id = r.payment_id
        left join moved m on m.transaction_id = r.transaction_id left join before b on b.transaction_id = r.transaction_id left join invoices i on i.id = p.invoice_id
       where r.state <> 'failed' and i.kind is distinct from 'usage'
         and not exists (select from refunds o where o.payment_id = p.id and o.state = 'submitted' and o.id <> r.id)
         and -coalesce(m.kept, 0) <> case when p.invoice_id is null and p.second_of is null then 0
                                          when ${BOUGHT_PERIOD} then least((r.amount_cents - r.tax_cents) * 10000000::numeric, coalesce(b.deferred, 0))
                                          else (r.amount_cents - r.tax_cents) * 10000000::numeric end
       union all
      select format('refund %s: failed, %s nano taken, %s brought back', r.id, -coalesce(t.kept, 0), coalesce(v.kept, 0))
        from refunds r left join moved t on t.transaction_id = r.transaction_id left join moved v on v.transaction_id = r.reversal_id
       where r.state = 'failed' and coalesce(t.kept, 0) <> -coalesce(v.kept, 0)`,
  },
  {
    id: 'I18-credited',
    title: 'each month took its equal part of what its organization had deferred, and the last of a period all of it',
    // Given by hand, it is funded and no month of a plan.
    faults: `
      with granted as (
        select g.id, g.org_id, t.id as transaction_id, m.months_left
          from credit_grants g
          join ledger_transactions t on t.kind = 'grant' and t.source_id = g.id::text
          left join lateral (
            select s.first_month + s.months - n as months_left
              from invoices i join subscription_periods s on s.invoice_id = i.id, generate_series(s.first_month, s.first_month + s.months - 1) n
             where i.org_id = g.org_id and s.anchor + make_interval(months => n + 1) = g.expires_at limit 1) m on true
         where g.source = 'included' and not exists (select from ledger_entries e where e.transaction_id = t.id and e.account = 'funding')
      ), moves as (
        select org_id, transaction_id, amount_nano from ledger_entries where account = 'deferred_plan'
        union all select org_id, transaction_id, 0 from granted
      ), pots as (
        select org_id, transaction_id, sum(amount_nano) as taken,
               coalesce(-sum(sum(amount_nano)) over (partition by org_id order by transaction_id rows between unbounded preceding and 1 preceding), 0) as before
          from moves group by org_id, transaction_id
      )
      select format('grant %s of organization %s: took %s of %s deferred nano, %s months were left', g.id, g.org_id, p.taken, p.before, g.months_left) as what
        from granted g join pots p on p.transaction_id = g.transaction_id and p.org_id = g.org_id
       where p.taken is distinct from div(greatest(p.before, 0), g.months_left)
       union all
      select format('organization %s: transaction %s took %s of %s deferred nano', org_id, transaction_id, taken, before) from pots where taken > greatest(before, 0)`,
  },
  {
    id: 'I18-deferred',
    title: 'what was paid for plans and not credited yet belongs to months that are still to come',
    faults: `
      select format('organization %s: %s nano are deferred', d.org_id, d.total) as what
        from (select org_id, -sum(amount_nano) as total from ledger_entries where account = 'deferred_plan' group by org_id) d
       where d.total < 0
          or d.total > 0 and not exists (
               select from subscriptions s
                where s.org_id = d.org_id
                  and (s.state -> 'creditedMonth')::integer < (s.state #> '{period,firstMonth}')::integer + (s.state #> '{period,months}')::integer - 1)`,
  },
];
