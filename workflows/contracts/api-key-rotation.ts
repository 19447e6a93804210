// What outsiders may know of the process of a rolled API key: how it is started, found and told, and what its activities do.
import { defineUpdate } from '@temporalio/workflow';
import type { ProcessView } from './billing-process.ts';
import type { Command } from './commands.ts';

export const API_KEY_ROTATION = 'apiKeyRotation';
/** As it stands in workflow ids and in the outbox. */
export const ROTATE_API_KEY = 'rotate:api-key';

export function apiKeyRotationWorkflowId(rotationId: string): string {
  return `${ROTATE_API_KEY}:${rotationId}`;
}

export interface ApiKeyRotationInput {
  readonly v: 1;
  readonly rotationId: string;
}

/** The row as an activity saw it. */
export interface ApiKeyRotationView extends ProcessView {
  readonly orgId: string;
  readonly rotationId: string;
  readonly apiKeyId: string;
  readonly apiKeyName: string;
  /** Of the replaced credential: what people know it by. */
  readonly shape: string;
  readonly endsAt: string;
  /** Null: not since it was replaced. */
  readonly usedAt: string | null;
  /** How it ended; null: the replaced credential works still. */
  readonly ended: string | null;
}

export interface ExtendOverlap extends Command {
  /** In all, from when the key was rolled. */
  readonly overlapHours: number;
}

export type ApiKeyRotationCommand =
  | (Command & { readonly command: 'endOverlap' })
  | (ExtendOverlap & { readonly command: 'extendOverlap' });

export type ApiKeyRotationOutcome =
  | { readonly kind: 'done'; readonly view: ApiKeyRotationView }
  | { readonly kind: 'refused'; readonly why: string };

export interface ApiKeyRotationActivities {
  /** Reminds whoever still uses the replaced credential, and ends what is over. */
  tickApiKeyRotation(input: { readonly rotationId: string }): Promise<ApiKeyRotationView>;
  commandApiKeyRotation(input: ApiKeyRotationCommand & { readonly rotationId: string }): Promise<ApiKeyRotationOutcome>;
}

export const extendOverlap = defineUpdate<ApiKeyRotationView, [ExtendOverlap]>('extendOverlap');
export const endOverlap = defineUpdate<ApiKeyRotationView, [Command]>('endOverlap');
