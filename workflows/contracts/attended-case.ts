// What backups and drills have in common: each goes on by itself until it is done or fails, and then does not let go until a person has answered.
import { defineUpdate } from '@temporalio/workflow';
import type { Command } from './commands.ts';

/** The row as an activity saw it. */
export interface AttendedView {
  readonly name: string;
  readonly stage: string;
  readonly hasEnded: boolean;
  /** A person had it made anew so often. */
  readonly round: number;
  /** Of two views the one with the higher number is the newer. */
  readonly revision: number;
  /** Why it waits for a person; null: it does not. */
  readonly trouble: string | null;
  /** ISO 8601; where it waits for a person. */
  readonly answerBy: string | null;
  /** From now to answerBy by the clock of PostgreSQL, which is not that of Temporal. */
  readonly waitMs: number;
  readonly runbook: string;
}

export type AttendedCommand = 'retryNow' | 'dismiss';

export interface AttendedEffect {
  readonly stage: string;
  readonly round: number;
}

/** Counted now, counted before, or refused with the reason. */
export type AttendedOutcome<View> =
  | { readonly kind: 'done'; readonly view: View }
  | { readonly kind: 'refused'; readonly why: string };

/** The cause is mended: make it anew, or what is left of it. */
export const retryNow = defineUpdate<AttendedEffect, [Command]>('retryNow');
/** It stays as it is: this case ends, the next night or week makes another. */
export const dismiss = defineUpdate<AttendedEffect, [Command]>('dismiss');
