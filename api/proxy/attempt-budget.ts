// How often one request may be sent upstream, by all gateways that it passes together: where a channel leads to another gateway
// of ours, retries would multiply instead of adding up, and a channel that leads back to its own gateway would never end
// (gateways.md T42). Each attempt says how many may follow it further down; each refusal says how many there were.
import type { IncomingHttpHeaders } from 'node:http';

export const LEFT_HEADER = 'x-tollgate-attempts-left';
export const SPENT_HEADER = 'x-tollgate-channel-attempts';

const MOST_ATTEMPTS = 4;
/** No further attempt begins after this; one that runs goes on under its own clocks, which count from the request (T45). */
const RETRY_WINDOW_MS = 30_000;

export class AttemptBudget {
  readonly #most: number;
  #spent = 0;

  /** Whoever sends the header can only lower the budget of its own request. */
  constructor(headers: IncomingHttpHeaders) {
    this.#most = countIn(headers[LEFT_HEADER]) ?? MOST_ATTEMPTS;
  }

  get spent(): number {
    return this.#spent;
  }

  /** What an attempt that begins now leaves for gateways below. */
  spend(): number {
    this.#spent += 1;
    return Math.max(this.#most - this.#spent, 0);
  }

  /** What the answer of an attempt says of gateways below. */
  spentBelow(header: string | undefined): void {
    this.#spent += countIn(header) ?? 0;
  }

  allowsAnother(elapsedMs: number): boolean {
    return this.#spent < this.#most && elapsedMs < RETRY_WINDOW_MS;
  }

  /** The gateways above have left nothing. */
  get isUsedUpBefore(): boolean {
    return this.#most === 0;
  }
}

/** null: nothing that could be believed. */
function countIn(header: string | string[] | undefined): number | null {
  return typeof header === 'string' && /^\d{1,2}$/.test(header) ? Math.min(Number(header), MOST_ATTEMPTS) : null;
}
