// One run of a gateway process, as PostgreSQL knows it. It is renewed every 5 s; it admits only within 60 s after the SENDING
// of its last confirmed renewal, and others may fence it after 90 s. Between the two lies the time in which a paused
// gateway could still believe in itself. Its clock is PostgreSQL's: the wall clock never touches money.
import type { Pool } from 'pg';
import { pidSpace, processStartedAt } from './process-identity.ts';

const RENEW_EVERY_MS = 5_000;
const MAY_ADMIT_FOR_MS = 60_000;
/** SQLSTATE that migrations/0003 raises for a fenced incarnation. */
const FENCED = 'TG001';

export function isFencedError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === FENCED;
}

export class Incarnation {
  readonly id: string;
  fenced = false;
  readonly #db: Pool;
  readonly #onFenced: () => void;
  #confirmedAtMs = Number.NEGATIVE_INFINITY;
  #databaseTimeMs = 0;
  #databaseTimeReadAtMs = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(db: Pool, id: string, onFenced: () => void) {
    this.#db = db;
    this.id = id;
    this.#onFenced = onFenced;
  }

  /** Writes the row and begins to renew it. Rejects when PostgreSQL cannot be reached; may be called again. */
  async begin(journalPath: string): Promise<void> {
    await this.#db.query(
      `insert into gateway_incarnations (id, host, pid, process_started, journal_path) values ($1, $2, $3, $4, $5)
       on conflict (id) do nothing`,
      [this.id, pidSpace(), process.pid, processStartedAt(process.pid) ?? '', journalPath],
    );
    await this.#renew();
    this.#timer = setInterval(() => void this.#renew().catch(() => {}), RENEW_EVERY_MS); // silence shows in mayAdmit
    this.#timer.unref();
  }

  /** Checked at every admission, not by a timer: a process that was stopped for minutes must not admit when it wakes. */
  mayAdmit(): boolean {
    return !this.fenced && performance.now() - this.#confirmedAtMs < MAY_ADMIT_FOR_MS;
  }

  /** Milliseconds since the epoch by PostgreSQL's clock. */
  timeMs(): number {
    return this.#databaseTimeMs + (performance.now() - this.#databaseTimeReadAtMs);
  }

  /** Some statement was refused because this incarnation is fenced. */
  wasFenced(): void {
    if (this.fenced) return;
    this.fenced = true;
    this.stop();
    this.#onFenced();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  async #renew(): Promise<void> {
    const sentAtMs = performance.now();
    try {
      const { rows } = await this.#db.query<{ now_ms: string }>(
        `select (extract(epoch from renew_incarnation($1)) * 1000)::bigint as now_ms`,
        [this.id],
      );
      this.#databaseTimeMs = Number(rows[0]?.now_ms);
      this.#databaseTimeReadAtMs = performance.now();
      this.#confirmedAtMs = sentAtMs;
    } catch (error) {
      if (isFencedError(error)) this.wasFenced();
      throw error;
    }
  }
}
