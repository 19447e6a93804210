// The routing table of this process: swapped whole when something in it changed. A table that cannot be read leaves the last
// one in force (a bad table must never stop the traffic).
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { loadRoutingTable, type RoutingTable } from '../services/channels/routing-table.ts';
import type { Vault } from '../services/vault/vault.ts';

/** Changes come in bursts (a channel with its keys and models): one reload for all of them. */
const SETTLE_MS = 20;

export class Routing {
  readonly #db: Pool;
  readonly #vault: Vault;
  readonly #log: Logger;
  #table: RoutingTable = { models: new Map(), loadedAtMs: 0, problems: [] };
  #scheduled: NodeJS.Timeout | null = null;
  #loading: Promise<void> = Promise.resolve();

  constructor(db: Pool, vault: Vault, log: Logger) {
    this.#db = db;
    this.#vault = vault;
    this.#log = log;
  }

  readonly table = (): RoutingTable => this.#table;

  get isLoaded(): boolean {
    return this.#table.loadedAtMs > 0;
  }

  changed(): void {
    this.#scheduled ??= setTimeout(() => {
      this.#scheduled = null;
      void this.load();
    }, SETTLE_MS);
  }

  /** One load after the other: an older answer must not replace a newer one. */
  load(): Promise<void> {
    this.#loading = this.#loading.then(() => this.#loadOnce());
    return this.#loading;
  }

  async #loadOnce(): Promise<void> {
    try {
      this.#table = await loadRoutingTable(this.#db, this.#vault, performance.now());
      for (const problem of this.#table.problems) this.#log.warn({ problem }, 'routing_problem');
    } catch (error) {
      this.#log.error({ err: error }, 'routing_table_not_loaded');
      setTimeout(() => this.changed(), 1_000).unref();
    }
  }
}
