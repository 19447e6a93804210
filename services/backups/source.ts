// The database that is backed up, as its role for backups sees it: everything, and nothing to change.
import { Client } from 'pg';

const CONNECT_MS = 5_000;

/** One snapshot, for whoever asks by this connection and for whoever takes it over by its name, as pg_dump does. */
export async function inSnapshot<T>(url: string, work: (client: Client, snapshot: string) => Promise<T>): Promise<T> {
  const client = new Client({
    connectionString: url,
    application_name: 'tollgate backup',
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
  });
  client.on('error', () => undefined); // the next question says more
  await client.connect();
  try {
    await client.query('begin transaction isolation level repeatable read, read only');
    // It waits for pg_dump, and a sum over millions of rows takes its time.
    await client.query('set local idle_in_transaction_session_timeout = 0');
    await client.query('set local statement_timeout = 0');
    await client.query('set local search_path = pg_catalog');
    const { rows } = await client.query<{ snapshot: string }>('select pg_export_snapshot() as snapshot');
    return await work(client, rows[0]?.snapshot ?? '');
  } finally {
    await client.end();
  }
}

/** The environment by which libpq finds it: a password on a command line is seen by everybody on the machine. */
export function libpqEnvironment(url: string): NodeJS.ProcessEnv {
  const { hostname, port, username, password, pathname, searchParams } = new URL(url);
  const given = (value: string | null) => (value === null || value === '' ? undefined : decodeURIComponent(value));
  return {
    PGHOST: given(hostname.replace(/^\[|\]$/g, '')) ?? searchParams.get('host') ?? undefined,
    PGPORT: given(port),
    PGUSER: given(username) ?? searchParams.get('user') ?? undefined,
    PGPASSWORD: given(password) ?? searchParams.get('password') ?? undefined,
    PGDATABASE: given(pathname.slice(1)),
    PGSSLMODE: searchParams.get('sslmode') ?? undefined,
    PGSSLROOTCERT: searchParams.get('sslrootcert') ?? undefined,
    PGAPPNAME: 'tollgate backup',
  };
}
