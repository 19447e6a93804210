// `npm run restore -- --from <file or object> --into <url>`: restores a backup into an empty database, and puts billing on hold.
// `npm run restore -- --reconcile --into <url>`: brings back into it what Stripe did since, and clears the hold; `--recovered-to <time>` after a
// recovery of PostgreSQL's own to a point in time, which has put nothing on hold. The last line says what came of it; exit code 0 or 1.
import { existsSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { DirectoryStore } from '../services/backups/directory-store.ts';
import { BackupRejected } from '../services/backups/rejection.ts';
import { restoreBackup } from '../services/backups/restore-backup.ts';
import { backupPlace, concluded } from './parts/backup-place.ts';
import { reconcileInto } from './parts/reconciliation.ts';

const USAGE =
  'npm run restore -- --from <file or object> --into <url>, or npm run restore -- --reconcile --into <url> [--recovered-to <time>]';

const OPTIONS = {
  from: { type: 'string' },
  into: { type: 'string' },
  reconcile: { type: 'boolean' },
  'recovered-to': { type: 'string' },
} as const;

process.exitCode = await concluded(async (say) => {
  const { from, into, reconcile, 'recovered-to': recoveredTo } = parseArgs({ options: OPTIONS }).values;
  const isOneOfBoth = (from === undefined) === (reconcile === true);
  if (into === undefined || !isOneOfBoth || (recoveredTo !== undefined && from !== undefined))
    throw new BackupRejected(USAGE);
  if (from === undefined) return await reconcileInto(into, recoveredTo ?? null, say);
  return await restored(from, into, say);
});

async function restored(from: string, into: string, say: (text: string) => void): Promise<string> {
  const place = await backupPlace();
  const file = resolve(from);
  const store = existsSync(file) ? new DirectoryStore(dirname(file)) : place.store;
  say(`restoring ${basename(from)} from ${store.place}`);
  const { manifest, tables, rows, invariants, migrated, epoch, restoredInMs } = await restoreBackup(
    { ...place, store },
    basename(from),
    into,
  );
  say(`what happened since ${manifest.takenAt} is not in it: npm run restore -- --reconcile --into <url>`);
  const seconds = (restoredInMs / 1_000).toFixed(1);
  return `restored: ${manifest.object} of ${manifest.takenAt}, ${tables} tables with ${rows} rows, ${invariants} invariants hold, ${migrated} migrations applied, in ${seconds} s; billing is on hold, epoch ${epoch}`;
}
