// What outsiders may know of the reconciliation: how it is started, found, answered, and what its activities do.
import { defineUpdate } from '@temporalio/workflow';
import type { Command } from './commands.ts';

export const RECONCILIATION = 'reconciliation';
export const RECONCILIATION_TICK = 'reconciliationTick';

export function reconciliationId(name: string): string {
  return `reconciliation:${name}`;
}

/** For lists and the UI. */
export function reconciliationSummary(name: string): string {
  return `Proves the ledger from its entries: ${name}`;
}

export interface ReconciliationInput {
  readonly v: 1;
  /** The row. A nightly one is named after its date: 2026-11-29. */
  readonly name: string;
}

export interface ReconciliationTickInput {
  readonly v: 1;
}

export type ReconciliationStage = 'running' | 'attention' | 'completed' | 'dismissed';

export interface Finding {
  /** I3 */
  readonly id: string;
  readonly title: string;
  readonly count: number;
  readonly examples: readonly string[];
}

/** The row as an activity saw it. */
export interface Reconciliation {
  readonly name: string;
  readonly stage: ReconciliationStage;
  /** The verification that is under way, or was the last. */
  readonly round: number;
  /** Of two views the one with the higher number is the newer. */
  readonly revision: number;
  readonly invariants: number | null;
  readonly findings: readonly Finding[];
  /** ISO 8601; in stage attention only. */
  readonly answerBy: string | null;
  /** From now to answerBy by the clock of PostgreSQL, which is not that of Temporal. */
  readonly waitMs: number;
  readonly runbook: string;
}

export type ReconciliationCommand = 'retryNow' | 'dismiss';

export interface CommandEffect {
  readonly stage: ReconciliationStage;
  readonly round: number;
}

/** Counted now, counted before, or refused with the reason. */
export type CommandOutcome =
  | { readonly kind: 'done'; readonly effect: CommandEffect; readonly row: Reconciliation }
  | { readonly kind: 'refused'; readonly why: string };

export interface ReconciliationActivities {
  /** Makes tonight's row if it is due; the names of all that have not ended. */
  openReconciliations(): Promise<string[]>;
  openReconciliation(input: { readonly name: string }): Promise<Reconciliation>;
  verifyLedger(input: { readonly name: string; readonly round: number }): Promise<Reconciliation>;
  remindOfReconciliation(input: { readonly name: string }): Promise<Reconciliation>;
  commandReconciliation(
    input: Command & { readonly name: string; readonly command: ReconciliationCommand },
  ): Promise<CommandOutcome>;
}

/** The cause is mended, or was none: verify again. */
export const retryNow = defineUpdate<CommandEffect, [Command]>('retryNow');
/** The findings are known and will stay: this case ends, the next night verifies again. */
export const dismiss = defineUpdate<CommandEffect, [Command]>('dismiss');
