// Wakes whoever empties an outbox the moment that something was committed into it: NOTIFY tollgate_outbox, whose payload names the outbox.
// It is a hint and no more. Who is woken also looks by himself every few seconds, so a connection that is lost costs seconds and
// is nobody's news.
import { Client } from 'pg';

const SILENCE_MS = 2_000;
const RECONNECT_MS = 2_000;

export class OutboxBell {
  readonly #url: string;
  readonly #rung: (outbox: string) => void;
  #client: Client | null = null;
  #timer: NodeJS.Timeout | null = null;
  #isStopped = false;

  constructor(url: string, rung: (outbox: string) => void) {
    this.#url = url;
    this.#rung = rung;
  }

  /** Resolves after the first attempt; a database that is down is tried again in the background. */
  async start(): Promise<void> {
    const client = new Client({
      connectionString: this.#url,
      application_name: 'tollgate outbox bell',
      connectionTimeoutMillis: SILENCE_MS,
      query_timeout: SILENCE_MS,
      keepAlive: true,
    });
    this.#client = client;
    client.on('notification', ({ payload }) => this.#rung(payload ?? ''));
    client.on('error', () => this.#reconnect(client));
    client.on('end', () => this.#reconnect(client));
    try {
      await client.connect();
      await client.query('listen tollgate_outbox');
    } catch {
      this.#reconnect(client);
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#client?.end();
  }

  /** Once per connection, whatever of its error, its end and its failed query comes first. */
  #reconnect(client: Client): void {
    if (this.#isStopped || this.#client !== client) return;
    this.#client = null;
    client.end().catch(() => {}); // it is broken, and says so once more
    this.#timer = setTimeout(() => void this.start(), RECONNECT_MS).unref();
  }
}
