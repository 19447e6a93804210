// The settlement statement, and what its failures mean.
import type { ClientBase } from 'pg';
import type { AttemptRow, UsageRow } from './settlement-rows.ts';

interface Rows {
  readonly usage: UsageRow;
  readonly attempts: readonly AttemptRow[];
}

/**
 * Settles a batch in one statement and one commit; rows that are known already change nothing.
 * `replay`: for a fenced incarnation (the owner may not any more, others may not before).
 * Returns the ids of known requests that came with another charge. Rows travel as JSON: the gateway.s core is
 * dearer than PostgreSQL's, and one JSON.stringify is cheaper there than 17 array parameters.
 */
export async function settleBatch(
  db: ClientBase,
  incarnationId: string,
  replay: boolean,
  batch: readonly Rows[],
): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>({
    name: 'settle-batch',
    text: `select settled_request_id as id from settle_batch($1, $2, $3, $4) where result = 'conflict'`,
    values: [
      incarnationId,
      replay,
      JSON.stringify(batch.map(({ usage }) => usage)),
      JSON.stringify(batch.flatMap(({ attempts }) => attempts)),
    ],
  });
  return rows.map(({ id }) => id);
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Keeps a refused record for a person. Takes anything: jsonb knows no U+0000, and the id may be what was refused. */
export async function quarantine(
  db: ClientBase,
  incarnationId: string,
  { usage, attempts }: Rows,
  reason: unknown,
): Promise<void> {
  await db.query('select quarantine_record($1, $2, $3, $4, $5)', [
    incarnationId,
    UUID.test(usage.request_id) ? usage.request_id : null,
    JSON.stringify({ usage, attempts }).replaceAll('\\u0000', ''),
    String(reason).slice(0, 1_000),
    /^\d{1,18}$/.test(usage.rated_nano) ? usage.rated_nano : null,
  ]);
}

/** The statement reached PostgreSQL and was refused for what it says: trying again is useless. */
export function isAboutData(error: unknown): boolean {
  const state = sqlState(error);
  return state !== null && /^(22|23|42|P0)/.test(state);
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
