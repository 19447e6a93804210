// How a gateway process leaves. On SIGTERM it takes nothing new, lets streams finish for two minutes, makes every charge durable,
// gives its leases back and exits 0. Fenced or unable to record a charge, it leaves at once: its journal says the rest.
import type { Server } from 'node:http';
import type { Log } from '../services/platform/log.ts';

const MOST_PATIENCE_MS = 120_000;
/** For the error events of the requests that a fenced gateway cuts off. */
const LAST_WORDS_MS = 250;

export class Drain {
  isDraining = false;
  readonly #log: Log;
  readonly #closers: (() => Promise<void>)[] = [];

  constructor(log: Log) {
    this.#log = log;
  }

  /** In the order of registration, once no request is in flight. */
  afterRequests(close: () => Promise<void>): void {
    this.#closers.push(close);
  }

  serveUntilAsked(server: Server): void {
    const leave = () => void this.#leave(server);
    process.on('SIGTERM', leave);
    process.on('SIGINT', leave);
    process.on('disconnect', leave); // the supervisor died: what it started must not outlive it
  }

  leaveAtOnce(exitCode: number): void {
    if (this.isDraining && exitCode === 0) return;
    this.isDraining = true;
    setTimeout(() => process.exit(exitCode), LAST_WORDS_MS);
  }

  async #leave(server: Server): Promise<void> {
    if (this.isDraining) return;
    this.isDraining = true;
    this.#log.info('draining');
    await closed(server);
    for (const close of this.#closers) await close();
    this.#log.info('drained');
    process.exit(0);
  }
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
    // Connections that become idle later: the client keeps them open, and close() would wait for it.
    const idle = setInterval(() => server.closeIdleConnections(), 100);
    const patience = setTimeout(() => server.closeAllConnections(), MOST_PATIENCE_MS);
    server.once('close', () => {
      clearInterval(idle);
      clearTimeout(patience);
    });
  });
}
