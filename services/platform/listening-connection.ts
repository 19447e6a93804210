// A connection of its own that hears what NOTIFY says over one channel. One that is lost is opened again in the background; what was said
// meanwhile was said to nobody, so whoever listens looks for it by himself.
import { Client } from 'pg';

const SILENCE_MS = 2_000;
const SHORTEST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;

interface Channel {
  readonly url: string;
  /** As PostgreSQL lists the connection. */
  readonly name: string;
  readonly channel: string;
}

interface Listener {
  heard(payload: string): void;
  /** It listens, for the first time or again. A failure in here is a loss, too. */
  connected?(client: Client): Promise<void>;
  /** Once, however often it is tried in vain. */
  lost?(): void;
}

export class ListeningConnection {
  readonly #channel: Channel;
  readonly #listener: Listener;
  #client: Client | null = null;
  #timer: NodeJS.Timeout | null = null;
  #failures = 0;
  #isStopped = false;

  constructor(channel: Channel, listener: Listener) {
    this.#channel = channel;
    this.#listener = listener;
  }

  /** Resolves after the first attempt; a database that is down is tried again in the background. */
  async start(): Promise<void> {
    const { url, name, channel } = this.#channel;
    const client = new Client({
      connectionString: url,
      application_name: name,
      connectionTimeoutMillis: SILENCE_MS,
      query_timeout: SILENCE_MS,
      keepAlive: true,
    });
    this.#client = client;
    client.on('notification', ({ payload }) => this.#listener.heard(payload ?? ''));
    client.on('error', () => this.reconnect(client));
    client.on('end', () => this.reconnect(client));
    try {
      await client.connect();
      await client.query(`listen ${channel}`);
      this.#failures = 0;
      await this.#listener.connected?.(client);
    } catch {
      this.reconnect(client);
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#client?.end();
  }

  /** Once per connection, whatever of its error, its end and its failed query comes first. */
  reconnect(client: Client): void {
    if (this.#isStopped || this.#client !== client) return;
    this.#client = null;
    client.end().catch(() => {}); // it is broken, and says so once more
    if (this.#failures === 0) this.#listener.lost?.();
    const pauseMs = Math.min(SHORTEST_PAUSE_MS * 2 ** Math.min(this.#failures, 10), LONGEST_PAUSE_MS);
    this.#failures += 1;
    this.#timer = setTimeout(() => void this.start(), pauseMs).unref();
  }
}
