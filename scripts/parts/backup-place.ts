// For the commands of backups: the place that the environment names, else that of the installation in $TOLLGATE_HOME, which `npm start` has
// noted there; and how a command ends, with its verdict as the last line.
import { join } from 'node:path';
import { openBackupPlace } from '../../services/backups/open-place.ts';
import { reasonOf } from '../../services/backups/rejection.ts';
import type { Proof } from '../../services/backups/verify-backup.ts';
import { backupSettings } from '../../services/platform/backup-config.ts';
import type { Launch } from './home.ts';
import { notedEnvironment, noteEnvironment } from './noted-environment.ts';
import { masterKeysFile } from './secrets.ts';

/** What a worker of this installation is told of backups, and noted for the commands. */
export function backupEnvironment({ home }: Pick<Launch, 'home'>, databaseUrl: string, pgBin: string) {
  const environment = {
    DATABASE_URL_BACKUP: databaseUrl,
    TOLLGATE_BACKUP_STORE: process.env.TOLLGATE_BACKUP_STORE || join(home, 'backups'),
    TOLLGATE_MASTER_KEYS_FILE: masterKeysFile(home),
    PG_BIN: pgBin,
  };
  noteEnvironment(home, 'backup', environment);
  return environment;
}

export async function backupPlace() {
  const problems: string[] = [];
  const settings = backupSettings({ ...notedEnvironment('backup'), ...process.env }, problems);
  if (settings !== null) return await openBackupPlace(settings);
  const nowhere = 'TOLLGATE_BACKUP_STORE is not set, and no installation was started here (npm start)';
  throw new Error(problems.length > 0 ? problems.join('; ') : nowhere);
}

/** The exit code. */
export async function concluded(work: (say: (text: string) => void) => Promise<string>): Promise<number> {
  try {
    process.stdout.write(`${await work((text) => process.stdout.write(`${text}\n`))}\n`);
    return 0;
  } catch (error) {
    process.stdout.write(`rejected: ${reasonOf(error)}\n`);
    return 1;
  }
}

export function described({ manifest, restoredInMs, verifiedInMs, tables, rows, invariants }: Proof): string {
  const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`;
  return `good: ${manifest.object} of ${manifest.takenAt}, ${tables} tables with ${rows} rows, ${invariants} invariants hold, restored in ${seconds(restoredInMs)}, verified in ${seconds(verifiedInMs)}`;
}
