// How a gateway process leaves. Asked once, it takes nothing new, lets every request end for two minutes, also those whose client
// has left, makes every charge durable, gives its leases back and exits 0. Asked again, it stops what is open (D15).
// Fenced or unable to record a charge, it leaves at once: its journal says the rest.
import type { Server } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import type { Log } from '../services/platform/log.ts';
import { isRepeated } from './repeated-signal.ts';

const MOST_PATIENCE_MS = 120_000;
const LOOK_EVERY_MS = 100;
/** For the error events of the requests that a fenced gateway cuts off. */
const LAST_WORDS_MS = 250;
/** From the stop of the last requests: until their connections are closed, and until nobody waits for them any more. */
const HANG_UP_AFTER_MS = 1_000;
const GIVE_UP_AFTER_MS = 3_000;
/** What is not closed by then is given back by the recovery of this incarnation; who started us waits 130 s in all. */
const MOST_CLOSING_MS = 5_000;

/** What a drain waits for, and can end. */
export interface OpenRequests {
  /** From the first byte to the charge, whether or not a client still listens. */
  readonly count: number;
  /** Each ends with what was delivered. */
  stop(): void;
}

export class Drain {
  isDraining = false;
  readonly #log: Log;
  readonly #closers: (() => Promise<void>)[] = [];
  #askedAtMs = 0;
  #patienceUntilMs = 0;

  constructor(log: Log) {
    this.#log = log;
  }

  /** In the order of registration, once no request is in flight. */
  afterRequests(close: () => Promise<void>): void {
    this.#closers.push(close);
  }

  serveUntilAsked(server: Server, requests: OpenRequests): void {
    const asked = () => (this.isDraining ? this.#askedAgain() : void this.#leave(server, requests));
    process.on('SIGTERM', asked);
    process.on('SIGINT', asked);
    // The supervisor died: what it started must not outlive it, and need not hurry either.
    process.on('disconnect', () => void (this.isDraining || this.#leave(server, requests)));
  }

  leaveAtOnce(exitCode: number): void {
    this.isDraining = true;
    setTimeout(() => process.exit(exitCode), LAST_WORDS_MS);
  }

  #askedAgain(): void {
    if (this.#patienceUntilMs === 0 || !isRepeated(this.#askedAtMs, performance.now())) return;
    this.#log.warn('draining_cut_short');
    this.#patienceUntilMs = 0;
  }

  async #leave(server: Server, requests: OpenRequests): Promise<void> {
    this.isDraining = true;
    this.#askedAtMs = performance.now();
    this.#patienceUntilMs = this.#askedAtMs + MOST_PATIENCE_MS;
    this.#log.info('draining');
    await this.#requestsOver(server, requests);
    await Promise.race([this.#closed(), wait(MOST_CLOSING_MS)]);
    this.#log.info('drained');
    process.exit(0);
  }

  async #requestsOver(server: Server, requests: OpenRequests): Promise<void> {
    let isClosed = false;
    server.close(() => {
      isClosed = true;
    });
    let stoppedAtMs: number | null = null;
    while (!isClosed || requests.count > 0) {
      // Also those that become idle later: the client keeps them open, and close() would wait for it.
      server.closeIdleConnections();
      const nowMs = performance.now();
      if (nowMs >= this.#patienceUntilMs) {
        stoppedAtMs ??= nowMs;
        requests.stop();
        if (nowMs - stoppedAtMs > HANG_UP_AFTER_MS) server.closeAllConnections();
        if (nowMs - stoppedAtMs > GIVE_UP_AFTER_MS) return;
      }
      await wait(LOOK_EVERY_MS);
    }
  }

  async #closed(): Promise<void> {
    for (const close of this.#closers) await close();
  }
}
