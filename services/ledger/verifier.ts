// Proves the ledger from the ledger: every balance is computed again from the entries, every entry traced to what caused it.
// The numbers are the invariants of billing.md 2.6, with leases in place of holds (design.md 3). It reads one snapshot,
// changes nothing, and names what it finds; what the database cannot know (I16, I17) is the oracle's.
import type { Pool } from 'pg';
import { inTransaction } from '../platform/postgres.ts';
import { BURNING } from './burning.ts';
import { type Check, examine, type Invariant } from './invariant.ts';
import { LATE_WORK } from './late-work.ts';
import { MONEY_IN } from './money-in.ts';
import { PLAN_RATES } from './plan-rates.ts';
import { PLANS } from './plans.ts';
import { POSTPAID } from './postpaid.ts';
import { RATED_AGAIN } from './rated-again.ts';
import { TAXES } from './taxes.ts';

/** These ask whether somebody was late, by the clock; of what was restored that says nothing (D141). */
export const OF_TIMELINESS: ReadonlySet<string> = new Set(['I4', 'expiry', 'costs']);

export interface Verification {
  readonly ok: boolean;
  readonly at: Date;
  readonly checks: readonly Check[];
}

export async function verifyLedger(db: Pool): Promise<Verification> {
  return inTransaction(db, async (tx) => {
    await tx.query('set transaction isolation level repeatable read, read only');
    const { rows } = await tx.query<{ at: Date }>('select clock_timestamp() as at');
    const checks: Check[] = [];
    for (const invariant of [
      ...BALANCES,
      ...MOVEMENTS,
      ...BURNING,
      ...CAUSES,
      RATED_AGAIN,
      ...PLAN_RATES,
      ...LATE_WORK,
      ...MONEY_IN,
      ...PLANS,
      ...POSTPAID,
      ...TAXES,
    ])
      checks.push(await examine(tx, invariant));
    return { ok: checks.every(({ ok }) => ok), at: rows[0]?.at ?? new Date(Number.NaN), checks };
  });
}

