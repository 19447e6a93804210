// What else waits for a person of ours beside applications and proposals: money that went another way than ours, and nights on which the ledger
// was not proven. It is seen to in Temporal's UI or by SQL (docs/operations.md); here stands that it waits.
import { afterBusinessTime } from '../../domain/business-time.ts';
import { DAY_MS } from '../../domain/moments.ts';
import { businessCalendar } from '../onboarding/business-calendar.ts';
import type { Queryable } from '../platform/postgres.ts';
import { refundWorkflowId } from '../processes/poke.ts';
import { billingNow } from '../subscriptions/turn.ts';

export interface Unsettled {
  readonly kind: 'refused_refund' | 'capture_in_question' | 'ledger_finding';
  readonly id: string;
  readonly orgId: string | null;
  readonly orgName: string | null;
  readonly what: string;
  /** What it is about, as our books or Stripe have it. */
  readonly detail: string | null;
  readonly amountCents: number | null;
  readonly since: Date;
  /** Null: no workflow waits for it. */
  readonly workflowId: string | null;
}

/** Of each kind; more than ever wait. */
const MOST = 100;

export async function unsettledMoney(db: Queryable): Promise<Unsettled[]> {
  const { rows: refused } = await db.query<Omit<Unsettled, 'kind' | 'detail' | 'workflowId'>>(
    `select f.payment_id as id, o.id as "orgId", o.name as "orgName", p.purpose as what, r.amount_cents as "amountCents", r.created_at as since
       from refused_refunds f join refunds r on r.id = f.refund_id join payments p on p.id = f.payment_id join organizations o on o.id = f.org_id
      order by r.created_at limit $1`,
    [MOST],
  );
  const { rows: captured } = await db.query<Omit<Unsettled, 'kind' | 'workflowId'>>(
    `select c.stripe_payment_intent as id, o.id as "orgId", o.name as "orgName", c.reason as what, c.asked_for as detail, c.amount_cents::float8 as "amountCents", c.at as since
       from captures_in_question c join payments p on p.id = c.payment_id join organizations o on o.id = p.org_id
      where c.resolved_at is null order by c.at limit $1`,
    [MOST],
  );
  return [
    ...refused.map((row) => ({
      ...row,
      ...{ kind: 'refused_refund' as const, detail: null, workflowId: refundWorkflowId(row.id) },
    })),
    ...captured.map((row) => ({ ...row, kind: 'capture_in_question' as const, workflowId: null })),
  ];
}

/** Nights on which an invariant did not hold, until somebody has said how to go on. */
export async function ledgerFindings(db: Queryable): Promise<Unsettled[]> {
  const { rows } = await db.query<Pick<Unsettled, 'id' | 'what' | 'since'>>(
    `select name as id, coalesce(findings -> 0 ->> 'title', name) as what, coalesce(verified_at, opened_at) as since
       from reconciliations where stage = 'attention' and ended_at is null order by opened_at limit $1`,
    [MOST],
  );
  const common = { kind: 'ledger_finding', orgId: null, orgName: null, amountCents: null, detail: null } as const;
  return rows.map((row) => ({ ...row, ...common, workflowId: `reconciliation:${row.id}` }));
}

export interface Due {
  readonly dueAt: Date;
  readonly isLate: boolean;
}

/** By which clock it waits: what people propose to each other goes by the real one, as their sessions do. */
export type WaitsBy = 'billing' | 'real';

/** Whoever of us is waited for has a business day; the calendar is that of reminders. */
export async function dueSince(db: Queryable): Promise<(since: Date, by: WaitsBy) => Due> {
  const calendar = await businessCalendar(db);
  const { rows } = await db.query<{ at: Date }>('select clock_timestamp() as at');
  const nowMs = { billing: await billingNow(db), real: rows[0]?.at.getTime() ?? Number.NaN };
  return (since, by) => {
    const dueAtMs = afterBusinessTime(calendar, since.getTime(), DAY_MS);
    return { dueAt: new Date(dueAtMs), isLate: dueAtMs <= nowMs[by] };
  };
}

/** By their ids; those that there are. */
export async function namesOf(db: Queryable, orgIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const { rows } = await db.query<{ id: string; name: string }>(
    'select id, name from organizations where id = any($1::uuid[])',
    [orgIds],
  );
  return new Map(rows.map(({ id, name }) => [id, name]));
}
