// Backups and drills as workflows call them: plain JSON in and out, a heartbeat while they work, and lines for those on watch.
import { activityInfo, log } from '@temporalio/activity';
import type { BackupRow, Backups } from '../services/backups/backups.ts';
import type { RestoreCheckRow, RestoreChecks } from '../services/backups/restore-checks.ts';
import { type BackupActivities, type BackupView, backupId } from '../workflows/contracts/backup.ts';
import {
  type RestoreCheckActivities,
  type RestoreCheckView,
  restoreCheckId,
} from '../workflows/contracts/restore-check.ts';
import { beating } from './beating.ts';

/** A step that has failed so often does not mend itself. With the patience of LONG that is some minutes. */
const TRIES = 5;

export function createBackupActivities(backups: Backups, runbook: string): BackupActivities {
  const told = ({ run: _, ...row }: BackupRow): BackupView => ({
    ...row,
    hasEnded: row.stage === 'completed' || row.stage === 'dismissed',
    trouble: row.stage === 'completed' ? null : row.trouble,
    takenAt: row.takenAt?.toISOString() ?? null,
    provenAt: row.provenAt?.toISOString() ?? null,
    answerBy: row.answerBy?.toISOString() ?? null,
    runbook,
  });
  const concluded = (row: BackupRow): BackupView => {
    const { name, stage, round, trouble, object } = row;
    if (stage === 'attention') log.error('backup_failed', { backup: name, round, trouble });
    if (stage === 'completed') log.info('backup_proven', { backup: name, round, object });
    return told(row);
  };
  return {
    openBackups: () => backups.openDue(),
    openBackup: async ({ name }) => told(await backups.open(name)),
    takeBackup: async (step) => concluded(await beating(() => backups.take({ ...step, isLast: isLastTry() }))),
    proveBackup: async (step) => concluded(await beating(() => backups.prove({ ...step, isLast: isLastTry() }))),
    pruneBackups: async (step) => concluded(await beating(() => backups.prune({ ...step, isLast: isLastTry() }))),

    async remindOfBackup({ name }) {
      const { isOverdue, row } = await backups.remind(name);
      if (isOverdue) log.error('backup_unanswered', { backup: name });
      return told(row);
    },

    async commandBackup(command) {
      const outcome = await backups.command(backupId(command.name), command);
      return outcome.kind === 'refused' ? outcome : { kind: 'done', view: told(outcome.answer) };
    },
  };
}

export function createRestoreCheckActivities(drills: RestoreChecks, runbook: string): RestoreCheckActivities {
  const told = (row: RestoreCheckRow): RestoreCheckView => ({
    ...row,
    hasEnded: row.stage === 'completed' || row.stage === 'dismissed',
    trouble: row.stage === 'completed' ? null : row.trouble,
    answerBy: row.answerBy?.toISOString() ?? null,
    runbook,
  });
  return {
    openRestoreChecks: () => drills.openDue(),
    openRestoreCheck: async ({ name }) => told(await drills.open(name)),

    async restoreBackup(step) {
      const row = await beating(() => drills.restore({ ...step, isLast: isLastTry() }));
      const { name, backup, stage, trouble, restoredInMs } = row;
      if (stage === 'attention') log.error('restore_check_failed', { drill: name, backup, trouble });
      if (stage === 'completed') log.info('restore_check_passed', { drill: name, backup, restoredInMs });
      return told(row);
    },

    async remindOfRestoreCheck({ name }) {
      const { isOverdue, row } = await drills.remind(name);
      if (isOverdue) log.error('restore_check_unanswered', { drill: name });
      return told(row);
    },

    async commandRestoreCheck(command) {
      const outcome = await drills.command(restoreCheckId(command.name), command);
      return outcome.kind === 'refused' ? outcome : { kind: 'done', view: told(outcome.answer) };
    },
  };
}

function isLastTry(): boolean {
  return activityInfo().attempt >= TRIES;
}
