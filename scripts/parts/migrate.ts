// Brings a database to the newest schema, forward only, one starter at a time (advisory lock), and gives each process a
// login of its own: a member of one group role, with that role's rights and no others.
import { join } from 'node:path';
import { runner } from 'node-pg-migrate';
import { Client, escapeIdentifier, escapeLiteral } from 'pg';
import type { Launch } from './home.ts';
import type { PostgresServer } from './postgres.ts';
import type { Secrets } from './secrets.ts';
import { type Login, sessionSettings } from './session-settings.ts';

const DATABASE = 'tollgate';
const MIGRATOR = 'tollgate_migrator';
const OLDEST_MAJOR = 15;
const LOGINS: readonly Login[] = ['gateway', 'worker', 'members', 'readonly', 'backup'];

export type DatabaseUrls = { readonly [L in Login]: string };

export interface MigratedDatabase {
  readonly urls: DatabaseUrls;
  /** How many migrations this start has run. */
  readonly applied: number;
  /** For people: which database on which server version. */
  readonly place: string;
  /** 15 */
  readonly serverMajor: number;
}

/** Our own server: schema and functions belong to a role that is no superuser. */
export async function migrateOwnServer(
  launch: Launch,
  server: PostgresServer,
  { passwords }: Secrets,
): Promise<MigratedDatabase> {
  await connected(server.urlOf('postgres'), async (admin) => {
    await ensureLogin(admin, MIGRATOR, passwords.migrator, 'createrole');
    const { rows } = await admin.query('select from pg_database where datname = $1', [DATABASE]);
    if (rows.length === 0) await admin.query(`create database ${DATABASE} owner ${MIGRATOR}`);
  });
  const url = withLogin(server.urlOf(DATABASE), MIGRATOR, passwords.migrator);
  return await migrate(launch, url, passwords, (login) => `tollgate_${login}_login`);
}

/**
 * DATABASE_URL: roles belong to the whole server, so on a shared one their names carry this installation's. Schema and functions
 * belong to the role in the URL (docs/operations.md).
 */
export async function migrateGivenDatabase(launch: Launch, url: string, secrets: Secrets): Promise<MigratedDatabase> {
  // The forms that only node-postgres knows (a bare socket path) would not reach the gateway, whose configuration takes URLs.
  if (!/^postgres(ql)?:\/\//.test(url)) throw new Error('DATABASE_URL must begin with postgres:// or postgresql://');
  return await migrate(launch, url, secrets.passwords, (login) => `tollgate_${login}_login_${secrets.installation}`);
}

async function migrate(
  launch: Launch,
  adminUrl: string,
  passwords: Secrets['passwords'],
  roleOf: (login: Login) => string,
): Promise<MigratedDatabase> {
  const { place, serverMajor } = await placeOf(adminUrl);
  const applied = await runner({
    databaseUrl: adminUrl,
    dir: join(launch.checkout, 'migrations'),
    migrationsTable: 'pgmigrations',
    direction: 'up',
    advisoryLockMode: 'wait',
    log: () => undefined,
  });
  await connected(adminUrl, async (admin) => {
    for (const login of LOGINS) {
      await ensureLogin(admin, roleOf(login), passwords[login], `in role tollgate_${login}`);
      await admin.query(sessionSettings(roleOf(login), login));
    }
  });
  const urlFor = (login: Login) => withLogin(adminUrl, roleOf(login), passwords[login]);
  for (const login of LOGINS) await refuseOtherUser(urlFor(login), roleOf(login));
  return {
    urls: {
      gateway: urlFor('gateway'),
      worker: urlFor('worker'),
      members: urlFor('members'),
      readonly: urlFor('readonly'),
      backup: urlFor('backup'),
    },
    applied: applied.length,
    place,
    serverMajor,
  };
}

async function placeOf(url: string): Promise<Pick<MigratedDatabase, 'place' | 'serverMajor'>> {
  return await connected(url, async (admin) => {
    const { rows } = await admin.query<{ database: string; version: string }>(
      `select current_database() as database, current_setting('server_version') as version`,
    );
    const { database = '', version = '' } = rows[0] ?? {};
    const serverMajor = Number.parseInt(version, 10);
    if (serverMajor < OLDEST_MAJOR) {
      throw new Error(`${database} is on PostgreSQL ${version}: ${OLDEST_MAJOR} or newer is needed`);
    }
    return { place: `database ${database}, PostgreSQL ${version}`, serverMajor };
  });
}

async function connected<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function ensureLogin(admin: Client, role: string, password: string, attributes: string): Promise<void> {
  const { rows } = await admin.query('select from pg_roles where rolname = $1', [role]);
  const secret = `login password ${escapeLiteral(password)}`;
  if (rows.length === 0) await admin.query(`create role ${escapeIdentifier(role)} ${secret} ${attributes}`);
  else await admin.query(`alter role ${escapeIdentifier(role)} ${secret}`);
}

/**
 * The same database by another login; everything else of the address stays, sslmode and its like. node-postgres takes a user from
 * the parameters before one from the authority, and a URL without a host (a socket) has no authority that could hold one.
 */
function withLogin(url: string, user: string, password: string): string {
  const address = new URL(url.replace(/^(\w+:\/\/)[^/?#]*@/, '$1'));
  for (const name of ['user', 'password']) address.searchParams.delete(name);
  if (address.hostname === '') {
    address.searchParams.set('user', user);
    address.searchParams.set('password', password);
  } else {
    address.username = user;
    address.password = password;
  }
  return address.href;
}

/** A pooler may log everybody in as one user, and a server map users: then no process would have its own rights only. */
async function refuseOtherUser(url: string, role: string): Promise<void> {
  await connected(url, async (client) => {
    const { rows } = await client.query<{ user: string }>('select current_user as user');
    if (rows[0]?.user === role) return;
    throw new Error(
      `DATABASE_URL logs in ${rows[0]?.user} where ${role} was asked for: the gateway would have rights that it must not have. ` +
        'Give the address of the server itself, not of a pooler with a user of its own',
    );
  });
}
