// What an organization has, line by line as it moved, and what it had after each. Read backwards from what it has at the moment of asking,
// in one statement, so the newest line ends at exactly that, whatever is settled meanwhile (D102).
import { type Nano, nano } from '../../domain/nano.ts';
import type { Grant } from '../grants/grants.ts';
import type { Queryable } from '../platform/postgres.ts';

export interface StatementLine {
  /** Its place: the number of its transaction and, where that settled many requests, which of them. */
  readonly id: string;
  readonly at: Date;
  readonly kind: 'usage' | 'payment' | 'grant' | 'refund' | 'refund_failed' | 'expiry';
  /** Above zero: it came in. */
  readonly amountNano: Nano;
  readonly balanceAfterNano: Nano;
  /** Null: an organization's whole credit line, or what came back from a lease too late. */
  readonly belongsTo: { readonly kind: 'request' | 'payment' | 'grant'; readonly id: string } | null;
  /** Of a grant that this came from, or went out of. */
  readonly grantSource: Grant['source'] | null;
}

interface LineRow extends Omit<StatementLine, 'amountNano' | 'balanceAfterNano' | 'belongsTo'> {
  readonly amountNano: string;
  readonly balanceAfterNano: string;
  readonly ofKind: 'request' | 'payment' | 'grant' | null;
  readonly ofId: string | null;
}

/** A transaction that only moves credit between a grant and a lease leaves as much as there was: it is no line. */
const LINES = `
  with has as (
    select (select coalesce(sum(b.available_nano), 0) from grant_balances b where b.org_id = $1)
         + (select coalesce(sum(l.amount_nano - l.consumed_nano), 0) from leases l where l.org_id = $1 and l.closed_at is null)
         - o.overdraft_nano
         + (select coalesce(sum(e.amount_nano), 0) from ledger_entries e
             where e.org_id = $1 and e.account in ('credit', 'held', 'overdraft') and e.transaction_id > $2::bigint) as nano
      from organizations o where o.id = $1
  ), moved as materialized (
    select e.transaction_id as id, -sum(e.amount_nano) as nano
      from ledger_entries e
     where e.org_id = $1 and e.account in ('credit', 'held', 'overdraft') and ($2::bigint is null or e.transaction_id <= $2::bigint)
     group by e.transaction_id having sum(e.amount_nano) <> 0
     order by e.transaction_id desc
     limit $4::integer + 1
  ), left_after as materialized (
    select m.id, m.nano, h.nano - coalesce(sum(m.nano) over (order by m.id desc rows between unbounded preceding and 1 preceding), 0) as left_nano
      from moved m cross join has h
  ), lines as (
    select l.id, t.kind, t.effective_at, t.source_kind, t.source_id, u.request_id, coalesce(-u.charge_nano, l.nano) as nano,
           l.left_nano + coalesce(sum(u.charge_nano) over (partition by l.id order by u.request_id desc
                                                           rows between unbounded preceding and 1 preceding), 0) as left_nano
      from left_after l
      join ledger_transactions t on t.id = l.id
      left join usage_records u on t.kind = 'settlement' and u.transaction_id = l.id and u.org_id = $1 and u.charge_nano > 0
  )
  select concat_ws('.', l.id, l.request_id) as id, l.effective_at as at,
         case l.kind when 'settlement' then 'usage' when 'beyond_lease' then 'usage' when 'lease_return' then 'expiry'
                     when 'reversal' then 'refund_failed' else l.kind end as kind,
         l.nano::text as "amountNano", l.left_nano::text as "balanceAfterNano",
         case when l.kind = 'settlement' then 'request' when r.id is not null then 'payment'
              when l.source_kind in ('request', 'payment', 'grant') then l.source_kind end as "ofKind",
         coalesce(l.request_id::text, r.payment_id::text, l.source_id) as "ofId", g.source as "grantSource"
    from lines l
    left join refunds r on r.id = case l.source_kind when 'refund' then l.source_id::uuid end
    left join credit_grants g on g.id = case l.source_kind when 'grant' then l.source_id::uuid end
   where $2::bigint is null or l.id < $2::bigint or l.request_id < $3::uuid
   order by l.id desc, l.request_id desc
   limit $4`;

/** Newest first. */
export async function listStatement(
  db: Queryable,
  orgId: string,
  after: string | null,
  pageSize: number,
): Promise<StatementLine[]> {
  const [transactionId = null, requestId = null] = after?.split('.') ?? [];
  const { rows } = await db.query<LineRow>(LINES, [orgId, transactionId, requestId, pageSize]);
  return rows.map(({ ofKind, ofId, ...line }) => ({
    ...line,
    amountNano: nano(line.amountNano),
    balanceAfterNano: nano(line.balanceAfterNano),
    belongsTo: ofKind === null || ofId === null ? null : { kind: ofKind, id: ofId },
  }));
}
