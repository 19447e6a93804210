// What changed in the configuration, told to every gateway within milliseconds by NOTIFY and, should that be lost, within
// five seconds by reading config_changes (D1). Nothing is told only once: whoever listens must bear to hear it again.
// While the feed is away nothing is known to be fresh; when it is back, anything may have changed meanwhile.
import type { Client, Pool } from 'pg';
import { ListeningConnection } from '../platform/listening-connection.ts';
import type { Log } from '../platform/log.ts';

export interface ChangeListener {
  /** The kinds of config_changes, and what other functions send over the channel: `grant` and `recall` of an organization. */
  changed(kind: string, id: string): void;
  /** Everything that was committed until now has been told. */
  upToDate(): void;
  /** The connection is new: changes of the time without it were not told. */
  reconnected(): void;
}

const POLL_MS = 5_000;
// A change is dated by its statement and becomes visible by its commit, which may come this much later.
const OVERLAP_MS = 15_000;

interface Change {
  readonly id: string;
  readonly kind: string;
  readonly target: string;
}

export class ChangeFeed {
  readonly #connection: ListeningConnection;
  readonly #listener: ChangeListener;
  #timer: NodeJS.Timeout | null = null;
  #seen: ReadonlySet<string> = new Set();
  #polledAtMs = 0;

  constructor(url: string, listener: ChangeListener, log: Pick<Log, 'info' | 'warn'>) {
    this.#listener = listener;
    this.#connection = new ListeningConnection(
      { url, name: 'tollgate change feed', channel: 'tollgate_config' },
      {
        heard: (payload) => this.#tell(payload),
        connected: async (client) => {
          this.#polledAtMs = performance.now();
          log.info('change_feed_connected');
          listener.reconnected();
          await this.#poll(client);
        },
        lost: () => log.warn('change_feed_lost'),
      },
    );
  }

  /** Resolves after the first attempt; a database that is down is tried again in the background. */
  start(): Promise<void> {
    return this.#connection.start();
  }

  async stop(): Promise<void> {
    await this.#connection.stop();
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  async #poll(client: Client): Promise<void> {
    const startedAtMs = performance.now();
    const { rows } = await client.query<Change>(
      `select id, kind, target_id as target
         from config_changes
        where at > clock_timestamp() - $1 * interval '1 millisecond'
        order by id`,
      [startedAtMs - this.#polledAtMs + OVERLAP_MS],
    );
    this.#polledAtMs = startedAtMs;
    for (const { id, kind, target } of rows) if (!this.#seen.has(id)) this.#listener.changed(kind, target);
    this.#seen = new Set(rows.map(({ id }) => id));
    this.#listener.upToDate();
    // One that was lost meanwhile refuses, and the next one has a poll of its own.
    const again = () => this.#poll(client).catch(() => this.#connection.reconnect(client));
    this.#timer = setTimeout(again, POLL_MS).unref();
  }

  #tell(payload: string): void {
    const colon = payload.indexOf(':');
    if (colon > 0) this.#listener.changed(payload.slice(0, colon), payload.slice(colon + 1));
  }
}

/** Every gateway reads them every few seconds, and one that was away longer asks for everything anew. */
export async function forgetOldChanges(db: Pool): Promise<void> {
  await db.query(`delete from config_changes where at < clock_timestamp() - interval '1 hour'`);
}
