// That money came in once: what Stripe has for us is what was paid, and each payment bought what was asked for, in one transaction (I10).
// Whether Stripe took the same is the oracle's to say.
import type { Invariant } from './invariant.ts';

/** Of a payment p: it was the first for an invoice that paid for a period. */
export const BOUGHT_PERIOD = `(
  exists (select from subscription_periods s where s.invoice_id = p.invoice_id)
  and not exists (select from payments o where o.invoice_id = p.invoice_id and o.transaction_id < p.transaction_id))`;

export const MONEY_IN: readonly Invariant[] = [
  {
    id: 'I10-payments',
    title:
      'each paid payment has one transaction, which brought its amount in and the grants of a pack or top-up out, and nobody else has one',
    faults: `
      with booked as (
        select t.source_id, count(distinct t.id) as transactions, min(t.id) as id,
               coalesce(sum(e.amount_nano) filter (where e.account = 'stripe_clearing'), 0) as came_in
          from ledger_transactions t join ledger_entries e on e.transaction_id = t.id
         where t.kind = 'payment' group by t.source_id
      ), granted as (
        select g.payment_id, coalesce(sum(g.amount_nano) filter (where g.source = 'pack'), 0) as credit,
               coalesce(sum(g.amount_nano) filter (where g.source = 'bonus'), 0) as bonus, sum(g.paid_cents) as paid_cents
          from credit_grants g where g.payment_id is not null group by g.payment_id
      ), paid as (
        select * from payments where state = 'paid'
      )
      select format('payment %s: transaction %s of %s, %s nano came in for %s cents, granted %s + %s for %s cents, bought %s + %s',
                    coalesce(p.id::text, b.source_id, g.payment_id::text), p.transaction_id, coalesce(b.transactions, 0), coalesce(b.came_in, 0),
                    p.amount_cents, coalesce(g.credit, 0), coalesce(g.bonus, 0), coalesce(g.paid_cents, 0), p.credit_nano, p.bonus_nano) as what
        from paid p
        full join booked b on b.source_id = p.id::text
        full join granted g on g.payment_id = p.id
       where (b.transactions, b.id, b.came_in, coalesce(g.credit, 0), coalesce(g.bonus, 0), coalesce(g.paid_cents, 0))
             is distinct from (1::bigint, p.transaction_id, p.amount_cents * 10000000::numeric, p.credit_nano::numeric, p.bonus_nano::numeric,
                               case p.credit_nano when 0 then 0 else (p.amount_cents - p.tax_cents)::bigint end)`,
  },
  {
    id: 'I10-owed-back',
    title:
      'what was captured and bought nothing goes back as a whole: whatever failed to is owed, and waits for a person',
    faults: `
      with kept as (
        select p.org_id, p.id,
               p.amount_cents - p.tax_cents
                 - case when i.kind = 'usage' then coalesce((select b.cents from invoice_payments b where b.source_id = p.id), 0)
                        when ${BOUGHT_PERIOD} then p.amount_cents - p.tax_cents else 0 end
                 - coalesce((select sum(r.amount_cents - r.tax_cents) from refunds r where r.payment_id = p.id and r.state <> 'failed'), 0) as cents
          from payments p left join invoices i on i.id = p.invoice_id
         where p.state = 'paid' and (p.purpose = 'second_capture' or p.invoice_id is not null)
      )
      select format('payment %s keeps %s cents', id, cents) as what from kept where cents > 0
       union all
      select format('organization %s: owed_back %s nano, payments that bought nothing keep %s cents', coalesce(e.org_id, k.org_id), coalesce(e.total, 0), coalesce(k.cents, 0))
        from (select org_id, -sum(amount_nano) as total from ledger_entries where account = 'owed_back' group by org_id) e
        full join (select org_id, sum(cents) as cents from kept where cents > 0 group by org_id) k on k.org_id = e.org_id
       where coalesce(e.total, 0) <> coalesce(k.cents, 0) * 10000000`,
  },
  {
    id: 'I10-clearing',
    title: 'what Stripe has for us is the sum of the payments less the refunds that did not fail',
    faults: `
      select format('stripe_clearing %s, payments %s, refunds %s', c.total, p.total, r.total) as what
        from (select coalesce(sum(amount_nano), 0) as total from ledger_entries where account = 'stripe_clearing') c,
             (select coalesce(sum(amount_cents * 10000000::numeric), 0) as total from payments where state = 'paid') p,
             (select coalesce(sum(amount_cents * 10000000::numeric), 0) as total from refunds where state <> 'failed') r
       where c.total <> p.total - r.total`,
  },
  {
    id: 'I10-refunds',
    title:
      'each refund took its amount out once, a failed one brought it back, and no payment gave back more than came in',
    faults: `
      with booked as (
        select t.id, t.kind, t.source_id, -coalesce(sum(e.amount_nano) filter (where e.account = 'stripe_clearing'), 0) as went_out
          from ledger_transactions t join ledger_entries e on e.transaction_id = t.id
         where t.kind = 'refund' or t.kind = 'reversal' and t.source_kind = 'refund' group by t.id
      )
      select format('refund %s (%s): transaction %s took %s, %s cents were to go', coalesce(r.id::text, b.source_id), r.state, b.id, b.went_out, r.amount_cents) as what
        from refunds r full join booked b on b.source_id = r.id::text
       where r.id is null or b.id is null
          or (b.id, b.went_out) is distinct from
             case b.kind when 'refund' then (r.transaction_id, r.amount_cents * 10000000::numeric) else (r.reversal_id, -r.amount_cents * 10000000::numeric) end
       union all
      select format('payment %s of %s cents gave back %s', p.id, p.amount_cents, sum(r.amount_cents))
        from payments p join refunds r on r.payment_id = p.id and r.state <> 'failed' group by p.id having sum(r.amount_cents) > p.amount_cents`,
  },
  {
    id: 'I10-questions',
    title: 'no capture waits for a person to decide',
    faults: `
      select format('%s for payment %s: %s %s, %s %s', stripe_payment_intent, payment_id, amount_cents, currency, reason, asked_for) as what
        from captures_in_question where resolved_at is null`,
  },
];
