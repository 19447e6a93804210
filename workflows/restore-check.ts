// The weekly drill: a backup that has lain in storage is fetched and restored whole, by the clock.
import { proxyActivities } from '@temporalio/workflow';
import { DB, LONG } from './activity-presets.ts';
import { attend } from './attended-case.ts';
import type { AttendedEffect } from './contracts/attended-case.ts';
import type { RestoreCheckActivities, RestoreCheckInput, RestoreCheckView } from './contracts/restore-check.ts';
import { describe } from './restore-check-details.ts';

const db = proxyActivities<RestoreCheckActivities>(DB);
const long = proxyActivities<RestoreCheckActivities>(LONG);

export async function restoreCheck({ name }: RestoreCheckInput): Promise<AttendedEffect> {
  return await attend<RestoreCheckView>({
    look: () => db.openRestoreCheck({ name }),
    work: ({ round, backup }) =>
      long.restoreBackup.executeWithOptions({ ...LONG, summary: `restore ${backup}, round ${round}` }, [
        { name, round },
      ]),
    remind: () => db.remindOfRestoreCheck({ name }),
    command: (command, { actor, reason, requestId }) =>
      db.commandRestoreCheck.executeWithOptions({ ...DB, summary: `${command} by ${actor}` }, [
        { name, command, actor, reason, requestId },
      ]),
    describe,
  });
}
