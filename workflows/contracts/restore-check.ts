// What outsiders may know of a drill: how it is started, found, answered, and what its activities do.
import type { AttendedCommand, AttendedOutcome, AttendedView } from './attended-case.ts';
import type { Command } from './commands.ts';

export function restoreCheckId(name: string): string {
  return `restore-check:${name}`;
}

/** For lists and the UI. */
export function restoreCheckSummary(name: string): string {
  return `Restores a backup from storage, by the clock: ${name}`;
}

export interface RestoreCheckInput {
  readonly v: 1;
  /** The row. A weekly one is named after its week: 2026-w48. */
  readonly name: string;
}

export interface RestoreCheckView extends AttendedView {
  readonly stage: 'restoring' | 'attention' | 'completed' | 'dismissed';
  /** The backup that is restored. */
  readonly backup: string;
  readonly restoredInMs: number | null;
}

export interface RestoreCheckActivities {
  /** Makes this week's row if it is due; the names of all that have not ended. */
  openRestoreChecks(): Promise<string[]>;
  openRestoreCheck(input: { readonly name: string }): Promise<RestoreCheckView>;
  restoreBackup(input: { readonly name: string; readonly round: number }): Promise<RestoreCheckView>;
  remindOfRestoreCheck(input: { readonly name: string }): Promise<RestoreCheckView>;
  commandRestoreCheck(
    input: Command & { readonly name: string; readonly command: AttendedCommand },
  ): Promise<AttendedOutcome<RestoreCheckView>>;
}
