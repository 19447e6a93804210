// Which credit was spent, before which other, and while which was locked. When the stage of an organization changed is compared with
// its transactions by number, never by time: billing_now() is when a transaction began, and who began first may have come second (D49).
import type { Invariant } from './invariant.ts';

/** Under which transaction t moved the credit of grant g. */
const STAGE = `
  coalesce((select c.stage from enforcement_changes c where c.org_id = g.org_id and c.ledger_number < t.id order by c.seq desc limit 1), 'none')`;

export const BURNING: readonly Invariant[] = [
  {
    id: 'I8-burn-order',
    title: 'no grant was cut in the last day while one that burns before it had money and was not locked',
    faults: `
      select format('transaction %s cut grant %s while grant %s had %s', t.id, g.id, f.id, b.balance_after_nano) as what
        from ledger_entries e
        join ledger_transactions t on t.id = e.transaction_id and t.kind in ('lease', 'beyond_lease')
                                  and t.booked_at > clock_timestamp() - interval '1 day'
        join credit_grants g on g.id = e.grant_id
        join credit_grants f on f.org_id = g.org_id and f.effective_at <= t.effective_at
                            and (f.expires_at is null or f.expires_at > t.effective_at)
                            and (f.priority, coalesce(f.expires_at, 'infinity'), f.created_at, f.id)
                                < (g.priority, coalesce(g.expires_at, 'infinity'), g.created_at, g.id)
                            and (not f.locked_while_overdue or ${STAGE} = 'none')
        join lateral (select p.balance_after_nano from ledger_entries p
                       where p.grant_id = f.id and p.transaction_id <= t.id
                       order by p.transaction_id desc, p.line desc limit 1) b on b.balance_after_nano > 0
       where e.account = 'credit' and e.amount_nano > 0`,
  },
  {
    id: 'I8-locked',
    title:
      'no locked credit was cut while an invoice was overdue, and no lease at all while its organization was stopped',
    faults: `
      with spans as (
        select org_id, stage, ledger_number as since, lead(ledger_number) over (partition by org_id order by seq) as until from enforcement_changes
      )
      select format('transaction %s cut %s grant %s while the organization was %s', t.id, g.source, g.id, s.stage) as what
        from spans s
        join credit_grants g on g.org_id = s.org_id
        join ledger_entries e on e.grant_id = g.id and e.account = 'credit' and e.amount_nano > 0
                             and e.transaction_id > s.since and (s.until is null or e.transaction_id < s.until)
        join ledger_transactions t on t.id = e.transaction_id and t.kind in ('lease', 'beyond_lease')
       where s.stage <> 'none' and (g.locked_while_overdue or s.stage = 'stopped' and t.kind = 'lease')`,
  },
  {
    id: 'enforcement',
    title: 'each organization is at the stage that its changes led to, and none of them is missing',
    faults: `
      select format('organization %s: %s after %s changes; recorded are %s, the last is %s', o.id, o.overdue_stage, o.enforcement_seq,
                    coalesce(c.count, 0), c.stage) as what
        from organizations o
        left join (select org_id, count(*) as count, max(seq) as seq, (array_agg(stage order by seq desc))[1] as stage
                     from enforcement_changes group by org_id) c on c.org_id = o.id
       where (o.overdue_stage, o.enforcement_seq, o.enforcement_seq)
             is distinct from (coalesce(c.stage, 'none'), coalesce(c.seq, 0), coalesce(c.count, 0))`,
  },
];
