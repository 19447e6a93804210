// What outsiders may know of a backup: how it is started, found, answered, and what its activities do.
import type { AttendedCommand, AttendedOutcome, AttendedView } from './attended-case.ts';
import type { Command } from './commands.ts';

export const BACKUP_TICK = 'backupTick';

export function backupId(name: string): string {
  return `backup:${name}`;
}

/** For lists and the UI. */
export function backupSummary(name: string): string {
  return `Takes a backup and proves it by restoring it: ${name}`;
}

export interface BackupInput {
  readonly v: 1;
  /** The row. A nightly one is named after its date: 2026-11-30. */
  readonly name: string;
}

export interface BackupTickInput {
  readonly v: 1;
}

export interface BackupView extends AttendedView {
  readonly stage: 'dumping' | 'verifying' | 'pruning' | 'attention' | 'completed' | 'dismissed';
  /** Where it lies in storage; null: nowhere yet. */
  readonly object: string | null;
  readonly bytes: number | null;
  /** ISO 8601, as the next one. */
  readonly takenAt: string | null;
  readonly provenAt: string | null;
}

interface BackupStep {
  readonly name: string;
  readonly round: number;
}

export interface BackupActivities {
  /** Makes tonight's row if it is due; the names of all that have not ended. */
  openBackups(): Promise<string[]>;
  openBackup(input: { readonly name: string }): Promise<BackupView>;
  takeBackup(input: BackupStep): Promise<BackupView>;
  proveBackup(input: BackupStep): Promise<BackupView>;
  pruneBackups(input: BackupStep): Promise<BackupView>;
  remindOfBackup(input: { readonly name: string }): Promise<BackupView>;
  commandBackup(
    input: Command & { readonly name: string; readonly command: AttendedCommand },
  ): Promise<AttendedOutcome<BackupView>>;
}
