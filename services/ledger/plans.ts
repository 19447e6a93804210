// That a plan was paid for once a period and credited from that money: periods, invoices and what of the price is still to come (I14, I18).
import type { Invariant } from './invariant.ts';

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
    id: 'I18-deferred',
    title:
      'what was paid for plans and not credited yet belongs to months that are still to come, or is on its way back',
    faults: `
      select format('organization %s: %s nano are deferred', d.org_id, d.total) as what
        from (select org_id, -sum(amount_nano) as total from ledger_entries where account = 'deferred_plan' group by org_id) d
       where d.total < 0
          or d.total > 0 and not exists (
               select from subscriptions s
                where s.org_id = d.org_id
                  and ((s.state -> 'creditedMonth')::integer < (s.state #> '{period,firstMonth}')::integer + (s.state #> '{period,months}')::integer - 1
                       or jsonb_array_length(s.state -> 'toRefund') > 0))`,
  },
];
