// Cases of unpaid invoices as rows: the state of domain/dunning.ts as JSON, and beside it what others look for it by.
import type { PoolClient } from 'pg';
import type { Dunning } from '../../domain/dunning.ts';
import { TollgateError } from '../../domain/errors.ts';
import type { Interval } from '../../domain/intervals.ts';
import { jsonbText, type Queryable } from '../platform/postgres.ts';

export interface DunningRow {
  readonly invoiceId: string;
  readonly orgId: string;
  readonly subscriptionId: string | null;
  readonly state: Dunning;
  readonly wakeAt: Date | null;
}

const ROWS = `select invoice_id as "invoiceId", org_id as "orgId", subscription_id as "subscriptionId", state, wake_at as "wakeAt" from dunnings`;

/** Null: it was never overdue. */
export async function findDunning(db: Queryable, invoiceId: string): Promise<DunningRow | null> {
  const { rows } = await db.query<DunningRow>(`${ROWS} where invoice_id = $1`, [invoiceId]);
  return rows[0] ?? null;
}

/** @throws TollgateError not_found */
export async function dunningRow(db: Queryable, invoiceId: string): Promise<DunningRow> {
  const found = await findDunning(db, invoiceId);
  if (found !== null) return found;
  throw new TollgateError('not_found', { message: `Invoice ${invoiceId} is no case of dunning.` });
}

export async function openDunningsOf(db: Queryable, orgId: string): Promise<DunningRow[]> {
  const { rows } = await db.query<DunningRow>(`${ROWS} where org_id = $1 and closed is null order by invoice_id`, [
    orgId,
  ]);
  return rows;
}

export async function insertDunning(
  tx: PoolClient,
  { invoiceId, orgId, subscriptionId, state }: Omit<DunningRow, 'wakeAt'>,
): Promise<void> {
  await tx.query(
    `insert into dunnings (invoice_id, org_id, subscription_id, policy, state, revision) values ($1, $2, $3, $4, $5, $6)`,
    [invoiceId, orgId, subscriptionId, state.invoice.policy, jsonbText(state), state.revision],
  );
}

export async function saveDunning(
  tx: PoolClient,
  invoiceId: string,
  state: Dunning,
  wakeAtMs: number | null,
): Promise<void> {
  await tx.query(
    `update dunnings
        set state = $2, revision = $3, wake_at = $4, closed = $5,
            closed_at = case when $5::text is not null then coalesce(closed_at, billing_now()) end
      where invoice_id = $1`,
    [invoiceId, jsonbText(state), state.revision, wakeAtMs === null ? null : new Date(wakeAtMs), state.closed],
  );
}

/** Times for which no customer answers, oldest first. */
export async function listIncidentTimes(db: Queryable): Promise<Interval[]> {
  const { rows } = await db.query<Interval>(
    `select (extract(epoch from from_at) * 1000)::float8 as "fromMs", (extract(epoch from to_at) * 1000)::float8 as "toMs"
       from billing_incidents order by from_at, id`,
  );
  return rows;
}
