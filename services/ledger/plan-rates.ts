// What requests cost beyond included credit: that each plan's own rate was taken, of what it is for, and of nothing else (D66).
import type { Invariant } from './invariant.ts';

export const PLAN_RATES: readonly Invariant[] = [
  {
    id: 'plan-due',
    title: 'each request is due its list price, but for what its lease charges at the rate of a plan',
    faults: `
      select format('request %s: rated %s, of that %s at %s ppm, due %s', u.request_id, u.rated_nano, u.beyond_nano, u.beyond_ppm, u.due_nano) as what
        from usage_records u
       where (u.beyond_nano is null) <> (u.beyond_ppm is null) or u.beyond_nano not between 0 and u.rated_nano
          or u.due_nano <> u.rated_nano - coalesce(u.beyond_nano - ceil(u.beyond_nano * u.beyond_ppm::numeric / 1000000), 0)
       union all
      select format('request %s: at %s ppm, its lease at %s', u.request_id, u.beyond_ppm, l.beyond_ppm)
        from usage_records u join leases l on l.id = u.lease_id
       where u.beyond_ppm is distinct from l.beyond_ppm and u.outcome <> 'quarantined'`,
  },
  {
    id: 'plan-split',
    title: 'of each lease exactly what included credit covers was charged at list price',
    // What was settled beyond a lease may have taken some of its part at list price with it, or from grants.
    faults: `
      with settled as (
        select u.lease_id, sum(u.rated_nano - u.beyond_nano) as at_list
          from usage_records u join ledger_transactions t on t.id = u.transaction_id and t.kind = 'settlement'
         where u.beyond_ppm is not null group by u.lease_id
      ), split as (
        select l.id, least(l.consumed_nano, l.at_list_nano) as covered, coalesce(s.at_list, 0) as at_list,
               (select coalesce(sum(least(e.amount_nano, u.rated_nano - u.beyond_nano)), 0)
                  from ledger_entries e join ledger_transactions t on t.id = e.transaction_id and t.kind = 'beyond_lease'
                  join usage_records u on u.transaction_id = t.id
                 where e.lease_id = l.id and e.account = 'held') as with_others
          from leases l left join settled s on s.lease_id = l.id
         where l.beyond_ppm is not null
      )
      select format('lease %s: %s at list price, %s are covered, %s of it spent by what went beyond it', id, at_list, covered, with_others) as what
        from split where at_list not between covered - with_others and covered`,
  },
  {
    id: 'plan-rate',
    title:
      'each lease charges what the plan of its organization said when it was cut, or what was agreed on for its project',
    faults: `
      select format('lease %s was cut at %s ppm, its plan was %s, the price of its project %s', l.id, l.beyond_ppm, v.id, p.price_of_list_ppm) as what
        from leases l
        join ledger_transactions t on t.kind = 'lease' and t.source_id = l.id::text
        left join lateral (select c.plan_version_id from plan_changes c
                            where c.org_id = l.org_id and c.ledger_number < t.id order by c.ledger_number desc limit 1) c on true
        left join plan_versions v on v.id = c.plan_version_id
        left join lateral (select p.price_of_list_ppm from project_prices p
                            where p.project_id = l.project_id and p.ledger_number < t.id and v.plan = 'enterprise' order by p.ledger_number desc limit 1) p on true
       where l.beyond_ppm is distinct from nullif(least(v.beyond_included_ppm, p.price_of_list_ppm), 1000000)
       union all
      select format('organization %s has plan %s, its last change was to %s', o.id, o.plan_version_id, c.plan_version_id)
        from organizations o
        left join lateral (select c.plan_version_id from plan_changes c where c.org_id = o.id order by c.ledger_number desc limit 1) c on true
       where o.plan_version_id is distinct from c.plan_version_id
       union all
      select format('project %s costs %s ppm, what was written down last is %s', o.id, o.price_of_list_ppm, p.price_of_list_ppm)
        from projects o
        left join lateral (select p.price_of_list_ppm from project_prices p where p.project_id = o.id order by p.ledger_number desc limit 1) p on true
       where o.price_of_list_ppm is distinct from p.price_of_list_ppm`,
  },
];
