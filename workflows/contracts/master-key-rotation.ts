// What outsiders may know of the rotation of the master key: how it is started, found and told, and what its activities do.
import { defineUpdate } from '@temporalio/workflow';
import type { Command } from './commands.ts';

export const MASTER_KEY_ROTATION = 'masterKeyRotation';
/** As it stands in workflow ids and in the outbox. */
export const ROTATE_MASTER_KEY = 'rotate:master-key';

export function masterKeyRotationWorkflowId(version: number): string {
  return `${ROTATE_MASTER_KEY}:${version}`;
}

export interface MasterKeyRotationInput {
  readonly v: 1;
  /** The new one. */
  readonly version: number;
}

export type MasterKeyRotationStage = 'acknowledging' | 'resealing' | 'attention' | 'completed' | 'cancelled';

/** The row as an activity saw it. No key is in it, nor anything sealed. */
export interface MasterKeyRotationView {
  readonly version: number;
  readonly stage: MasterKeyRotationStage;
  readonly isPaused: boolean;
  /** Of two views the one with the higher number is the newer. */
  readonly revision: number;
  /** Processes that do not have the new version, in words. */
  readonly behind: readonly string[];
  /** Null: the new version does not seal yet. */
  readonly total: number | null;
  readonly resealed: number;
  /** Rows that are sealed under another version. */
  readonly left: number;
  /** Places that do not open, in words. */
  readonly troubles: readonly string[];
  /** Why a person must look at it; null: nobody must. */
  readonly attention: string | null;
  readonly runbook: string;
}

/** `cancel`: only before the new version seals. `dismiss`: what does not open stays as it is. */
export type MasterKeyRotationCommandName = 'pause' | 'resume' | 'cancel' | 'retryNow' | 'dismiss';

export type MasterKeyRotationOutcome =
  | { readonly kind: 'done'; readonly view: MasterKeyRotationView }
  | { readonly kind: 'refused'; readonly why: string };

export interface MasterKeyRotationActivities {
  /** Lets the new version seal once every process has it. */
  tickMasterKeyRotation(input: { readonly version: number }): Promise<MasterKeyRotationView>;
  /** Until nothing is left under another version, or it was paused. */
  resealUnderMasterKey(input: { readonly version: number }): Promise<MasterKeyRotationView>;
  commandMasterKeyRotation(
    input: Command & { readonly version: number; readonly command: MasterKeyRotationCommandName },
  ): Promise<MasterKeyRotationOutcome>;
}

export const pause = defineUpdate<MasterKeyRotationView, [Command]>('pause');
export const resume = defineUpdate<MasterKeyRotationView, [Command]>('resume');
export const cancel = defineUpdate<MasterKeyRotationView, [Command]>('cancel');
export const retryNow = defineUpdate<MasterKeyRotationView, [Command]>('retryNow');
export const dismiss = defineUpdate<MasterKeyRotationView, [Command]>('dismiss');
