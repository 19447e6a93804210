// Restores a backup for good, into a database that is empty. None of our processes can reach it before the last transaction, which opens it to them
// and puts billing on hold at once (D149): whoever finds it there finds that it has forgotten something.
import { Client, escapeIdentifier } from 'pg';
import { raiseHold } from '../restores/billing-holds.ts';
import { openedBackup } from './backup-file.ts';
import type { Manifest } from './manifest.ts';
import { majorIn } from './postgres-programs.ts';
import { BackupRejected, reasonOf } from './rejection.ts';
import {
  type Check,
  checkRestored,
  connected,
  createRoles,
  type RestoreTarget,
  restoreDump,
} from './restored-database.ts';
import { libpqEnvironment } from './source.ts';
import { Counted } from './take-backup.ts';
import { manifestOf, type VerificationPlace } from './verify-backup.ts';

export interface Restored extends Check {
  readonly manifest: Manifest;
  readonly epoch: number;
  readonly restoredInMs: number;
}

/**
 * `named`: the backup's name in storage, or its manifest's. `into`: as who owns the database, and may make roles.
 * @throws BackupRejected with the reason: then the database is empty still, or is to be thrown away, which the reason says
 */
export async function restoreBackup(place: VerificationPlace, named: string, into: string): Promise<Restored> {
  const startedAtMs = performance.now();
  const target = targetAt(into);
  const manifest = await manifestOf(place, named);
  await requireEmpty(target, manifest);
  await readThrough(place, manifest);
  await createRoles(target, manifest);
  await shut(target);
  const dump = openedBackup(place.store.get(manifest.object), place.vault);
  await restoreDump(place, manifest, dump, target, ['--single-transaction']);
  const checked = await checkRestored(place, manifest, target).catch((error: unknown) => {
    throw new BackupRejected(`${reasonOf(error)}. What was restored stays shut: drop ${target.database}`);
  });
  const epoch = await openOnHold(target, manifest);
  return { manifest, epoch, ...checked, restoredInMs: Math.round(performance.now() - startedAtMs) };
}

function targetAt(url: string): RestoreTarget {
  const environment = libpqEnvironment(url);
  const database = environment.PGDATABASE ?? '';
  if (database === '') throw new BackupRejected('--into names no database: postgres://user@host/database');
  return { connection: { connectionString: url, application_name: 'tollgate restore' }, environment, database };
}

function nameOf({ database }: RestoreTarget): string {
  return escapeIdentifier(database);
}

async function requireEmpty(target: RestoreTarget, { serverVersion }: Manifest): Promise<void> {
  await connectedOrRejected(target);
  const { version, tables } = await connected(target, async (client) => {
    const { rows } = await client.query<{ version: string; tables: number }>(
      `select current_setting('server_version') as version,
              (select count(*)::int from pg_class c join pg_namespace n on n.oid = c.relnamespace
                where c.relkind in ('r', 'p', 'v', 'm', 'S', 'f') and n.nspname <> 'information_schema' and n.nspname !~ '^pg_') as tables`,
    );
    return rows[0] ?? { version: '0.0', tables: 0 };
  });
  if (tables > 0)
    throw new BackupRejected(
      `${target.database} is not empty: it has ${tables} tables and sequences. A restore goes into a database that has nothing: create one`,
    );
  if (majorIn(version) < majorIn(serverVersion))
    throw new BackupRejected(`the backup is of PostgreSQL ${serverVersion}, and ${target.database} is on ${version}`);
}

async function connectedOrRejected({ connection, environment, database }: RestoreTarget): Promise<void> {
  const client = new Client({ ...connection, connectionTimeoutMillis: 5_000 });
  client.on('error', () => undefined); // the connection says more
  try {
    await client.connect();
  } catch (error) {
    const where = `${environment.PGHOST ?? 'this machine'}:${environment.PGPORT ?? 5432}`;
    throw new BackupRejected(`${database} at ${where} cannot be reached: ${reasonOf(error)}`);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** All of it, before a byte of it is anywhere: it opens, it has its end, and it is what was written. */
async function readThrough({ store, vault }: VerificationPlace, { object, sha256 }: Manifest): Promise<void> {
  const file = new Counted();
  for await (const _ of openedBackup(file.pass(store.get(object)), vault));
  if (file.sha256() !== sha256) throw new BackupRejected(`${object} has another SHA-256 than its manifest says`);
}

/** To all but superusers and its owner, who is asked for. */
async function shut(target: RestoreTarget): Promise<void> {
  const isOpen = await connected(target, async (client) => {
    await client.query(`revoke connect on database ${nameOf(target)} from public`);
    const { rows } = await client.query<{ isOpen: boolean }>(
      `select has_database_privilege('public', current_database(), 'connect') as "isOpen"`,
    );
    return rows[0]?.isOpen !== false;
  });
  if (isOpen) throw new BackupRejected(`--into logs in a role that does not own ${target.database}`);
}

/** The end of the restore and the beginning of the hold are one transaction. */
async function openOnHold(target: RestoreTarget, { object, takenAt }: Manifest): Promise<number> {
  return await connected(target, async (client) => {
    await client.query('begin');
    const epoch = await raiseHold(client, `restored from ${object}`, new Date(takenAt));
    await client.query(`grant connect on database ${nameOf(target)} to public`);
    await client.query('commit');
    return epoch;
  });
}
