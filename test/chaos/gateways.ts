// Which gateways run at this moment, asked from PostgreSQL past the bad link and remembered while it is down.
import { Client } from 'pg';

const CONNECT_MS = 1_000;

export class Gateways {
  readonly #url: string;
  #pids: readonly number[] = [];

  constructor(url: string) {
    this.#url = url;
  }

  async alive(): Promise<number[]> {
    this.#pids = (await this.#registered()) ?? this.#pids;
    return this.#pids.filter(isAlive);
  }

  /** Null: PostgreSQL does not answer now. */
  async #registered(): Promise<number[] | null> {
    const db = new Client({ connectionString: this.#url, connectionTimeoutMillis: CONNECT_MS });
    db.on('error', () => undefined); // it is being killed all the time
    try {
      await db.connect();
      const { rows } = await db.query<{ pid: number }>('select pid from gateway_incarnations where fenced_at is null');
      return rows.map(({ pid }) => pid);
    } catch {
      return null;
    } finally {
      await db.end().catch(() => undefined);
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