const BALANCES: readonly Invariant[] = [
  {
    id: 'I1',
    title: 'every transaction has two lines at least and sums to zero',
    faults: `
      select format('transaction %s (%s): %s lines, sum %s', t.id, t.kind, count(e.line), sum(e.amount_nano)) as what
        from ledger_transactions t left join ledger_entries e on e.transaction_id = t.id
       group by t.id having count(e.line) < 2 or sum(e.amount_nano) <> 0
       union all
      select format('transaction %s does not exist and has %s entries', e.transaction_id, count(*))
        from ledger_entries e where not exists (select from ledger_transactions t where t.id = e.transaction_id)
       group by e.transaction_id`,
  },
  {
    id: 'I2-grants',
    title: 'what is left of a grant is the sum of its entries',
    faults: `
      select format('grant %s: balance %s, entries %s', g.id, b.available_nano, -coalesce(sum(e.amount_nano), 0)) as what
        from credit_grants g
        left join grant_balances b on b.grant_id = g.id
        left join ledger_entries e on e.grant_id = g.id and e.account = 'credit'
       group by g.id, b.available_nano
      having b.available_nano is distinct from -coalesce(sum(e.amount_nano), 0)`,
  },
  {
    id: 'I2-grant-chain',
    title: 'each entry of a grant says the balance that stood after it',
    // A grant moves under its organization's lock, and its transaction is numbered under it: the numbers are the order.
    faults: `
      select format('grant %s, transaction %s: balance after %s, running sum %s', grant_id, transaction_id, balance_after_nano, running) as what
        from (select e.grant_id, e.transaction_id, e.balance_after_nano,
                     -sum(e.amount_nano) over (partition by e.grant_id order by e.transaction_id, e.line) as running
                from ledger_entries e where e.account = 'credit') chain
       where balance_after_nano is distinct from running`,
  },
  {
    id: 'I2-leases',
    title: 'what is unspent of a lease is the sum of its entries',
    faults: `
      select format('lease %s: unspent %s, entries %s', l.id, l.amount_nano - l.consumed_nano, -coalesce(sum(e.amount_nano), 0)) as what
        from leases l left join ledger_entries e on e.lease_id = l.id and e.account = 'held'
       group by l.id having l.amount_nano - l.consumed_nano <> -coalesce(sum(e.amount_nano), 0)`,
  },
  {
    id: 'I2-lease-chain',
    title: 'the balances after the entries of a lease lead from zero to what is unspent',
    // A batch draws its number before it locks the lease, so numbers are no order here. Each entry is a step from one balance
    // to another; together they are one walk, and every balance is entered as often as it is left.
    faults: `
      with steps as (
        select lease_id, balance_after_nano + amount_nano as left_at, balance_after_nano as came_to
          from ledger_entries where account = 'held'
      ), visits as (
        select lease_id, came_to as balance, 1 as visit from steps
         union all select lease_id, left_at, -1 from steps
         union all select id, 0, 1 from leases
         union all select id, amount_nano - consumed_nano, -1 from leases
      )
      select format('lease %s: the chain breaks at balance %s', lease_id, balance) as what
        from visits group by lease_id, balance having sum(visit) <> 0`,
  },
  {
    id: 'I2-overdraft',
    title: 'what an organization owes is the sum of its overdraft entries',
    faults: `
      select format('organization %s: overdraft %s, entries %s', o.id, o.overdraft_nano, coalesce(sum(e.amount_nano), 0)) as what
        from organizations o left join ledger_entries e on e.org_id = o.id and e.account = 'overdraft'
       group by o.id having o.overdraft_nano <> coalesce(sum(e.amount_nano), 0)`,
  },
  {
    id: 'I3',
    title: 'held money is exactly what open leases have not spent',
    faults: `
      select format('held %s, open leases %s', h.held, l.unspent) as what
        from (select -coalesce(sum(amount_nano), 0) as held from ledger_entries where account = 'held') h,
             (select coalesce(sum(amount_nano - consumed_nano), 0) as unspent from leases where closed_at is null) l
       where h.held <> l.unspent
       union all
      select format('lease %s is closed and still has %s', id, amount_nano - consumed_nano)
        from leases where closed_at is not null and amount_nano <> consumed_nano`,
  },
  {
    id: 'I4',
    title: 'no lease of a dead gateway is open ten minutes after it was fenced',
    faults: `
      select format('lease %s of gateway %s, fenced at %s', l.id, i.id, i.fenced_at) as what
        from leases l join gateway_incarnations i on i.id = l.incarnation_id
       where l.closed_at is null and (i.closed_at is not null or i.fenced_at < clock_timestamp() - interval '10 minutes')`,
  },
  {
    id: 'I9',
    title: 'nobody owes more than the floor, and only what an answer cost beyond its reservation',
    faults: `
      select format('organization %s owes %s, floor %s', id, overdraft_nano, overdraft_floor_nano) as what
        from organizations where overdraft_nano > overdraft_floor_nano
       union all
      select format('transaction %s (%s) moves the overdraft of %s by %s without a request', t.id, t.kind, e.org_id, e.amount_nano)
        from ledger_entries e join ledger_transactions t on t.id = e.transaction_id
       where e.account = 'overdraft' and e.amount_nano > 0
         and not exists (select from usage_records u where u.transaction_id = t.id and u.org_id = e.org_id)`,
  },
];

