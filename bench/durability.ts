// A figure counts only if every charge was as durable as in production: checked in the sessions and tables of the run itself.
import { closeSync, fdatasyncSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';

const TMPFS = 0x01021994;

/** @throws Error naming what is weaker than production */
export async function requireDurability(gatewayUrl: string, superuserUrl: string): Promise<void> {
  const problems: string[] = [];
  await withClient(gatewayUrl, async (db) => {
    for (const setting of ['fsync', 'full_page_writes', 'synchronous_commit']) {
      const { rows } = await db.query<{ value: string }>('select current_setting($1) as value', [setting]);
      if (rows[0]?.value !== 'on') problems.push(`${setting} is ${rows[0]?.value}`);
    }
  });
  await withClient(superuserUrl, async (db) => {
    const { rows } = await db.query<{ name: string }>(
      `select relname as name from pg_class
        where relkind in ('r', 'p') and relpersistence <> 'p' and relnamespace = 'public'::regnamespace`,
    );
    for (const { name } of rows) problems.push(`the table ${name} is not logged`);
    const { rows: places } = await db.query<{ folder: string }>(`select current_setting('data_directory') as folder`);
    const folder = places[0]?.folder ?? '';
    if (statfsSync(folder).type === TMPFS) problems.push(`the data lies in memory (${folder} is a tmpfs)`);
  });
  if (problems.length > 0) throw new Error(`Void: ${problems.join('; ')}`);
}

const SYNCS = 500;
const PAGE_BYTES = 8_192;

/** How long the disk takes to say that a page is safe, in the middle of so many: each answer waits for one, and some for the one before as well. */
export function fdatasyncMicros(folder: string): number {
  const path = join(folder, 'fdatasync');
  const file = openSync(path, 'w', 0o600);
  const page = Buffer.alloc(PAGE_BYTES, 1);
  const micros = Array.from({ length: SYNCS }, (_, at) => {
    writeSync(file, page, 0, PAGE_BYTES, (at % 100) * PAGE_BYTES);
    const startedAtMs = performance.now();
    fdatasyncSync(file);
    return (performance.now() - startedAtMs) * 1_000;
  });
  closeSync(file);
  rmSync(path);
  return Math.round(micros.sort((a, b) => a - b)[SYNCS / 2] ?? 0);
}

export async function withClient<T>(url: string, work: (db: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
