// Takes a backup: figures and dump of one snapshot, the dump streamed through seals into storage, never a file of it on the way; and beside
// it the manifest, which is written last (D141). A backup without one was not taken to its end.
import { createHash } from 'node:crypto';
import type { Client } from 'pg';
import type { Vault } from '../vault/vault.ts';
import { sealedBackup } from './backup-file.ts';
import { figuresOf } from './figures.ts';
import { type Manifest, objectNames, writtenManifest } from './manifest.ts';
import { withProgram } from './niced-program.ts';
import type { ObjectStore } from './object-store.ts';
import { type DumpPrograms, dumpProgramsFor, majorIn } from './postgres-programs.ts';
import { BackupRejected } from './rejection.ts';
import { samplesThatOpen } from './sealed-samples.ts';
import { inSnapshot, libpqEnvironment } from './source.ts';

export interface BackupPlace {
  readonly store: ObjectStore;
  readonly vault: Vault;
  /** Where PostgreSQL's programs are. */
  readonly programs: readonly string[];
}

export interface BackupSource extends BackupPlace {
  /** As a member of tollgate_backup. */
  readonly databaseUrl: string;
}

export interface Attempt {
  readonly name: string;
  readonly run: string;
}

export async function takeBackup(source: BackupSource, { name, run }: Attempt): Promise<Manifest> {
  const { store, vault, databaseUrl, programs } = source;
  return await inSnapshot(databaseUrl, async (client, snapshot) => {
    const { serverVersion, takenAt } = await preflight(client);
    const dumper = await dumpProgramsFor(majorIn(serverVersion), programs);
    const objects = objectNames(name, run);
    const figures = await figuresOf(client);
    const samples = await samplesThatOpen(client, vault);
    const roles = await rolesOf(client);
    const masterKeyVersion = await sealingVersionIn(client, vault);
    const masterKeyVersions = await versionsIn(client, masterKeyVersion);
    const written = await putDump(source, dumper, snapshot, { name, object: objects.backup, masterKeyVersion });
    const manifest: Manifest = {
      v: 1,
      ...{ name, run, object: objects.backup, ...written, takenAt, serverVersion, dumpedBy: dumper.version },
      ...{ masterKeyVersion, masterKeyVersions, figures, samples, roles },
    };
    await putWhole(store, objects.manifest, writtenManifest(manifest, vault));
    return manifest;
  });
}

/** As the installation seals at that moment (D127); where nothing was sealed yet, as this process would. */
async function sealingVersionIn(client: Client, vault: Vault): Promise<number> {
  const { rows } = await client.query<{ version: number }>(
    `select version from public.master_keys where state = 'sealing'`,
  );
  return rows[0]?.version ?? vault.keyring.current;
}

/** Also of the rows in it: while wraps are renewed some are of the master key before, and open with nothing else for as long as there is this backup (D160). */
async function versionsIn(client: Client, own: number): Promise<number[]> {
  const { rows } = await client.query<{ version: number }>('select distinct version from public.sealed_rows()');
  return [...new Set([own, ...rows.map(({ version }) => version)])].sort((one, other) => one - other);
}

/** Whether this would be a backup of everything, of the database that counts. */
async function preflight(client: Client): Promise<{ serverVersion: string; takenAt: string }> {
  const { rows } = await client.query<{ serverVersion: string; takenAt: Date; isReplica: boolean }>(
    `select current_setting('server_version') as "serverVersion", clock_timestamp() as "takenAt", pg_is_in_recovery() as "isReplica"`,
  );
  const [seen] = rows;
  if (seen === undefined) throw new BackupRejected('the database does not say what it is');
  if (seen.isReplica) throw new BackupRejected('DATABASE_URL_BACKUP leads to a replica, which may be behind');
  const [partOf] = await tablesInPart(client);
  if (partOf !== undefined)
    throw new BackupRejected(`DATABASE_URL_BACKUP logs in a role that is shown a part of the rows of ${partOf}`);
  return { serverVersion: seen.serverVersion, takenAt: seen.takenAt.toISOString() };
}