const MOVEMENTS: readonly Invariant[] = [
  {
    id: 'I6',
    title: 'each grant: face = available + leased or spent + repaid + expired',
    // Leased money that came back after its grant's end is breakage of the organization, or lent no more: no entry names its grant.
    faults: `
      with flows as (
        select g.id, g.org_id, least(g.expires_at, v.at) as ends_at, g.amount_nano - b.available_nano
               - coalesce((select sum(s.amount_nano) from lease_slices s where s.grant_id = g.id), 0)
               - coalesce((select sum(e.amount_nano) from ledger_entries e join ledger_transactions t on t.id = e.transaction_id
                            where e.grant_id = g.id and e.account = 'credit'
                              and (t.kind in ('beyond_lease', 'repayment', 'expiry', 'refund', 'reversal') or t.kind in ('grant', 'payment') and e.amount_nano > 0)), 0) as missing
          from credit_grants g join grant_balances b on b.grant_id = g.id left join grant_voids v on v.grant_id = g.id
      )
      select format('grant %s: %s is missing', id, missing) as what
        from flows where missing < 0 or missing > 0 and (ends_at is null or ends_at > billing_now())
       union all
      select format('organization %s: %s ended in leases, the entries say %s', f.org_id, sum(f.missing), coalesce(b.ended, 0))
        from flows f
        left join (select e.org_id, -sum(e.amount_nano) as ended
                     from ledger_entries e join ledger_transactions t on t.id = e.transaction_id
                    where t.kind = 'lease_return' and e.account in ('breakage', 'credit_line') group by e.org_id) b on b.org_id = f.org_id
       group by f.org_id, b.ended having sum(f.missing) <> coalesce(b.ended, 0)`,
  },
  {
    id: 'I6-slices',
    title: 'the slices of a lease add up to it',
    faults: `
      select format('lease %s: amount %s, slices %s', l.id, l.amount_nano, coalesce(sum(s.amount_nano), 0)) as what
        from leases l left join lease_slices s on s.lease_id = l.id
       group by l.id having l.amount_nano <> coalesce(sum(s.amount_nano), 0)`,
  },
  {
    id: 'I7',
    title: 'no credit is taken outside the life of its grant, no request admitted after its lease ended',
    faults: `
      select format('transaction %s of %s took %s from grant %s', t.id, t.effective_at, e.amount_nano, g.id) as what
        from ledger_entries e
        join ledger_transactions t on t.id = e.transaction_id and t.kind in ('lease', 'beyond_lease')
        join credit_grants g on g.id = e.grant_id
       where e.account = 'credit' and e.amount_nano > 0
         and (t.effective_at < g.effective_at or t.effective_at >= g.expires_at)
       union all
      select format('request %s was admitted at %s on lease %s, which ended at %s', u.request_id, u.admitted_at, l.id, l.expires_at)
        from usage_records u join leases l on l.id = u.lease_id where u.admitted_at >= l.expires_at`,
  },
  {
    id: 'I8',
    title: 'replaying the entries and charges of a lease gives its amount and what is spent of it',
    faults: `
      with replayed as (
        select e.lease_id, -coalesce(sum(e.amount_nano) filter (where t.kind in ('lease', 'lease_return')), 0) as amount,
               coalesce(sum(e.amount_nano) filter (where t.kind in ('settlement', 'beyond_lease')), 0) as consumed,
               coalesce(sum(e.amount_nano) filter (where t.kind = 'settlement'), 0) as settled
          from ledger_entries e join ledger_transactions t on t.id = e.transaction_id
         where e.account = 'held' group by e.lease_id
      ), charged as (
        select u.lease_id, sum(u.charge_nano) as charge
          from usage_records u join ledger_transactions t on t.id = u.transaction_id and t.kind = 'settlement' group by u.lease_id
      )
      select format('lease %s: amount %s, replayed %s; spent %s, replayed %s; settled %s, charged %s', l.id, l.amount_nano,
                    coalesce(r.amount, 0), l.consumed_nano, coalesce(r.consumed, 0), coalesce(r.settled, 0), coalesce(c.charge, 0)) as what
        from leases l left join replayed r on r.lease_id = l.id left join charged c on c.lease_id = l.id
       where l.amount_nano <> coalesce(r.amount, 0) or l.consumed_nano <> coalesce(r.consumed, 0)
          or coalesce(r.settled, 0) <> coalesce(c.charge, 0)`,
  },
];

