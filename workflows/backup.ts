// Takes a backup every night and when somebody asks, restores it to see whether it can be, and only then makes room by removing others.
import { proxyActivities, startChild } from '@temporalio/workflow';
import { DB, LONG } from './activity-presets.ts';
import { attend } from './attended-case.ts';
import { BACKUP_DETAILS, describe } from './backup-details.ts';
import type { AttendedEffect } from './contracts/attended-case.ts';
import {
  type BackupActivities,
  type BackupInput,
  type BackupTickInput,
  type BackupView,
  backupId,
  backupSummary,
} from './contracts/backup.ts';
import { type RestoreCheckActivities, restoreCheckId, restoreCheckSummary } from './contracts/restore-check.ts';
import { restoreCheck } from './restore-check.ts';
import { RESTORE_CHECK_DETAILS } from './restore-check-details.ts';
import { ONE_AT_A_TIME, unlessItRuns } from './unless-it-runs.ts';

const db = proxyActivities<BackupActivities & RestoreCheckActivities>(DB);
const long = proxyActivities<BackupActivities>(LONG);

/** Started by the schedule every hour: makes tonight's row and this week's when they are due, and sees that whatever has not ended is running. */
export async function backupTick(_input: BackupTickInput): Promise<void> {
  const backups = await db.openBackups.executeWithOptions({ ...DB, summary: 'backups that are due or open' }, []);
  for (const name of backups) await seeThatBackupRuns(name);
  const drills = await db.openRestoreChecks.executeWithOptions({ ...DB, summary: 'drills that are due or open' }, []);
  for (const name of drills) await seeThatDrillRuns(name);
}

export async function backup({ name }: BackupInput): Promise<AttendedEffect> {
  return await attend<BackupView>({
    look: () => db.openBackup({ name }),
    work: advance,
    remind: () => db.remindOfBackup({ name }),
    command: (command, { actor, reason, requestId }) =>
      db.commandBackup.executeWithOptions({ ...DB, summary: `${command} by ${actor}` }, [
        { name, command, actor, reason, requestId },
      ]),
    describe,
  });
}

function advance({ name, round, stage }: BackupView): Promise<BackupView> {
  const summary = (what: string) => ({ ...LONG, summary: `${what}, round ${round}` });
  const step = { name, round };
  if (stage === 'dumping') return long.takeBackup.executeWithOptions(summary('dump, seal and store'), [step]);
  if (stage === 'verifying') return long.proveBackup.executeWithOptions(summary('restore and compare'), [step]);
  return long.pruneBackups.executeWithOptions(summary('remove what is not kept'), [step]);
}

function seeThatBackupRuns(name: string): Promise<void> {
  return unlessItRuns(() =>
    startChild(backup, {
      ...ONE_AT_A_TIME,
      workflowId: backupId(name),
      args: [{ v: 1, name }],
      staticSummary: backupSummary(name),
      staticDetails: BACKUP_DETAILS,
    }),
  );
}

function seeThatDrillRuns(name: string): Promise<void> {
  return unlessItRuns(() =>
    startChild(restoreCheck, {
      ...ONE_AT_A_TIME,
      workflowId: restoreCheckId(name),
      args: [{ v: 1, name }],
      staticSummary: restoreCheckSummary(name),
      staticDetails: RESTORE_CHECK_DETAILS,
    }),
  );
}
