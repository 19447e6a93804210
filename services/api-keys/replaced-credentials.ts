// When credentials that were replaced are still used, and from where: whoever holds one is reminded by it before it ends. Kept in memory and written
// at most once a minute for each, by each gateway: a rotation costs the hot path a look at a map (D131).
import { isIP } from 'node:net';
import type { Pool } from 'pg';
import type { Log } from '../platform/log.ts';

const WRITE_EVERY_MS = 60_000;
const FIRST_AFTER_MS = 1_000;

export class ReplacedCredentials {
  readonly #db: Pool;
  readonly #log: Pick<Log, 'warn'>;
  /** Rotation -> address, of what was not written yet; null: nobody could say from where. */
  readonly #used = new Map<string, string | null>();
  #timer: NodeJS.Timeout | null = null;
  #writtenAtMs = Number.NEGATIVE_INFINITY;

  constructor(db: Pool, log: Pick<Log, 'warn'>) {
    this.#db = db;
    this.#log = log;
  }

  used(rotationId: string, address: string): void {
    // A zone, as in fe80::1%eth0, PostgreSQL does not read.
    this.#used.set(rotationId, isIP(address) === 0 || address.includes('%') ? null : address);
    if (this.#timer !== null) return;
    const sinceMs = performance.now() - this.#writtenAtMs;
    const waitMs = Math.max(FIRST_AFTER_MS, WRITE_EVERY_MS - sinceMs);
    this.#timer = setTimeout(() => void this.#write(), waitMs).unref();
  }

  async close(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#write();
  }

  async #write(): Promise<void> {
    this.#timer = null;
    this.#writtenAtMs = performance.now();
    const used = [...this.#used];
    this.#used.clear();
    if (used.length === 0) return;
    try {
      await this.#db.query(
        // In one order, whichever gateway writes: two that wait for each other would both be late.
        `with held as (
           select r.id, u.address from api_key_rotations r join unnest($1::uuid[], $2::text[]) u (id, address) on r.id = u.id
            where r.ended_at is null order by r.id for no key update of r)
         update api_key_rotations r set used_at = billing_now(), used_from = held.address::inet from held where r.id = held.id`,
        [used.map(([id]) => id), used.map(([, address]) => address)],
      );
    } catch (error) {
      // Whoever uses it goes on doing so, and is written down then.
      this.#log.warn({ err: error, rotations: used.length }, 'replaced_credentials_unwritten');
    }
  }
}
