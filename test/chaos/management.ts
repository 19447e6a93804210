// The management API as a campaign's operator uses it: whatever dies in the middle, a POST is repeated until it was done once.
import { randomUUID } from 'node:crypto';

const TRIES = 100;
const PAUSE_MS = 300;

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
        `${this.#baseUrls[tries % this.#baseUrls.length]}/api/v1${path}`,
        body,
        idempotencyKey,
      );
      if (outcome.status >= 200 && outcome.status < 300) return JSON.parse(outcome.text) as Answer;
      const mayHeal = outcome.status === 0 || outcome.status === 409 || outcome.status >= 500;
      if (!mayHeal || tries === TRIES) throw new Error(`POST ${path}: ${outcome.status} ${outcome.text}`);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  async #try(url: string, body: object, idempotencyKey: string): Promise<{ status: number; text: string }> {
    const headers = {
      authorization: `Bearer ${this.#adminToken}`,
      'content-type': 'application/json',
      'idempotency-key': idempotencyKey,
    };
    try {
      const signal = AbortSignal.timeout(10_000);
      const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body), signal });
      return { status: answer.status, text: await answer.text() };
    } catch (error) {
      return { status: 0, text: error instanceof Error ? error.message : String(error) };
    }
  }
}
