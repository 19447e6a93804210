// One run of a gateway process, as PostgreSQL knows it. It is renewed every 5 s; it admits only within 60 s after the SENDING
// of its last confirmed renewal, and others may fence it after 90 s. Between the two lies the time in which a paused
// gateway could still believe in itself. Its clocks are PostgreSQL's: the wall clock never touches money.
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
  #billingAheadMs = 0;
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
    this.#timer = setInterval(() => this.renewNow(), RENEW_EVERY_MS);
    this.#timer.unref();
  }

  /** Does not wait. Also when the clock of billing was moved: it is read with each renewal. */
  renewNow(): void {
    void this.#renew().catch(() => {}); // silence shows in mayAdmit
  }

  /** Checked at every admission, not by a timer: a process that was stopped for minutes must not admit when it wakes. */
  mayAdmit(): boolean {
    return !this.fenced && performance.now() - this.#confirmedAtMs < MAY_ADMIT_FOR_MS;
  }

  /** Milliseconds since the epoch by the clock of billing, which can be moved ahead: for all that is about money. */
  timeMs(): number {
    return this.realTimeMs() + this.#billingAheadMs;
  }

  /** By PostgreSQL's own clock, which gateways share and nobody moves: for rates, upstreams and what clients compare with theirs. */
  realTimeMs(): number {
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
      const { rows } = await this.#db.query<{ real_ms: string; ahead_ms: string }>(
        `select (extract(epoch from real_time) * 1000)::bigint as real_ms, (extract(epoch from clock_ahead) * 1000)::bigint as ahead_ms
           from renew_incarnation($1)`,
        [this.id],
      );
      this.#databaseTimeMs = Number(rows[0]?.real_ms);
      // Two renewals may be answered in the other order, and this clock only goes forward.
      this.#billingAheadMs = Math.max(this.#billingAheadMs, Number(rows[0]?.ahead_ms));
      this.#databaseTimeReadAtMs = performance.now();
      this.#confirmedAtMs = sentAtMs;
    } catch (error) {
      if (isFencedError(error)) this.wasFenced();
      throw error;
    }
  }
}
