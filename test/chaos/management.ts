// The management API as a campaign's operator uses it: whatever dies in the middle, a POST is repeated until it was done once.
import { randomUUID } from 'node:crypto';

const TRIES = 100;
const PAUSE_MS = 300;
/** Tries, some seconds. */
const ASKS_ANEW_AFTER = 15;
const UNDER_WAY = 'urn:tollgate:error:request_in_progress';

export interface Reply<Answer> {
  readonly status: number;
  readonly body: Answer;
  readonly etag: string | null;
}

interface Wanted {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body: object | null;
  readonly headers: Readonly<Record<string, string>>;
}

interface Outcome {
  readonly status: number;
  readonly text: string;
  readonly etag: string | null;
}

export class Management {
  readonly #baseUrls: readonly string[];
  readonly #adminToken: string;

  constructor(baseUrls: readonly string[], adminToken: string) {
    this.#baseUrls = baseUrls;
    this.#adminToken = adminToken;
  }

  /** One idempotency key for all tries: whatever dies meanwhile, it is done once. */
  async post<Answer>(path: string, body: object): Promise<Answer> {
    const idempotencyKey = randomUUID();
    for (let tries = 1; ; tries += 1) {
      const outcome = await this.#try(
        { method: 'POST', path, body, headers: { 'idempotency-key': idempotencyKey } },
        tries,
      );
      if (outcome.status >= 200 && outcome.status < 300) return JSON.parse(outcome.text) as Answer;
      const mayHeal = outcome.status === 0 || outcome.status === 409 || outcome.status >= 500;
      if (!mayHeal || tries === TRIES) throw new Error(`POST ${path}: ${outcome.status} ${outcome.text}`);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  /**
   * What came of it, also that it was refused, once somebody has answered. Whoever is told for seconds that his first request is still under
   * way, as of one whose gateway has died, asks anew.
   */
  async ask<Answer>(
    method: 'GET' | 'POST',
    path: string,
    body: object | null = null,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Reply<Answer>> {
    let idempotencyKey = randomUUID();
    for (let tries = 1; ; tries += 1) {
      if (tries % ASKS_ANEW_AFTER === 0) idempotencyKey = randomUUID();
      const own: Record<string, string> = method === 'GET' ? {} : { 'idempotency-key': idempotencyKey };
      const { status, text, etag } = await this.#try({ method, path, body, headers: { ...headers, ...own } }, tries);
      const mayHeal = status === 0 || status === 429 || status >= 500 || text.includes(UNDER_WAY);
      if (!mayHeal) return { status, body: JSON.parse(text) as Answer, etag };
      if (tries === TRIES) throw new Error(`${method} ${path}: ${status} ${text}`);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  async #try({ method, path, body, headers: more }: Wanted, tries: number): Promise<Outcome> {
    const headers = { authorization: `Bearer ${this.#adminToken}`, 'content-type': 'application/json', ...more };
    try {
      const signal = AbortSignal.timeout(10_000);
      const url = `${this.#baseUrls[tries % this.#baseUrls.length]}/api/v1${path}`;
      const answer = await fetch(url, { method, headers, body: body && JSON.stringify(body), signal });
      return { status: answer.status, text: await answer.text(), etag: answer.headers.get('etag') };
    } catch (error) {
      return { status: 0, text: error instanceof Error ? error.message : String(error), etag: null };
    }
  }
}
