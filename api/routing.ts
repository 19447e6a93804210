// The routing table of this process: swapped whole when something in it changed. A table that cannot be read leaves the last
// one in force (a bad table must never stop the traffic).
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { loadRoutingTable, type RoutingTable, type TableUse } from '../services/channels/routing-table.ts';
import type { Vault } from '../services/vault/vault.ts';

/** Changes come in bursts (a channel with its keys and models): one reload for all of them. */
const SETTLE_MS = 20;

export class Routing {
  readonly #db: Pool;
  readonly #vault: Vault;
  readonly #log: Logger;
  #table: RoutingTable = { models: new Map(), loadedAtMs: 0, use: { version: 0, attempts: 0 }, problems: [] };
  /** Of tables that were replaced while attempts worked by them. */
  #older: readonly TableUse[] = [];
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

  /** The version of the table in force, and the oldest by which an attempt of this process still works. */
  standing(): { readonly loaded: number; readonly inUse: number } {
    this.#older = this.#older.filter(({ attempts }) => attempts > 0);
    const loaded = this.#table.use.version;
    return { loaded, inUse: Math.min(loaded, ...this.#older.map(({ version }) => version)) };
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
      const table = await loadRoutingTable(this.#db, this.#vault, performance.now());
      this.#older = [...this.#older, this.#table.use].filter(({ attempts }) => attempts > 0);
      this.#table = table;
      for (const problem of this.#table.problems) this.#log.warn({ problem }, 'routing_problem');
    } catch (error) {
      this.#log.error({ err: error }, 'routing_table_not_loaded');
      setTimeout(() => this.changed(), 1_000).unref();
    }
  }
}
