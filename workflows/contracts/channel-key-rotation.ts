// What outsiders may know of the process that changes the key in a place of a channel: how it is started, found and told, and what its activities do.
import { defineUpdate } from '@temporalio/workflow';
import type { ProcessView } from './billing-process.ts';

export const CHANNEL_KEY_ROTATION = 'channelKeyRotation';
export const CHANNEL_KEY_ROTATION_TICK = 'channelKeyRotationTick';
/** As it stands in workflow ids and in the outbox. */
export const ROTATE_CHANNEL_KEY = 'rotate:channel-key';

export function channelKeyRotationWorkflowId(slotId: string): string {
  return `${ROTATE_CHANNEL_KEY}:${slotId}`;
}

export interface ChannelKeyRotationInput {
  readonly v: 1;
  /** The place; its newest rotation is meant. */
  readonly slotId: string;
}

export interface ChannelKeyRotationTickInput {
  readonly v: 1;
}

/** The row as an activity saw it. */
export interface ChannelKeyRotationView extends ProcessView {
  readonly rotationId: string;
  readonly channelId: string;
  readonly channelName: string;
  readonly slotId: string;
  readonly oldKeyId: string;
  /** Null: there is none yet. */
  readonly newKeyId: string | null;
  readonly stage: string;
  /** Of requests that get the new key; null: it is not the canary. */
  readonly percent: number | null;
  readonly isEmergency: boolean;
  /** Why it was rolled back, or is being. */
  readonly why: string | null;
  /** There is something to do at once: look again. */
  readonly goesOn: boolean;
}

/** A decision is a row, made by whoever may decide and carried out where it was written; its id is all that is told, and proves nothing (D136). */
export interface RotationDecisionTold {
  readonly decisionId: string;
}

export type RotationDecisionOutcome =
  | { readonly kind: 'done'; readonly view: ChannelKeyRotationView }
  | { readonly kind: 'refused'; readonly why: string };

export interface ChannelKeyRotationActivities {
  /** Looks, and has at most one thing done at the provider. */
  tickChannelKeyRotation(input: { readonly slotId: string }): Promise<ChannelKeyRotationView>;
  lookUpRotationDecision(input: RotationDecisionTold & { readonly slotId: string }): Promise<RotationDecisionOutcome>;
  /** Of keys that are older than they may be; how many. */
  startDueChannelKeyRotations(): Promise<number>;
}

export const supplyKey = defineUpdate<ChannelKeyRotationView, [RotationDecisionTold]>('supplyKey');
export const finish = defineUpdate<ChannelKeyRotationView, [RotationDecisionTold]>('finish');
export const rollback = defineUpdate<ChannelKeyRotationView, [RotationDecisionTold]>('rollback');
export const extend = defineUpdate<ChannelKeyRotationView, [RotationDecisionTold]>('extend');
export const emergency = defineUpdate<ChannelKeyRotationView, [RotationDecisionTold]>('emergency');
