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
    readonly headers: Readonly<Record<string, string>>;
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
      where actor = $1 and key = $2 and created_at > clock_timestamp() - interval '24 hours'`,
    [actor, idempotencyKey],
  );
  return rows[0] ?? null;
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
