// Connections to PostgreSQL. A query never waits longer than its pool was told to, whether the server refuses or is silent.
// Whole numbers of 8 bytes stay strings, as pg delivers them: money becomes Nano where it is read, and nowhere a float.
import { createHash } from 'node:crypto';
import { Client, Pool, type PoolClient } from 'pg';

export interface PoolSettings {
  /** Seen in pg_stat_activity. */
  readonly name: string;
  readonly maxConnections: number;
  readonly statementTimeoutMs: number;
}

export type Queryable = Pick<Pool, 'query'> | Pick<PoolClient, 'query'>;

// The server cancels at the statement timeout; this much later it is held to be gone and its connection is dropped.
const SILENCE_MS = 250;
/** Also how long a query waits for a connection of a pool whose are all busy. */
const CONNECT_TIMEOUT_MS = 2_000;

/**
 * A caller hears 503 after this, within the second that T13 grants; the statement goes on for as long as its pool allows, and what it
 * brings serves the next one (D16).
 */
export const CALLER_PATIENCE_MS = 850;

export function createPool(url: string, settings: PoolSettings): Pool {
  const pool = new Pool({
    Client: PreparingClient,
    connectionString: url,
    application_name: settings.name,
    max: settings.maxConnections,
    options: '-c timezone=UTC',
    statement_timeout: settings.statementTimeoutMs,
    query_timeout: settings.statementTimeoutMs + SILENCE_MS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
  });
  // Without a listener the loss of an idle connection ends the process. The pool has dropped it; the next query says more.
  pool.on('error', () => {});
  // The same for one that is checked out and between two queries: its next query rejects (found by a chaos campaign).
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}

/** Has each statement with parameters parsed and planned once per connection, not each time (D99). */
class PreparingClient extends Client {
  override query = ((asked: unknown, values?: unknown, callback?: unknown) => {
    const query: (...rest: unknown[]) => unknown = super.query;
    if (typeof asked !== 'string' || !Array.isArray(values)) return query.call(this, asked, values, callback);
    return query.call(this, { name: statementName(asked), text: asked, values }, callback);
  }) as Client['query'];
}

const statementNames = new Map<string, string>();

function statementName(text: string): string {
  const known = statementNames.get(text);
  if (known !== undefined) return known;
  const name = createHash('sha256').update(text).digest('base64url');
  statementNames.set(text, name);
  return name;
}

/** Commits what `work` did, or nothing of it. An error while committing leaves the outcome unknown: the caller must ask. */
export async function inTransaction<T>(pool: Pool, work: (tx: PoolClient) => Promise<T>): Promise<T> {
  const tx = await pool.connect();
  try {
    await tx.query('begin');
    const result = await work(tx);
    const { command } = await tx.query('commit');
    // PostgreSQL answers ROLLBACK, not an error, when a statement had failed and `work` swallowed that.
    if (command !== 'COMMIT') throw new Error('rolled back: a statement of this transaction had failed');
    tx.release();
    return result;
  } catch (error) {
    // Not awaited: on a silent server the caller would wait for a second timeout.
    void tx.query('rollback').then(
      () => tx.release(isOfAnotherSchema(error)),
      () => tx.release(true),
    );
    throw error;
  }
}

/** A migration has changed what a statement answers with since this connection prepared it: another connection has it right. */
function isOfAnotherSchema(error: unknown): boolean {
  return Object(error).code === '0A000';
}

/** While nobody else is at what has this name; PostgreSQL lets go of it when our process dies. Null: somebody else is at it. */
export async function alone<T>(pool: Pool, name: string, work: (client: PoolClient) => Promise<T>): Promise<T | null> {
  const client = await pool.connect();
  let isOutdated = false;
  try {
    const { rows } = await client.query<{ locked: boolean }>(
      'select pg_try_advisory_lock(hashtextextended($1, 0)) as locked',
      [name],
    );
    if (rows[0]?.locked !== true) return null;
    try {
      return await work(client);
    } finally {
      await client.query('select pg_advisory_unlock(hashtextextended($1, 0))', [name]);
    }
  } catch (error) {
    isOutdated = isOfAnotherSchema(error);
    throw error;
  } finally {
    client.release(isOutdated);
  }
}

/** SQL: the clock of billing at this very moment, as a number. */
export const MOMENT_MS = 'floor(extract(epoch from billing_moment()) * 1000)::float8';

/** JSON that jsonb takes: it knows neither U+0000 nor half a surrogate pair, and one of either would fail the whole statement. */
export function jsonbText(value: unknown): string {
  return JSON.stringify(value, (_name, part: unknown) =>
    typeof part === 'string' ? part.replaceAll('\0', '').toWellFormed() : part,
  );
}

/**
 * Stops waiting, not the statement: its answer comes later and for nobody, unless somebody else waits for it too.
 * @throws Error when there is no answer within the time. One that has arrived and was not read yet counts as given: in a process
 * that was stopped the timer runs first, and only then are the sockets read.
 */
export async function within<T>(timeoutMs: number, answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_, reject) => {
    const giveUp = () => reject(new Error(`PostgreSQL did not answer within ${timeoutMs} ms`));
    timer = setTimeout(() => setImmediate(giveUp), timeoutMs);
  });
  try {
    return await Promise.race([answer, silence]);
  } finally {
    clearTimeout(timer);
    answer.catch(() => {}); // when it lost the race, it may reject for nobody
  }
}
