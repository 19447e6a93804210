// Rotations of API keys as their workflow calls them: plain JSON in and out.

import type { ApiKeyRotationActivities, ApiKeyRotationView } from '../workflows/contracts/api-key-rotation.ts';
import type { Command } from '../workflows/contracts/commands.ts';

type Row = Omit<ApiKeyRotationView, 'runbook'>;

/** What a command changes is saved before it answers. */
export interface SteppedApiKeyRotations {
  tick(rotationId: string): Promise<Row>;
  command(
    rotationId: string,
    told: Command & { readonly command: string; readonly overlapHours?: unknown },
  ): Promise<{ readonly kind: 'done'; readonly answer: Row } | { readonly kind: 'refused'; readonly why: string }>;
}

export function createApiKeyRotationActivities(
  rotations: SteppedApiKeyRotations,
  runbook: string,
): ApiKeyRotationActivities {
  return {
    async tickApiKeyRotation({ rotationId }) {
      return { ...(await rotations.tick(rotationId)), runbook };
    },

    async commandApiKeyRotation({ rotationId, ...told }) {
      const outcome = await rotations.command(rotationId, told);
      return outcome.kind === 'refused' ? outcome : { kind: 'done', view: { ...outcome.answer, runbook } };
    },
  };
}
