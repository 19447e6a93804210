// `npm run backup:verify -- <file or object>`: restores a backup on a server of its own that is gone afterwards, and says in the last line that it is
// good, or why not; exit code 0 or 1.
import { existsSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { DirectoryStore } from '../services/backups/directory-store.ts';
import { BackupRejected } from '../services/backups/rejection.ts';
import { verifyBackup } from '../services/backups/verify-backup.ts';
import { backupPlace, concluded, described } from './parts/backup-place.ts';

process.exitCode = await concluded(async () => {
  const [asked] = process.argv.slice(2);
  if (asked === undefined)
    throw new BackupRejected('name a file or an object: npm run backup:verify -- <file or object>');
  const place = await backupPlace();
  const file = resolve(asked);
  const store = existsSync(file) ? new DirectoryStore(dirname(file)) : place.store;
  return described(await verifyBackup({ ...place, store }, basename(asked)));
});
