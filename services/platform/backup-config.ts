// What backups need to be told, read and refused like the rest of the configuration (config.ts): by a worker, which takes them by night, and
// by the commands with which a person takes and verifies one.
import { tmpdir } from 'node:os';
import { isAbsolute } from 'node:path';
import { z } from 'zod';
import type { Keyring } from '../vault/vault.ts';
import { type Environment, parseSettings, readKeyring, url, wholeNumber } from './config.ts';

export interface BackupSettings {
  /** As a member of tollgate_backup. */
  readonly databaseUrl: string;
  readonly masterKeys: Keyring;
  readonly storage: StorageSettings;
  /** Where PostgreSQL's programs are looked for before everywhere else. */
  readonly pgBin: string | null;
  readonly path: string;
  /** Where a server may be made and removed. */
  readonly temporary: string;
}

export type StorageSettings = { readonly folder: string } | { readonly s3: S3Settings };

export interface S3Settings {
  readonly bucket: string;
  /** Ends with a slash, or is empty. */
  readonly prefix: string;
  /** Null: Amazon's. */
  readonly endpoint: string | null;
  readonly region: string;
  readonly writing: S3Credential;
  readonly removing: S3Credential;
  /** For how long nobody removes an object, in a bucket that knows locks; null: it is not asked to. */
  readonly lockDays: number | null;
}

export interface S3Credential {
  readonly id: string;
  readonly secret: string;
}

/** Null: no backups are taken here, or what is wrong is among the problems. */
export function backupSettings(env: Environment, problems: string[]): BackupSettings | null {
  if (!env.TOLLGATE_BACKUP_STORE?.trim()) return null;
  const settings = parseSettings(Settings, env, problems);
  const masterKeys = readKeyring('Master', 'TOLLGATE_MASTER_KEYS', env, problems);
  const storage = settings === null ? null : storageIn(settings, problems);
  if (settings === null || masterKeys === null || storage === null) return null;
  return Object.freeze({
    databaseUrl: settings.DATABASE_URL_BACKUP,
    masterKeys,
    storage,
    pgBin: settings.PG_BIN ?? null,
    path: env.PATH ?? '',
    temporary: settings.TOLLGATE_BACKUP_SCRATCH ?? tmpdir(),
  });
}

const S3_URL = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/;
const CREDENTIAL = /^([^:\s]+):(\S+)$/;
const isFolder = (place: string) => isAbsolute(place);

const folder = z.string().refine(isFolder, 'must be the absolute path of a folder');
const credential = z.string().regex(CREDENTIAL, 'must be <access key id>:<secret access key>').optional();

const Settings = z.object({
  DATABASE_URL_BACKUP: url('postgres:', 'postgresql:'),
  TOLLGATE_BACKUP_STORE: z
    .string()
    .refine(
      (place) => isFolder(place) || S3_URL.test(place),
      'must be the absolute path of a folder, or s3://bucket/prefix',
    ),
  TOLLGATE_BACKUP_ENDPOINT: url('http:', 'https:').optional(),
  TOLLGATE_BACKUP_REGION: z.string().default('us-east-1'),
  TOLLGATE_BACKUP_WRITER: credential,
  TOLLGATE_BACKUP_REMOVER: credential,
  // What is younger than a week is never removed by us; what was locked for longer we could not remove.
  TOLLGATE_BACKUP_LOCK_DAYS: wholeNumber(1, 7).optional(),
  TOLLGATE_BACKUP_SCRATCH: folder.optional(),
  PG_BIN: z.string().optional(),
});

/** Null: what is missing is among the problems. */
function storageIn(settings: z.infer<typeof Settings>, problems: string[]): StorageSettings | null {
  const { TOLLGATE_BACKUP_STORE: place } = settings;
  const [, bucket, prefix = ''] = S3_URL.exec(place) ?? [];
  if (bucket === undefined) return { folder: place };
  const writing = credentialIn(settings.TOLLGATE_BACKUP_WRITER);
  const removing = credentialIn(settings.TOLLGATE_BACKUP_REMOVER);
  if (writing === null || removing === null || writing.id === removing.id) {
    problems.push(
      'TOLLGATE_BACKUP_WRITER and TOLLGATE_BACKUP_REMOVER must be two credentials: who writes may not remove',
    );
    return null;
  }
  return {
    s3: {
      ...{ bucket, prefix: prefix === '' ? '' : `${prefix.replace(/\/+$/, '')}/`, writing, removing },
      endpoint: settings.TOLLGATE_BACKUP_ENDPOINT ?? null,
      region: settings.TOLLGATE_BACKUP_REGION,
      lockDays: settings.TOLLGATE_BACKUP_LOCK_DAYS ?? null,
    },
  };
}

/** Null: none was given. */
function credentialIn(text: string | undefined): S3Credential | null {
  const [, id, secret] = CREDENTIAL.exec(text ?? '') ?? [];
  return id === undefined || secret === undefined ? null : { id, secret };
}
