// The answers of management requests that came with an Idempotency-Key, kept 24 hours: a repetition is told what the first
// request was told. They are written in the transaction of the change, so there is no answer without its effect.
import type { PoolClient } from 'pg';
import type { Queryable } from '../platform/postgres.ts';

export interface KeyOfActor {
  readonly actor: string;
  readonly idempotencyKey: string;
}

export interface FirstRequest {
  /** Method and path, parameters filled in. */
  readonly route: string;
  readonly bodyDigest: Buffer;
  readonly response: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string | readonly string[]>>;
    readonly text: string;
  };
}

/**
 * False while another request with this key runs. The lock ends with the transaction, so nothing of a crashed request stands
 * in the way of its repetition.
 */
export async function claimKey(tx: PoolClient, { actor, idempotencyKey }: KeyOfActor): Promise<boolean> {
  const { rows } = await tx.query<{ claimed: boolean }>(
    'select pg_try_advisory_xact_lock(hashtextextended($1, 0)) as claimed',
    [`management idempotency ${actor} ${idempotencyKey}`],
  );
  return rows[0]?.claimed === true;
}

/** Null: no request with this key came to an answer in the last 24 hours. */
export async function firstRequest(db: Queryable, { actor, idempotencyKey }: KeyOfActor): Promise<FirstRequest | null> {
  const { rows } = await db.query<FirstRequest>(
    `select route, body_digest as "bodyDigest", response
       from management_idempotency
      where actor = $1 and key = $2 and response is not null and created_at > clock_timestamp() - interval '24 hours'`,
    [actor, idempotencyKey],
  );
  return rows[0] ?? null;
}

// Longer than any call that is made outside a transaction takes: what is older has died with its process.
const LONGEST_CALL = `interval '60 seconds'`;

/**
 * The same for a request whose effect no transaction takes back, such as a call that a provider bills: committed before the
 * effect. False: another request has the key, running or answered.
 */
export async function beginRequest(
  db: Queryable,
  { actor, idempotencyKey }: KeyOfActor,
  { route, bodyDigest }: Pick<FirstRequest, 'route' | 'bodyDigest'>,
): Promise<boolean> {
  const { rowCount } = await db.query(
    `insert into management_idempotency as m (actor, key, route, body_digest) values ($1, $2, $3, $4)
     on conflict (actor, key) do update
       set route = excluded.route, body_digest = excluded.body_digest, status = null, response = null,
           created_at = excluded.created_at
     where m.created_at < clock_timestamp() - case when m.response is null then ${LONGEST_CALL} else interval '24 hours' end`,
    [actor, idempotencyKey, route, bodyDigest],
  );
  return rowCount === 1;
}

/** It came to nothing that a repetition could be told. */
export async function forgetBegun(db: Queryable, { actor, idempotencyKey }: KeyOfActor): Promise<void> {
  await db.query('delete from management_idempotency where actor = $1 and key = $2 and response is null', [
    actor,
    idempotencyKey,
  ]);
}

export async function rememberRequest(
  tx: PoolClient,
  { actor, idempotencyKey }: KeyOfActor,
  { route, bodyDigest, response }: FirstRequest,
): Promise<void> {
  await tx.query(
    `insert into management_idempotency (actor, key, route, body_digest, status, response) values ($1, $2, $3, $4, $5, $6)
     on conflict (actor, key) do update
       set route = excluded.route, body_digest = excluded.body_digest, status = excluded.status, response = excluded.response,
           created_at = excluded.created_at`,
    [actor, idempotencyKey, route, bodyDigest, response.status, JSON.stringify(response)],
  );
}

export async function forgetOldAnswers(db: Queryable): Promise<void> {
  await db.query(`delete from management_idempotency where created_at < clock_timestamp() - interval '24 hours'`);
}
