// Receipts say whether the end of an answer was sent. Settlement comes before that end, so the rare end that then found no
// client is noted afterwards, in batches; a gateway killed in between leaves no note, and the receipt says 'unknown'.
import type { Pool } from 'pg';

const WRITE_EVERY_MS = 1_000;

export class UnsentEnds {
  readonly #db: Pool;
  readonly #timer: NodeJS.Timeout;
  #requestIds: string[] = [];

  constructor(db: Pool) {
    this.#db = db;
    this.#timer = setInterval(() => void this.#write(), WRITE_EVERY_MS);
    this.#timer.unref();
  }

  add(requestId: string): void {
    this.#requestIds.push(requestId);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#write();
  }

  async #write(): Promise<void> {
    const requestIds = this.#requestIds;
    if (requestIds.length === 0) return;
    this.#requestIds = [];
    try {
      await this.#db.query('insert into unsent_ends (request_id) select unnest($1::uuid[]) on conflict do nothing', [
        requestIds,
      ]);
    } catch {
      this.#requestIds = requestIds.concat(this.#requestIds).slice(-100_000); // PostgreSQL is away: kept for the next second
    }
  }
}