/** Whose policies do not show this role every row: it would neither dump nor count the others, and nothing would miss them (D161). */
async function tablesInPart(client: Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `with held as (
       select p.polrelid as of_table, p.polpermissive as shows, coalesce(pg_get_expr(p.polqual, p.polrelid), 'true') = 'true' as all_rows
         from pg_policy p
        where p.polcmd in ('r', '*') and exists (select from unnest(p.polroles) r where r = 0 or pg_has_role(current_user, r, 'usage')))
     select c.oid::regclass::text as name
       from pg_class c join pg_roles me on me.rolname = current_user
      where c.relkind in ('r', 'p') and c.relrowsecurity and not me.rolsuper and not me.rolbypassrls
        and (c.relforcerowsecurity or not pg_has_role(current_user, c.relowner, 'usage'))
        and (not exists (select from held where of_table = c.oid and shows and all_rows)
             or exists (select from held where of_table = c.oid and not shows and not all_rows))
      order by 1 limit 1`,
  );
  return rows.map(({ name }) => name);
}

/** Whoever owns something here or has a right to it, and whose members they are. */
async function rolesOf(client: Client): Promise<Manifest['roles']> {
  const { rows } = await client.query<{ name: string; memberOf: string[] }>(
    `with named as (
       select distinct d.refobjid as role from pg_shdepend d
        where d.refclassid = 'pg_authid'::regclass and d.dbid = (select oid from pg_database where datname = current_database())
       union select relowner from pg_class where relkind = 'r' and relnamespace in (select oid from pg_namespace where nspname in ('public', 'auth'))
     )
     select r.rolname as name,
            array(select g.rolname::text from pg_auth_members m join pg_roles g on g.oid = m.roleid
                   where m.member = r.oid and m.roleid in (select role from named) order by 1) as "memberOf"
       from pg_roles r where r.oid in (select role from named) order by 1`,
  );
  return rows;
}

async function putDump(
  { databaseUrl, store, vault }: BackupSource,
  { pgDump }: DumpPrograms,
  snapshot: string,
  {
    name,
    object,
    masterKeyVersion,
  }: { readonly name: string; readonly object: string; readonly masterKeyVersion: number },
): Promise<{ readonly bytes: number; readonly sha256: string }> {
  // Rows are shown by policies here: the role is in none that hides any, which preflight has made sure of.
  const args = ['--format=custom', '--compress=1', '--enable-row-security', '--no-password', `--snapshot=${snapshot}`];
  const env = libpqEnvironment(databaseUrl);
  const counted = new Counted();
  await withProgram({ command: pgDump, args, env }, async ({ input, output }) => {
    input.end();
    await store.put(object, counted.pass(sealedBackup(output(), name, vault, masterKeyVersion)));
  });
  await expectStored(store, object, counted.bytes);
  return { bytes: counted.bytes, sha256: counted.sha256() };
}

async function putWhole(store: ObjectStore, object: string, bytes: Buffer): Promise<void> {
  await store.put(
    object,
    (async function* () {
      yield bytes;
    })(),
  );
  await expectStored(store, object, bytes.length);
}

/** Storage has said that it has it, and may not have. */
async function expectStored(store: ObjectStore, object: string, bytes: number): Promise<void> {
  const found = await store.sizeOf(object);
  if (found === bytes) return;
  const has = found === null ? 'nothing' : `${found} bytes`;
  throw new BackupRejected(`${store.place} took ${object} of ${bytes} bytes and has ${has} of it`);
}

/** What goes by is measured. */
export class Counted {
  bytes = 0;
  readonly #digest = createHash('sha256');

  async *pass(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
    for await (const piece of stream) {
      this.bytes += piece.length;
      this.#digest.update(piece);
      yield Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    }
  }

  /** Once, at the end. */
  sha256(): string {
    return this.#digest.digest('hex');
  }
}
