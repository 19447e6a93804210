// Idempotency-Key on inference requests, opt-in: who sends none never pays for it. The key is written before the first attempt
// and kept 24 h. No answer is stored: a repeat after a charge is told the first request's id and charged nothing.
import { createHmac } from 'node:crypto';
import type { Pool } from 'pg';
import { TollgateError } from '../../domain/errors.ts';

const LONGEST_KEY = 255;

export interface IdempotentRequest {
  readonly apiKeyId: string;
  readonly key: string;
  readonly body: Buffer;
  readonly requestId: string;
}

interface FirstUse {
  request_id: string;
  same_body: boolean;
  settled: boolean;
  charged: boolean;
  journal_known: boolean;
}

export class IdempotencyStore {
  readonly #db: Pool;
  readonly #incarnationId: string;

  constructor(db: Pool, incarnationId: string) {
    this.#db = db;
    this.#incarnationId = incarnationId;
  }

  /** @throws TollgateError invalid_value, idempotency_mismatch, already_charged, request_in_progress, service_unavailable */
  async claim(request: IdempotentRequest): Promise<void> {
    if (request.key.length > LONGEST_KEY || !/^[\x21-\x7e]+$/.test(request.key)) {
      throw new TollgateError('invalid_value', {
        message: `Idempotency-Key must be 1 to ${LONGEST_KEY} printable ASCII characters without spaces.`,
        param: 'Idempotency-Key',
      });
    }
    // Keyed with the API key: equal bodies of two customers must not look alike in the table.
    const bodyHmac = createHmac('sha256', request.apiKeyId).update(request.body).digest();
    try {
      await this.#claim(request, bodyHmac);
    } catch (error) {
      throw error instanceof TollgateError ? error : unknown(error);
    }
  }

  async #claim(request: IdempotentRequest, bodyHmac: Buffer): Promise<void> {
    for (let tries = 0; tries < 3; tries += 1) {
      if (await this.#insert(request, bodyHmac)) return;
      const first = await this.#firstUse(request, bodyHmac);
      if (first === null) continue; // it was removed in between
      refuseRepeat(first);
      await this.#forget(request, first.request_id); // it charged nothing: this one runs
    }
    throw inProgress();
  }

  async #insert(request: IdempotentRequest, bodyHmac: Buffer): Promise<boolean> {
    const { rowCount } = await this.#db.query(
      `insert into idempotency_keys (api_key_id, key, body_hmac, request_id, incarnation_id)
       values ($1, $2, $3, $4, $5) on conflict do nothing`,
      [request.apiKeyId, request.key, bodyHmac, request.requestId, this.#incarnationId],
    );
    return rowCount === 1;
  }

  async #firstUse(request: IdempotentRequest, bodyHmac: Buffer): Promise<FirstUse | null> {
    const { rows } = await this.#db.query<FirstUse>(
      `select k.request_id, k.body_hmac = $3 as same_body, u.request_id is not null as settled,
              coalesce(u.charge_nano, 0) > 0 as charged, i.journal_known_at is not null as journal_known
         from idempotency_keys k
         join gateway_incarnations i on i.id = k.incarnation_id
         left join usage_records u on u.request_id = k.request_id
        where k.api_key_id = $1 and k.key = $2`,
      [request.apiKeyId, request.key, bodyHmac],
    );
    return rows[0] ?? null;
  }

  /** The first use charged nothing: its place is free again. */
  async #forget(request: IdempotentRequest, requestId: string): Promise<void> {
    await this.#db.query('delete from idempotency_keys where api_key_id = $1 and key = $2 and request_id = $3', [
      request.apiKeyId,
      request.key,
      requestId,
    ]);
  }
}

function refuseRepeat(first: FirstUse): void {
  if (!first.same_body) {
    throw new TollgateError('idempotency_mismatch', {
      message: `This Idempotency-Key was used for another body (request ${first.request_id}). Use a new key for a new request.`,
      firstRequestId: first.request_id,
    });
  }
  if (first.charged) {
    throw new TollgateError('already_charged', {
      message: `The request with this Idempotency-Key was answered and charged as ${first.request_id}; nothing is charged now and no answer is stored. GET /v1/requests/${first.request_id} is its receipt.`,
      firstRequestId: first.request_id,
    });
  }
  // Not settled, and its gateway runs or has left a journal that nobody has read: it may still be charged.
  if (!first.settled && !first.journal_known) throw inProgress(first.request_id);
}

function inProgress(firstRequestId?: string): TollgateError {
  return new TollgateError('request_in_progress', {
    message: `A request with this Idempotency-Key is still running${firstRequestId === undefined ? '' : ` (${firstRequestId})`}. Wait for it.`,
    retryAfterMs: 2_000,
    ...(firstRequestId === undefined ? {} : { firstRequestId }),
  });
}

function unknown(cause: unknown): TollgateError {
  return new TollgateError('service_unavailable', {
    message:
      'The database did not answer, so whether this Idempotency-Key was used before is not known. Nothing was sent or charged; try again in a second.',
    retryAfterMs: 1_000,
    cause,
  });
}

/** A repetition after a day is a request of its own. */
export async function forgetOldUses(db: Pool): Promise<void> {
  await db.query(`delete from idempotency_keys where created_at < clock_timestamp() - interval '24 hours'`);
}
