// A database that a backup is restored into, for good or to see whether it can be: roles, dump, and then what its manifest says of it. Its schema and
// every count are compared, its ledger and its audit log prove themselves, its secrets open, and our migrations run on it.
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { runner } from 'node-pg-migrate';
import { Client, type ClientConfig, escapeIdentifier, Pool } from 'pg';
import { proveAuditLog } from '../audit/audit-proof.ts';
import { OF_TIMELINESS, verifyLedger } from '../ledger/verifier.ts';
import type { Vault } from '../vault/vault.ts';
import { differences, figuresOf } from './figures.ts';
import type { Manifest } from './manifest.ts';
import { withProgram } from './niced-program.ts';
import { dumpProgramsFor, majorIn } from './postgres-programs.ts';
import { BackupRejected, reasonOf } from './rejection.ts';
import { samplesThatFail } from './sealed-samples.ts';
import type { BackupPlace } from './take-backup.ts';

export interface RestoreTarget {
  /** As node-postgres has it, and as PostgreSQL's programs have it. */
  readonly connection: ClientConfig;
  readonly environment: NodeJS.ProcessEnv;
  readonly database: string;
}

export interface Check {
  readonly tables: number;
  readonly rows: string;
  readonly invariants: number;
  readonly samples: number;
  /** How many were missing on it. */
  readonly migrated: number;
}

/** A dump names who owns what and who may do what, and holds no roles: they belong to the server. Those that are there stay as they are. */
export async function createRoles(target: RestoreTarget, { roles }: Manifest): Promise<void> {
  await connected(target, async (client) => {
    const { rows } = await client.query<{ name: string }>('select rolname as name from pg_roles');
    const known = new Set(rows.map(({ name }) => name));
    const missing = roles.filter(({ name }) => !known.has(name));
    for (const { name } of missing) await client.query(`create role ${escapeIdentifier(name)} nologin`);
    for (const { name, memberOf } of missing)
      for (const group of memberOf) await client.query(`grant ${escapeIdentifier(group)} to ${escapeIdentifier(name)}`);
  });
}

/** `options`: of pg_restore. */
export async function restoreDump(
  { programs }: BackupPlace,
  { serverVersion }: Manifest,
  dump: AsyncIterable<Buffer>,
  { environment, database }: RestoreTarget,
  options: readonly string[] = [],
): Promise<void> {
  const { pgRestore } = await dumpProgramsFor(majorIn(serverVersion), programs);
  const args = ['--exit-on-error', '--no-password', `--dbname=${database}`, ...options];
  await withProgram({ command: pgRestore, args, env: environment }, async ({ input }) => {
    await pipeline(Readable.from(dump), input);
  });
}

/** @throws BackupRejected with what is not as its manifest says */
export async function checkRestored(
  { vault, migrations }: { readonly vault: Vault; readonly migrations: string },
  { figures, samples }: Manifest,
  target: RestoreTarget,
): Promise<Check> {
  const found = await connected(target, async (client) => {
    await client.query('set search_path = pg_catalog');
    const restored = await figuresOf(client);
    const [first, ...others] = differences(figures, restored);
    if (first !== undefined) throw new BackupRejected(`${first}${others.length > 0 ? ` (+${others.length})` : ''}`);
    const [shut] = await samplesThatFail(client, vault, samples);
    if (shut !== undefined)
      throw new BackupRejected(`the secret ${shut.table} ${shut.rowId} does not open under master key ${shut.version}`);
    return restored;
  });
  const invariants = await proveBooks(target);
  const migrated = await migrateForward(target, migrations);
  const all = Object.values(found.tables);
  const rows = all.reduce((sum, { rows: count }) => sum + BigInt(count ?? 0), 0n);
  return { tables: all.length, rows: String(rows), invariants, samples: samples.length, migrated };
}

async function proveBooks({ connection }: RestoreTarget): Promise<number> {
  const pool = new Pool({ ...connection, max: 1, options: '-c timezone=UTC' });
  pool.on('error', () => undefined); // the next question says more
  try {
    const { checks } = await verifyLedger(pool);
    const audit = await proveAuditLog(pool);
    const judged = [...checks.filter(({ id }) => !OF_TIMELINESS.has(id)), ...audit.checks];
    const broken = judged.find(({ ok }) => !ok);
    if (broken === undefined) return judged.length;
    throw new BackupRejected(`invariant ${broken.id} does not hold, ${broken.title}: ${broken.examples.join('; ')}`);
  } finally {
    await pool.end();
  }
}

/** A restore begins with what was backed up and ends with what runs. */
async function migrateForward({ connection }: RestoreTarget, folder: string): Promise<number> {
  try {
    const ran = await runner({
      databaseUrl: connection,
      dir: folder,
      migrationsTable: 'pgmigrations',
      direction: 'up',
      log: () => undefined,
    });
    return ran.length;
  } catch (error) {
    throw new BackupRejected(`our migrations do not run on it: ${reasonOf(error)}`);
  }
}

export async function connected<T>({ connection }: RestoreTarget, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client(connection);
  client.on('error', () => undefined); // the next question says more
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