const CAUSES: readonly Invariant[] = [
  {
    id: 'I5',
    title: 'each transaction debits its customers by exactly the charges of its usage records',
    faults: `
      with charged as (
        select transaction_id, sum(charge_nano) as charge, sum(due_nano) as due from usage_records group by transaction_id
      ), booked as (
        select t.id, coalesce(sum(e.amount_nano) filter (where e.account in ('credit', 'held', 'overdraft')), 0) as debit,
               -coalesce(sum(e.amount_nano) filter (where e.account = 'revenue_usage'), 0) as revenue
          from ledger_transactions t join ledger_entries e on e.transaction_id = t.id
         where t.kind in ('settlement', 'beyond_lease') group by t.id
      )
      select format('transaction %s: debited %s, charged %s; revenue %s, due %s', coalesce(b.id, c.transaction_id), coalesce(b.debit, 0),
                    coalesce(c.charge, 0), coalesce(b.revenue, 0), coalesce(c.due, 0)) as what
        from charged c full join booked b on b.id = c.transaction_id
       where coalesce(c.charge, 0) <> coalesce(b.debit, 0) or coalesce(c.due, 0) <> coalesce(b.revenue, 0)`,
  },
  {
    id: 'I5-losses',
    title: 'each loss of ours is booked once, and explains what a customer did not pay of a request',
    faults: `
      select format('transaction %s: ops_loss %s, rows %s', coalesce(e.transaction_id, l.transaction_id), e.amount, l.amount) as what
        from (select transaction_id, sum(amount_nano) as amount from ledger_entries where account = 'ops_loss' group by 1) e
        full join (select transaction_id, sum(amount_nano) as amount from ops_losses group by 1) l using (transaction_id)
       where e.amount is distinct from l.amount
       union all
      select format('request %s: due %s, charged %s, lost %s', u.request_id, u.due_nano, u.charge_nano, coalesce(sum(l.amount_nano), 0))
        from usage_records u left join ops_losses l on l.request_id = u.request_id and l.reason in ('overshoot', 'late')
       group by u.request_id having u.due_nano - u.charge_nano <> coalesce(sum(l.amount_nano), 0)`,
  },
  {
    id: 'caps',
    title: 'each cap counts the charges and the open leases of its period',
    // A counter whose period began in a time zone that the organization has left is history.
    faults: `
      select format('cap %s (%s, %s) since %s: counted %s, spent %s + leased %s', c.id, c.scope, c.period, cu.period_start,
                    cu.committed_nano, used.total, leased.total) as what
        from cap_usage cu
        join caps c on c.id = cu.cap_id
        join organizations o on o.id = c.org_id
       cross join lateral (select coalesce(period_end(c.period, o.time_zone, cu.period_start), 'infinity') as until) p
       cross join lateral (
         select coalesce(sum(u.charge_nano), 0) as total from usage_records u
          where u.org_id = c.org_id and u.admitted_at >= cu.period_start and u.admitted_at < p.until
            and c.scope_id = case c.scope when 'organization' then u.org_id when 'project' then u.project_id
                                          when 'member' then u.member_id else u.api_key_id end) used
       cross join lateral (
         select coalesce(sum(l.amount_nano - l.consumed_nano), 0) as total from leases l
          where l.org_id = c.org_id and l.closed_at is null and l.opened_at >= cu.period_start and l.opened_at < p.until
            and c.scope_id = case c.scope when 'organization' then l.org_id when 'project' then l.project_id
                                          when 'member' then l.member_id else l.api_key_id end) leased
       where cu.committed_nano <> used.total + leased.total
         and cu.period_start = period_start(c.period, o.time_zone, cu.period_start)`,
  },
  {
    id: 'quarantine',
    title: 'no record waits in quarantine',
    faults: `select format('record %s of request %s: %s', id, request_id, reason) as what from settlement_quarantine where resolved_at is null`,
  },
  {
    id: 'conflicts',
    title: 'no request came again with another charge',
    faults: `select format('request %s: rated %s, first %s', request_id, rated_nano, first_rated_nano) as what from settlement_conflicts`,
  },
];
