// `npm run backup`: takes a backup now, in this process, and proves it by restoring it. What a person has taken stays until a person removes it. The
// last line says what came of it; exit code 0 or 1.
import { randomUUID } from 'node:crypto';
import { manifestNameOf } from '../services/backups/manifest.ts';
import { takeBackup } from '../services/backups/take-backup.ts';
import { verifyBackup } from '../services/backups/verify-backup.ts';
import { backupPlace, concluded, described } from './parts/backup-place.ts';

process.exitCode = await concluded(async (say) => {
  const place = await backupPlace();
  const run = randomUUID();
  const name = `by-hand-${new Date().toISOString().slice(0, 19).replaceAll(/[:T]/g, '-')}`;
  say(`taking ${name} to ${place.store.place}`);
  const { object, bytes } = await takeBackup(place, { name, run });
  say(`taken: ${object}, ${bytes} bytes; restoring it to see whether it can be`);
  return described(await verifyBackup(place, manifestNameOf(object)));
});
