// How far the usage of an organization is on invoices. The ledger says how much is owed; what for is told by tallies of the usage records,
// each less what an earlier invoice has told of (D60).
import type { PoolClient } from 'pg';
import { type Nano, nano } from '../../domain/nano.ts';
import { jsonbText, type Queryable } from '../platform/postgres.ts';

/** Of one project, model and price version. */
export interface UsageLine {
  readonly projectId: string;
  readonly project: string | null;
  readonly modelId: string;
  readonly priceVersionId: string;
  readonly requests: number;
  readonly amountNano: Nano;
}

export interface Tally {
  readonly countedFrom: Date;
  readonly counted: unknown;
}

export interface Unbilled {
  readonly unbilledNano: Nano;
  readonly lines: readonly UsageLine[];
  /** To be kept as told of, once the lines are on an invoice. */
  readonly tally: Tally;
}

// A record may be settled days after its request was admitted, from the journal of a gateway that died. One that is later still is on
// no line of its own: what it cost is in the line that settles.
// Whole milliseconds, which a Date carries back unchanged.
const RECENTLY = `date_trunc('milliseconds', billing_now() - interval '7 days')`;
const NEXT_FIRST = `(date_trunc('month', billing_now() at time zone 'UTC') + interval '1 month') at time zone 'UTC'`;
const TALLY_NOW = `
  select coalesce(jsonb_agg(jsonb_build_object('projectId', t.project_id, 'modelId', t.model_id, 'priceVersionId', t.price_version_id,
                                               'requests', t.requests, 'nano', t.nano)), '[]')
    from usage_tally($1, ${RECENTLY}) t`;

/** What was used before is nobody's debt. Where some of an earlier contract is not invoiced yet, the account goes on. */
export async function openUsageAccount(tx: PoolClient, orgId: string): Promise<void> {
  await tx.query(
    `insert into usage_accounts (org_id, next_invoice_at, counted_from, counted)
       values ($1, ${NEXT_FIRST}, ${RECENTLY}, (${TALLY_NOW}))
     on conflict (org_id) do update set next_invoice_at = excluded.next_invoice_at, counted_from = excluded.counted_from, counted = excluded.counted
     where unbilled_of($1) = 0`,
    [orgId],
  );
}

/** When somebody is next due, or should have been invoiced; null: nobody is lent anything. */
export async function nextInvoiceAt(db: Queryable): Promise<Date | null> {
  const { rows } = await db.query<{ at: Date | null }>('select min(next_invoice_at) as at from usage_accounts');
  return rows[0]?.at ?? null;
}

export async function organizationsDue(db: Queryable): Promise<string[]> {
  const { rows } = await db.query<{ orgId: string }>(
    `select org_id as "orgId" from usage_accounts where next_invoice_at <= billing_now() order by org_id`,
  );
  return rows.map(({ orgId }) => orgId);
}

/** Null: it is not due. Otherwise the month that has ended, as in 2027-01. The caller holds the organization. */
export async function monthDue(tx: PoolClient, orgId: string): Promise<string | null> {
  const { rows } = await tx.query<{ month: string }>(
    `select to_char(date_trunc('month', billing_now() at time zone 'UTC') - interval '1 month', 'YYYY-MM') as month
       from usage_accounts where org_id = $1 and next_invoice_at <= billing_now()`,
    [orgId],
  );
  return rows[0]?.month ?? null;
}

/** One statement, for gateways go on settling. The caller holds the organization, which keeps all other credit still. */
export async function unbilledUsage(tx: PoolClient, orgId: string): Promise<Unbilled> {
  const { rows } = await tx.query<
    { unbilled: string; lines: (Omit<UsageLine, 'amountNano'> & { nano: string })[] } & Tally
  >(
    `with used as (
       select t.project_id, t.model_id, t.price_version_id, t.requests - coalesce(c.requests, 0) as requests, t.nano - coalesce(c.nano, 0) as nano
         from usage_accounts a
        cross join usage_tally($1, a.counted_from) t
         left join jsonb_to_recordset(a.counted) c("projectId" uuid, "modelId" text, "priceVersionId" uuid, requests bigint, nano bigint)
                on (c."projectId", c."modelId", c."priceVersionId") = (t.project_id, t.model_id, t.price_version_id)
        where a.org_id = $1
     )
     select unbilled_of($1) as unbilled, ${RECENTLY} as "countedFrom", (${TALLY_NOW}) as counted,
            (select coalesce(jsonb_agg(jsonb_build_object('projectId', u.project_id, 'project', p.name, 'modelId', u.model_id,
                                                          'priceVersionId', u.price_version_id, 'requests', u.requests, 'nano', u.nano::text)
                                       order by p.name, u.project_id, u.model_id, u.price_version_id), '[]')
               from used u left join projects p on p.id = u.project_id where u.nano <> 0) as lines`,
    [orgId],
  );
  const [row] = rows;
  if (row === undefined) throw new Error('a select without a table answered no row');
  return {
    unbilledNano: nano(row.unbilled),
    lines: row.lines.map(({ nano: amount, ...line }) => ({ ...line, amountNano: nano(amount) })),
    tally: { countedFrom: row.countedFrom, counted: row.counted },
  };
}

/** The month is over. `tally`: of what has been told; null: too little to invoice, so that the next invoice tells of it. */
export async function closeMonth(tx: PoolClient, orgId: string, tally: Tally | null): Promise<void> {
  await tx.query(
    `update usage_accounts
        set next_invoice_at = case when unbilled_of($1) <> 0 or exists (select from contracts c where c.org_id = $1 and c.ended_at is null)
                                   then ${NEXT_FIRST} end,
            counted_from = coalesce($2, counted_from), counted = coalesce($3, counted)
      where org_id = $1`,
    [orgId, tally?.countedFrom ?? null, tally === null ? null : jsonbText(tally.counted)],
  );
}
