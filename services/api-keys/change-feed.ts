// What changed in the configuration, told to every gateway within milliseconds by NOTIFY and, should that be lost, within
// five seconds by reading config_changes (D1). Nothing is told only once: whoever listens must bear to hear it again.
// While the feed is away nothing is known to be fresh; when it is back, anything may have changed meanwhile.
import { Client, type Pool } from 'pg';
import type { Log } from '../platform/log.ts';

export interface ChangeListener {
  /** The kinds of config_changes, and what other functions send over the channel: `grant` and `recall` of an organization. */
  changed(kind: string, id: string): void;
  /** Everything that was committed until now has been told. */
  upToDate(): void;
  /** The connection is new: changes of the time without it were not told. */
  reconnected(): void;
}

const CHANNEL = 'tollgate_config';
const POLL_MS = 5_000;
// A change is dated by its statement and becomes visible by its commit, which may come this much later.
const OVERLAP_MS = 15_000;
const SILENCE_MS = 2_000;
const SHORTEST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;

interface Change {
  readonly id: string;
  readonly kind: string;
  readonly target: string;
}

export class ChangeFeed {
  readonly #url: string;
  readonly #listener: ChangeListener;
  readonly #log: Pick<Log, 'info' | 'warn'>;
  #client: Client | null = null;
  #timer: NodeJS.Timeout | null = null;
  #seen: ReadonlySet<string> = new Set();
  #polledAtMs = 0;
  #failures = 0;
  #isStopped = false;

  constructor(url: string, listener: ChangeListener, log: Pick<Log, 'info' | 'warn'>) {
    this.#url = url;
    this.#listener = listener;
    this.#log = log;
  }

  /** Resolves after the first attempt; a database that is down is tried again in the background. */
  async start(): Promise<void> {
    const client = new Client({
      connectionString: this.#url,
      application_name: 'tollgate change feed',
      connectionTimeoutMillis: SILENCE_MS,
      query_timeout: SILENCE_MS,
      keepAlive: true,
    });
    this.#client = client;
    client.on('notification', ({ payload }) => this.#tell(payload ?? ''));
    client.on('error', () => this.#reconnect(client));
    client.on('end', () => this.#reconnect(client));
    try {
      await client.connect();
      await client.query(`listen ${CHANNEL}`);
      this.#failures = 0;
      this.#polledAtMs = performance.now();
      this.#log.info('change_feed_connected');
      this.#listener.reconnected();
      await this.#poll(client);
    } catch {
      this.#reconnect(client);
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#client?.end();
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
    this.#later(POLL_MS, () => this.#poll(client).catch(() => this.#reconnect(client)));
  }

  #tell(payload: string): void {
    const colon = payload.indexOf(':');
    if (colon > 0) this.#listener.changed(payload.slice(0, colon), payload.slice(colon + 1));
  }

  /** Once per connection, whatever of its error, its end and its failed query comes first. */
  #reconnect(client: Client): void {
    if (this.#isStopped || this.#client !== client) return;
    this.#client = null;
    client.end().catch(() => {}); // it is broken, and says so once more
    if (this.#failures === 0) this.#log.warn('change_feed_lost');
    const pauseMs = Math.min(SHORTEST_PAUSE_MS * 2 ** Math.min(this.#failures, 10), LONGEST_PAUSE_MS);
    this.#failures += 1;
    this.#later(pauseMs, () => this.start());
  }

  #later(pauseMs: number, step: () => Promise<void>): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (!this.#isStopped) this.#timer = setTimeout(() => void step(), pauseMs).unref();
  }
}

/** Every gateway reads them every few seconds, and one that was away longer asks for everything anew. */
export async function forgetOldChanges(db: Pool): Promise<void> {
  await db.query(`delete from config_changes where at < clock_timestamp() - interval '1 hour'`);
}
