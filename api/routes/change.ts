// A change and everything that must be true with it, in one transaction: the effect, its one audit row, and what a
// repetition with the same Idempotency-Key will be told. A crash before the commit leaves nothing, one after it loses
// nothing: the repetition finds the answer.
import type { IncomingHttpHeaders } from 'node:http';
import type { Pool, PoolClient } from 'pg';
import { TollgateError } from '../../domain/errors.ts';
import { type AuditEntry, type Author, isWritten, type WrittenAudit, writeAudit } from '../../services/audit/audit.ts';
import {
  beginRequest,
  claimKey,
  firstRequest,
  forgetBegun,
  rememberRequest,
} from '../../services/idempotency/management-requests.ts';
import { inTransaction, type Queryable } from '../../services/platform/postgres.ts';
import type { Reply } from './reply.ts';

const REPEATABLE_KEY = /^[\x21-\x7e]{1,255}$/;

export interface ChangeRequest extends Author {
  /** Method and path, parameters filled in. */
  readonly route: string;
  readonly bodyDigest: Buffer;
  /** null: the client takes care of repetitions itself. */
  readonly idempotencyKey: string | null;
}

/** A POST may be repeated by its Idempotency-Key; another method says by If-Match what it is about. */
export function changeRequestOf(
  method: string,
  call: Author & {
    readonly path: string;
    readonly bodyDigest: Buffer;
    readonly headers: IncomingHttpHeaders;
  },
): ChangeRequest {
  const { actor, requestId, clientAddress, path, bodyDigest, headers } = call;
  return {
    ...{ actor, requestId, clientAddress, bodyDigest },
    route: `${method.toUpperCase()} ${path}`,
    idempotencyKey: method === 'post' ? idempotencyKeyIn(headers['idempotency-key']) : null,
  };
}

export interface Outcome<R> {
  readonly answer: R;
  /** What a repetition is told where it must not be told all of it again. */
  readonly repeatedAnswer?: R;
  /** As `set-cookie` has them: for this caller, so no repetition is told. */
  readonly cookies?: readonly string[];
  /** Written already, where the effect was committed before there was an answer. */
  readonly audit: AuditEntry | WrittenAudit;
}

export type Change<R> = (work: (tx: PoolClient) => Promise<Outcome<R>>) => Promise<Committed>;

/** Only `commit` makes one, so a handler that answers with it has committed and left its audit row. */
class CommittedReply {
  readonly #reply: Reply;

  constructor(reply: Reply) {
    this.#reply = reply;
  }

  get reply(): Reply {
    return this.#reply;
  }
}

export type Committed = CommittedReply;

export async function commit<R>(
  db: Pool,
  request: ChangeRequest,
  replyWith: (answer: R) => Reply,
  work: (tx: PoolClient) => Promise<Outcome<R>>,
): Promise<Committed> {
  const reply = await inTransaction(db, async (tx) => {
    await claim(tx, request);
    const earlier = await repeatedReply(tx, request);
    if (earlier !== null) return earlier;
    const { answer, repeatedAnswer = answer, cookies = [], audit } = await work(tx);
    if (!isWritten(audit)) await writeAudit(tx, request, audit);
    await remember(tx, request, replyWith(repeatedAnswer));
    const reply = replyWith(answer);
    return cookies.length === 0 ? reply : { ...reply, headers: { ...reply.headers, 'set-cookie': cookies } };
  });
  return new CommittedReply(reply);
}

async function claim(tx: PoolClient, { actor, idempotencyKey }: ChangeRequest): Promise<void> {
  if (idempotencyKey === null || (await claimKey(tx, { actor, idempotencyKey }))) return;
  throw inProgress();
}

/** For work that reaches beyond PostgreSQL before its change is committed: with one Idempotency-Key that happens once. */
export async function begunOnce<T>(db: Pool, request: ChangeRequest, work: () => Promise<T>): Promise<T> {
  const { actor, idempotencyKey } = request;
  if (idempotencyKey === null) return work();
  if (!(await beginRequest(db, { actor, idempotencyKey }, request))) throw inProgress();
  try {
    return await work();
  } catch (error) {
    await forgetBegun(db, { actor, idempotencyKey });
    throw error;
  }
}

function inProgress(): TollgateError {
  return new TollgateError('request_in_progress', {
    message: 'A request with this Idempotency-Key is running. Repeat this one in a second to get its answer.',
    retryAfterMs: 1_000,
  });
}

/** What the first request with this key was told, if it came to that in the last 24 hours. */
export async function repeatedReply(db: Queryable, request: ChangeRequest): Promise<Reply | null> {
  const { actor, idempotencyKey, route, bodyDigest } = request;
  const first = idempotencyKey === null ? null : await firstRequest(db, { actor, idempotencyKey });
  if (first === null) return null;
  if (first.route !== route || !first.bodyDigest.equals(bodyDigest)) {
    throw new TollgateError('idempotency_mismatch', {
      message: `This Idempotency-Key was used for another request (${first.route}). Use a new key for a new request, and the same body to repeat one.`,
    });
  }
  const { status, headers, text } = first.response;
  return { status, headers: { ...headers, 'idempotent-replayed': 'true' }, text };
}

async function remember(tx: PoolClient, request: ChangeRequest, response: Reply): Promise<void> {
  const { actor, idempotencyKey, route, bodyDigest } = request;
  if (idempotencyKey !== null) await rememberRequest(tx, { actor, idempotencyKey }, { route, bodyDigest, response });
}

function idempotencyKeyIn(header: string | string[] | undefined): string | null {
  if (header === undefined) return null;
  if (typeof header === 'string' && REPEATABLE_KEY.test(header)) return header;
  throw new TollgateError('invalid_value', {
    message: 'An Idempotency-Key has 1 to 255 printable ASCII characters without spaces; a UUID is a good one.',
    param: 'Idempotency-Key',
  });
}
