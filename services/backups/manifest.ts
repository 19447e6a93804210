// What a backup says of itself, beside it in storage: enough to judge it without opening it, and all that a restore is held to. It is sealed
// under a master key, so a manifest that somebody else wrote is known for one.
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { SealContext, Vault } from '../vault/vault.ts';
import { sealedSchema } from './backup-file.ts';
import { figuresSchema } from './figures.ts';
import { BackupRejected, reasonOf } from './rejection.ts';
import { sampleSchema } from './sealed-samples.ts';

const manifestSchema = z.object({
  v: z.literal(1),
  /** 2026-11-30, or as whoever asked for it called it. */
  name: z.string(),
  /** Of this attempt: an attempt after it writes another object. */
  run: z.string(),
  object: z.string(),
  bytes: z.number().int(),
  sha256: z.string(),
  takenAt: z.string(),
  serverVersion: z.string(),
  dumpedBy: z.string(),
  /** Without this master key it opens for nobody. */
  masterKeyVersion: z.number().int(),
  /** And without one of these not all that is sealed in it. */
  masterKeyVersions: z.array(z.number().int()),
  figures: figuresSchema,
  samples: z.array(sampleSchema),
  /** Owners and those with rights, whom a server needs before it can be restored. */
  roles: z.array(z.object({ name: z.string(), memberOf: z.array(z.string()) })),
});

export type Manifest = z.infer<typeof manifestSchema>;

const MANIFEST = '.manifest.json';
const BACKUP = '.backup';

/** The run is in it: a repetition never writes over what another attempt has left. */
export function objectNames(name: string, run: string): { readonly backup: string; readonly manifest: string } {
  return { backup: `${name}.${run}${BACKUP}`, manifest: `${name}.${run}${MANIFEST}` };
}

/** Of a backup, or its own. */
export function manifestNameOf(object: string): string {
  return object.endsWith(BACKUP) ? `${object.slice(0, -BACKUP.length)}${MANIFEST}` : object;
}

/** Two lines: what it says, and the seal of it. */
export function writtenManifest(manifest: Manifest, vault: Vault): Buffer {
  const text = JSON.stringify(manifest);
  const seal = vault.seal(digestOf(text), placeOf(manifest.name), manifest.masterKeyVersion);
  return Buffer.from(`${text}\n${JSON.stringify(seal)}\n`, 'utf8');
}

/** `object`: by which name it was asked for; an older pair that was laid in the place of a newer one proves that one alone. @throws BackupRejected when it is none of ours */
export function readManifest(bytes: Buffer, object: string, vault: Vault): Manifest {
  const [text = '', sealText = ''] = bytes.toString('utf8').split('\n');
  const parsed = parsedOrNull(text, sealText);
  if (parsed === null) throw new BackupRejected('its manifest cannot be read');
  const { manifest, seal } = parsed;
  let digest: string;
  try {
    digest = vault.open(seal, placeOf(manifest.name));
  } catch (error) {
    throw new BackupRejected(`its manifest is not sealed with the master keys that are here: ${reasonOf(error)}`);
  }
  if (digest !== digestOf(text)) throw new BackupRejected('its manifest was changed after it was sealed');
  if (manifestNameOf(manifest.object) !== manifestNameOf(object))
    throw new BackupRejected(`in the place of its manifest is that of ${manifest.object}`);
  return manifest;
}

function parsedOrNull(text: string, sealText: string) {
  try {
    return { manifest: manifestSchema.parse(JSON.parse(text)), seal: sealedSchema.parse(JSON.parse(sealText)) };
  } catch {
    return null;
  }
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function placeOf(name: string): SealContext {
  return { table: 'backups', rowId: name, column: 'manifest', origin: 'backup:' };
}
