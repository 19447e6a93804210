// Proves a backup the only way there is: it is restored, on a server of the major that it came from, and asked what its manifest says of it.
// Its schema and every count are compared, its ledger and its audit log prove themselves, its secrets open, and our migrations run on it.
import { statfs } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { runner } from 'node-pg-migrate';
import { Client, escapeIdentifier, Pool } from 'pg';
import { proveAuditLog } from '../audit/audit-proof.ts';
import { verifyLedger } from '../ledger/verifier.ts';
import { openedBackup } from './backup-file.ts';
import { differences, figuresOf } from './figures.ts';
import { type Manifest, manifestNameOf, readManifest } from './manifest.ts';
import { withProgram } from './niced-program.ts';
import { dumpProgramsFor, majorIn, serverProgramsOf } from './postgres-programs.ts';
import { BackupRejected, reasonOf } from './rejection.ts';
import { type ScratchServer, withScratchServer } from './scratch-server.ts';
import { samplesThatFail } from './sealed-samples.ts';
import { type BackupPlace, Counted } from './take-backup.ts';

const LONGEST_MANIFEST_BYTES = 4_194_304;
/** What a restored database needs beside its dump, which is compressed: tables, indexes, and the log of writing them. */
const ROOM_FOR_EACH_BYTE = 12;
/** These ask whether somebody was late, by the clock; of what was restored that says nothing (D141). */
const OF_TIMELINESS = new Set(['I4', 'expiry', 'costs']);

export interface VerificationPlace extends BackupPlace {
  /** Where a server may be made and removed. */
  readonly temporary: string;
  /** The folder of our migrations. */
  readonly migrations: string;
}

export interface Proof {
  readonly manifest: Manifest;
  /** From the first byte that was read to a database that could serve: what a real restore would take. */
  readonly restoredInMs: number;
  readonly verifiedInMs: number;
  readonly tables: number;
  readonly rows: string;
  readonly invariants: number;
  readonly samples: number;
  /** How many were missing on it. */
  readonly migrated: number;
}

/** `object`: the backup's name in storage, or its manifest's. @throws BackupRejected with the reason */
export async function verifyBackup(place: VerificationPlace, object: string): Promise<Proof> {
  const { store, vault, programs, temporary } = place;
  const startedAtMs = performance.now();
  const manifest = readManifest(await wholeObject(store, manifestNameOf(object)), object, vault);
  await expectWhole(place, manifest);
  const server = await serverProgramsOf(majorIn(manifest.serverVersion), programs);
  const file = new Counted();
  const dump = openedBackup(file.pass(store.get(manifest.object)), vault);
  try {
    // What does not even begin well costs no server.
    const { value: beginning } = await dump.next();
    return await withScratchServer(server, temporary, async (scratch) => {
      await createRoles(scratch, manifest);
      await restore(place, manifest, rejoined(beginning, dump), scratch);
      if (file.sha256() !== manifest.sha256)
        throw new BackupRejected(`${manifest.object} has another SHA-256 than its manifest says`);
      const restoredInMs = Math.round(performance.now() - startedAtMs);
      const checked = await check(place, manifest, scratch);
      return { manifest, restoredInMs, verifiedInMs: Math.round(performance.now() - startedAtMs), ...checked };
    });
  } finally {
    await dump.return(undefined);
  }
}

async function* rejoined(beginning: Buffer | undefined, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  if (beginning !== undefined) yield beginning;
  yield* rest;
}

/** By its size, which costs nothing to ask, and whether there is room to restore it. */
async function expectWhole({ store, temporary }: VerificationPlace, { object, bytes }: Manifest): Promise<void> {
  const found = await store.sizeOf(object);
  if (found === null) throw new BackupRejected(`${object} is not in ${store.place}`);
  if (found !== bytes) throw new BackupRejected(`${object} has ${found} bytes, its manifest says ${bytes}`);
  const { bavail, bsize } = await statfs(temporary);
  if (bavail * bsize < bytes * ROOM_FOR_EACH_BYTE)
    throw new BackupRejected(`${temporary} has no room to restore ${object} of ${bytes} bytes`);
}

async function wholeObject(store: BackupPlace['store'], object: string): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of store.get(object)) {
    pieces.push(piece);
    bytes += piece.length;
    if (bytes > LONGEST_MANIFEST_BYTES) throw new BackupRejected(`${object} is too long for a manifest`);
  }
  return Buffer.concat(pieces);
}

/** A dump names who owns what and who may do what, and holds no roles: they belong to the server. */
async function createRoles(scratch: ScratchServer, { roles }: Manifest): Promise<void> {
  await connected(scratch, async (client) => {
    for (const { name } of roles)
      if (name !== scratch.user) await client.query(`create role ${escapeIdentifier(name)} nologin`);
    for (const { name, memberOf } of roles)
      for (const group of memberOf) await client.query(`grant ${escapeIdentifier(group)} to ${escapeIdentifier(name)}`);
  });
}

async function restore(
  { programs }: VerificationPlace,
  { serverVersion }: Manifest,
  dump: AsyncIterable<Buffer>,
  { host, user, database }: ScratchServer,
): Promise<void> {
  const { pgRestore } = await dumpProgramsFor(majorIn(serverVersion), programs);
  await withProgram(
    {
      command: pgRestore,
      args: ['--exit-on-error', '--no-password', `--host=${host}`, `--username=${user}`, `--dbname=${database}`],
    },
    async ({ input }) => {
      await pipeline(Readable.from(dump), input);
    },
  );
}

async function check(
  { vault, migrations }: VerificationPlace,
  { figures, samples }: Manifest,
  scratch: ScratchServer,
): Promise<Pick<Proof, 'tables' | 'rows' | 'invariants' | 'samples' | 'migrated'>> {
  const found = await connected(scratch, async (client) => {
    await client.query('set search_path = pg_catalog');
    const restored = await figuresOf(client);
    const [first, ...others] = differences(figures, restored);
    if (first !== undefined) throw new BackupRejected(`${first}${others.length > 0 ? ` (+${others.length})` : ''}`);
    const [shut] = await samplesThatFail(client, vault, samples);
    if (shut !== undefined)
      throw new BackupRejected(`the secret ${shut.table} ${shut.rowId} does not open under master key ${shut.version}`);
    return restored;
  });
  const invariants = await proveBooks(scratch);
  const migrated = await migrateForward(scratch, migrations);
  const all = Object.values(found.tables);
  const rows = all.reduce((sum, { rows: count }) => sum + BigInt(count ?? 0), 0n);
  return { tables: all.length, rows: String(rows), invariants, samples: samples.length, migrated };
}

async function proveBooks({ host, user, database }: ScratchServer): Promise<number> {
  const pool = new Pool({ host, user, database, max: 1, options: '-c timezone=UTC' });
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
async function migrateForward({ host, user, database }: ScratchServer, folder: string): Promise<number> {
  try {
    const ran = await runner({
      databaseUrl: { host, user, database },
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

async function connected<T>({ host, user, database }: ScratchServer, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ host, user, database });
  client.on('error', () => undefined); // the next question says more
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
