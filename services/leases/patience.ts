// How long a request waits for its credit (D16): a moment where PostgreSQL is silent, longer where it is only busy with others.
import { CALLER_PATIENCE_MS } from '../platform/postgres.ts';
import { type KeyLeases, serve, type Waiter } from './key-leases.ts';
import { silentLedger } from './refusals.ts';

/** Thousands of cold keys at once are served in turn; nobody waits longer than this for his. */
const MOST_QUEUEING_MS = 5_000;

export class Patience {
  #answeredAtMs = Number.NEGATIVE_INFINITY;

  /** A lease transaction of some key had its answer. */
  answered(): void {
    this.#answeredAtMs = performance.now();
  }

  watch(keyLeases: KeyLeases, waiter: Waiter, latestMs = performance.now() + MOST_QUEUEING_MS): void {
    setTimeout(() => {
      const nowMs = performance.now();
      const isBusy = nowMs - this.#answeredAtMs < CALLER_PATIENCE_MS;
      if (!keyLeases.waiters.includes(waiter)) return;
      if (isBusy && nowMs < latestMs) this.watch(keyLeases, waiter, latestMs);
      else giveUp(keyLeases, waiter);
    }, CALLER_PATIENCE_MS).unref();
  }
}

/** The lease transaction goes on: what it brings is there for the next request of this key. */
function giveUp(keyLeases: KeyLeases, waiter: Waiter): void {
  serve(keyLeases); // from what is in hand, as when the transaction fails
  const at = keyLeases.waiters.indexOf(waiter);
  if (at < 0) return;
  keyLeases.waiters.splice(at, 1);
  waiter.reject(silentLedger(null));
}
