// Each gateway says in its row by which version of the routing table it works, and by which the oldest of its open attempts does: a key is given up
// at its provider only when no live gateway can still send it. What could not be said is said again (D138).
import type { Pool } from 'pg';
import type { Queryable } from '../platform/postgres.ts';

const LOOK_EVERY_MS = 1_000;

export interface RoutingStanding {
  readonly loaded: number;
  readonly inUse: number;
}

export class RoutingAcknowledgements {
  readonly #db: Pool;
  readonly #incarnationId: string;
  readonly #standing: () => RoutingStanding;
  readonly #timer: NodeJS.Timeout;
  #said: RoutingStanding = { loaded: 0, inUse: 0 };
  #isSaying = false;

  constructor(db: Pool, incarnationId: string, standing: () => RoutingStanding) {
    this.#db = db;
    this.#incarnationId = incarnationId;
    this.#standing = standing;
    this.#timer = setInterval(() => void this.#say(), LOOK_EVERY_MS);
    this.#timer.unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #say(): Promise<void> {
    const { loaded, inUse } = this.#standing();
    if (this.#isSaying || (loaded === this.#said.loaded && inUse === this.#said.inUse)) return;
    this.#isSaying = true;
    try {
      await this.#db.query('select acknowledge_routing($1, $2, $3)', [this.#incarnationId, loaded, inUse]);
      this.#said = { loaded, inUse };
    } catch {
      // PostgreSQL is away: the next look says it
    } finally {
      this.#isSaying = false;
    }
  }
}

/** Of all that may still send something. One that died counts until it is fenced: nobody knows before what it does. */
export async function gatewaysFollow(
  db: Queryable,
  version: number,
): Promise<{ readonly isLoaded: boolean; readonly isDrained: boolean }> {
  const { rows } = await db.query<{ isLoaded: boolean; isDrained: boolean }>(
    `select coalesce(bool_and(routing_loaded >= $1), true) as "isLoaded", coalesce(bool_and(routing_in_use >= $1), true) as "isDrained"
       from gateway_incarnations where fenced_at is null and closed_at is null`,
    [version],
  );
  return rows[0] ?? { isLoaded: false, isDrained: false };
}
