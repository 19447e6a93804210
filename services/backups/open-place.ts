// Storage, vault and programs of an installation, as its configuration names them.
import { join } from 'node:path';
import type { BackupSettings, StorageSettings } from '../platform/backup-config.ts';
import { Vault } from '../vault/vault.ts';
import { DirectoryStore } from './directory-store.ts';
import type { ObjectStore } from './object-store.ts';
import { programFolders } from './postgres-programs.ts';
import type { BackupSource } from './take-backup.ts';
import type { VerificationPlace } from './verify-backup.ts';

/** `vault`: of a process that lives on while master keys change; else one of its own. */
export async function openBackupPlace(
  { databaseUrl, masterKeys, storage, pgBin, path, temporary }: BackupSettings,
  vault = new Vault(masterKeys),
): Promise<BackupSource & VerificationPlace> {
  return {
    databaseUrl,
    store: await openStore(storage),
    vault,
    programs: programFolders(pgBin, path),
    temporary,
    migrations: join(import.meta.dirname, '../../migrations'),
  };
}

/** The SDK of object storage is large: whoever stores in a folder has none of it in memory. */
async function openStore(storage: StorageSettings): Promise<ObjectStore> {
  if ('folder' in storage) return new DirectoryStore(storage.folder);
  const { S3Store } = await import('./s3-store.ts');
  return new S3Store(storage.s3);
}
