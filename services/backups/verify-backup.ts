// Proves a backup the only way there is: it is restored, on a server of the major that it came from, and asked what its manifest says of it
// (restored-database.ts). That server is gone afterwards.
import { statfs } from 'node:fs/promises';
import { openedBackup } from './backup-file.ts';
import { type Manifest, manifestNameOf, readManifest } from './manifest.ts';
import { majorIn, serverProgramsOf } from './postgres-programs.ts';
import { BackupRejected } from './rejection.ts';
import { type Check, checkRestored, createRoles, type RestoreTarget, restoreDump } from './restored-database.ts';
import { type ScratchServer, withScratchServer } from './scratch-server.ts';
import { type BackupPlace, Counted } from './take-backup.ts';

const LONGEST_MANIFEST_BYTES = 4_194_304;
/** What a restored database needs beside its dump, which is compressed: tables, indexes, and the log of writing them. */
const ROOM_FOR_EACH_BYTE = 12;

export interface VerificationPlace extends BackupPlace {
  /** Where a server may be made and removed. */
  readonly temporary: string;
  /** The folder of our migrations. */
  readonly migrations: string;
}

export interface Proof extends Check {
  readonly manifest: Manifest;
  /** From the first byte that was read to a database that could serve: what a real restore would take. */
  readonly restoredInMs: number;
  readonly verifiedInMs: number;
}

/** `object`: the backup's name in storage, or its manifest's. @throws BackupRejected with the reason */
export async function verifyBackup(place: VerificationPlace, object: string): Promise<Proof> {
  const { store, vault, programs, temporary } = place;
  const startedAtMs = performance.now();
  const manifest = await manifestOf(place, object);
  await expectRoom(place, manifest);
  const server = await serverProgramsOf(majorIn(manifest.serverVersion), programs);
  const file = new Counted();
  const dump = openedBackup(file.pass(store.get(manifest.object)), vault);
  try {
    // What does not even begin well costs no server.
    const { value: beginning } = await dump.next();
    return await withScratchServer(server, temporary, async (scratch) => {
      const target = targetOf(scratch);
      await createRoles(target, manifest);
      await restoreDump(place, manifest, rejoined(beginning, dump), target);
      if (file.sha256() !== manifest.sha256)
        throw new BackupRejected(`${manifest.object} has another SHA-256 than its manifest says`);
      const restoredInMs = Math.round(performance.now() - startedAtMs);
      const checked = await checkRestored(place, manifest, target);
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

/** What it was taken of, and that all of it is there, by its size, which costs nothing to ask. @throws BackupRejected with the reason */
export async function manifestOf({ store, vault }: BackupPlace, named: string): Promise<Manifest> {
  const manifest = readManifest(await wholeObject(store, manifestNameOf(named)), named, vault);
  const { object, bytes } = manifest;
  const found = await store.sizeOf(object);
  if (found === null) throw new BackupRejected(`${object} is not in ${store.place}`);
  if (found !== bytes) throw new BackupRejected(`${object} has ${found} bytes, its manifest says ${bytes}`);
  return manifest;
}

async function expectRoom({ temporary }: VerificationPlace, { object, bytes }: Manifest): Promise<void> {
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

function targetOf({ host, user, database }: ScratchServer): RestoreTarget {
  return { connection: { host, user, database }, environment: { PGHOST: host, PGUSER: user }, database };
}
