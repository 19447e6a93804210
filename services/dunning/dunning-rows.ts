// Cases of unpaid invoices as rows: the state of domain/dunning.ts as JSON, and beside it what others look for it by.
import type { PoolClient } from 'pg';
import type { Dunning } from '../../domain/dunning.ts';
import { TollgateError } from '../../domain/errors.ts';
import type { Interval } from '../../domain/intervals.ts';
import { jsonbText, MOMENT_MS, type Queryable } from '../platform/postgres.ts';

export interface DunningRow {
  readonly invoiceId: string;
  readonly orgId: string;
  readonly subscriptionId: string | null;
  readonly state: Dunning;
  readonly wakeAt: Date | null;
  /** When it was read, by the clock of billing. */
  readonly readAtMs: number;
}

const ROWS = `select invoice_id as "invoiceId", org_id as "orgId", subscription_id as "subscriptionId", state, wake_at as "wakeAt",
  ${MOMENT_MS} as "readAtMs" from dunnings`;

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
  { invoiceId, orgId, subscriptionId, state }: Omit<DunningRow, 'wakeAt' | 'readAtMs'>,
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
  wakeAt: Date | null,
): Promise<void> {
  await tx.query(
    `update dunnings
        set state = $2, revision = $3, wake_at = $4, closed = $5,
            closed_at = case when $5::text is not null then coalesce(closed_at, billing_now()) end,
            is_close_seen = is_close_seen and $5::text is not null
      where invoice_id = $1`,
    [invoiceId, jsonbText(state), state.revision, wakeAt, state.closed],
  );
}

/** True: for the first time since it was closed. */
export async function seeClose(tx: PoolClient, invoiceId: string): Promise<boolean> {
  const { rowCount } = await tx.query(
    'update dunnings set is_close_seen = true where invoice_id = $1 and closed is not null and not is_close_seen',
    [invoiceId],
  );
  return rowCount === 1;
}

export interface FormerDebt {
  readonly state: Dunning;
  readonly voidAtMs: number;
}

/** Whose invoice became void last; null: no invoice of this subscription was both overdue and void. */
export async function lastVoidDebt(db: Queryable, subscriptionId: string): Promise<FormerDebt | null> {
  const { rows } = await db.query<FormerDebt>(
    `select state, floor(extract(epoch from closed_at) * 1000)::float8 as "voidAtMs"
       from dunnings where subscription_id = $1 and closed = 'void' order by closed_at desc, opened_at desc limit 1`,
    [subscriptionId],
  );
  return rows[0] ?? null;
}

/**
 * Times for which no customer answers, oldest first: those that any open case of the organization, or this one, can have stood still for.
 * What ended before its ladder began moves none of its rungs, and an installation has had incidents for years.
 */
export async function listIncidentTimes(db: Queryable, orgId: string, invoiceId: string | null): Promise<Interval[]> {
  const { rows } = await db.query<Interval>(
    `select (extract(epoch from from_at) * 1000)::float8 as "fromMs", (extract(epoch from to_at) * 1000)::float8 as "toMs"
       from billing_incidents
      where to_at is null or to_at > (
        select min(least(opened_at, to_timestamp((state #>> '{invoice,ladder,atMs}')::float8 / 1000)))
          from dunnings where org_id = $1 and closed is null or invoice_id = $2)
      order by from_at, id`,
    [orgId, invoiceId],
  );
  return rows;
}
