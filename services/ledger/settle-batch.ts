// The settlement statement, and what its failures mean.
import type { ClientBase } from 'pg';
import { isId } from '../platform/ids.ts';
import { jsonbText } from '../platform/postgres.ts';
import type { AttemptRow, UsageRow } from './settlement-rows.ts';

const CHECK_VIOLATION = '23514';
const SERIALIZATION_FAILURE = '40001';

interface Rows {
  readonly usage: UsageRow;
  readonly attempts: readonly AttemptRow[];
}

interface SettledRow {
  readonly request_id: string;
  readonly result: 'conflict' | 'beyond';
}

/**
 * Settles a batch; rows that are known already change nothing. One statement and one commit, and another for the few records
 * that do not fit their lease (D4).
 * `replay`: for a fenced incarnation (the owner may not any more, others may not before).
 * Returns the ids of known requests that came with another charge.
 */
export async function settleBatch(
  db: ClientBase,
  incarnationId: string,
  replay: boolean,
  batch: readonly Rows[],
): Promise<string[]> {
  const rows = await settleOnLeases(db, incarnationId, replay, batch).catch((error: unknown) => {
    // A lease that changed while the statement waited for it: judged by what it was, refused for what it is. Once more, as it is now.
    if (sqlState(error) !== CHECK_VIOLATION && sqlState(error) !== SERIALIZATION_FAILURE) throw error;
    return settleOnLeases(db, incarnationId, replay, batch);
  });
  const beyond = new Set(rows.filter(({ result }) => result === 'beyond').map(({ request_id }) => request_id));
  if (beyond.size > 0) {
    const beyondLease = batch.filter(({ usage }) => beyond.has(usage.request_id));
    await db.query('select settle_beyond($1, $2, $3, $4)', settleArguments(incarnationId, replay, beyondLease));
  }
  return rows.filter(({ result }) => result === 'conflict').map(({ request_id }) => request_id);
}

async function settleOnLeases(
  db: ClientBase,
  incarnationId: string,
  replay: boolean,
  batch: readonly Rows[],
): Promise<SettledRow[]> {
  const { rows } = await db.query<SettledRow>({
    name: 'settle-batch',
    text: `select settled_request_id as request_id, result from settle_batch($1, $2, $3, $4) where result in ('conflict', 'beyond')`,
    values: settleArguments(incarnationId, replay, batch),
  });
  return rows;
}

/**
 * Rows travel as JSON: the gateway's core is dearer than PostgreSQL's, and one JSON.stringify is cheaper there than 17 array
 * parameters.
 */
function settleArguments(incarnationId: string, replay: boolean, batch: readonly Rows[]): unknown[] {
  return [
    incarnationId,
    replay,
    JSON.stringify(batch.map(({ usage }) => usage)),
    JSON.stringify(batch.flatMap(({ attempts }) => attempts)),
  ];
}

/**
 * What became of requests whose settlement had no answer. Fencing waits for a settlement that runs: once `isFenced`, what is not
 * among the settled never will be.
 */
export async function settledAmong(
  db: ClientBase,
  incarnationId: string,
  requestIds: readonly string[],
): Promise<{ readonly isFenced: boolean; readonly settled: ReadonlySet<string> }> {
  const { rows } = await db.query<{ is_fenced: boolean; settled: string[] }>(
    `select i.fenced_at is not null as is_fenced,
            array(select u.request_id::text from usage_records u where u.request_id = any ($2)) as settled
       from gateway_incarnations i where i.id = $1`,
    [incarnationId, requestIds],
  );
  return { isFenced: rows[0]?.is_fenced ?? false, settled: new Set(rows[0]?.settled) };
}

/** Keeps a refused record for a person. Takes anything: the id, or a character that jsonb knows not, may be what was refused. */
export async function quarantine(
  db: ClientBase,
  incarnationId: string,
  { usage, attempts }: Rows,
  reason: unknown,
): Promise<void> {
  await db.query('select quarantine_record($1, $2, $3, $4, $5)', [
    incarnationId,
    isId(usage.request_id) ? usage.request_id : null,
    jsonbText({ usage, attempts }),
    String(reason).slice(0, 1_000),
    /^\d{1,18}$/.test(usage.rated_nano) ? usage.rated_nano : null,
  ]);
}

/**
 * The statement reached PostgreSQL and was refused for what it says: trying again is useless. Not class 42, which is about the
 * statement itself: after a bad deployment every record would be refused, and all revenue quarantined.
 */
export function isAboutData(error: unknown): boolean {
  const state = sqlState(error);
  return state !== null && /^(21|22|23|P0)/.test(state);
}

/** Deadlock, serialization: the same statement, at once. */
export function isTransient(error: unknown): boolean {
  return sqlState(error)?.startsWith('40') ?? false;
}

function sqlState(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && /^[0-9A-Z]{5}$/.test(error.code)
    ? error.code
    : null;
}
