// A figure counts only if every charge was as durable as in production: checked in the sessions and tables of the run itself.
import { statfsSync } from 'node:fs';
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

export async function withClient<T>(url: string, work: (db: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
