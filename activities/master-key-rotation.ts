// Rotations of the master key as their workflow calls them: plain JSON in and out, a heartbeat while rows are renewed, and lines for those on watch. No key
// and no secret passes here.
import { cancellationSignal, log } from '@temporalio/activity';
import type { RotationView } from '../services/master-keys/rotation-rows.ts';
import type { RotationCommand } from '../services/master-keys/rotations.ts';
import type { MasterKeyRotationActivities, MasterKeyRotationView } from '../workflows/contracts/master-key-rotation.ts';
import { beating } from './beating.ts';

export interface SteppedRotations {
  tick(version: number): Promise<RotationView>;
  reseal(version: number, leaving: AbortSignal): Promise<RotationView>;
  command(
    version: number,
    command: RotationCommand,
  ): Promise<
    { readonly kind: 'done'; readonly answer: RotationView } | { readonly kind: 'refused'; readonly why: string }
  >;
}

export function createMasterKeyRotationActivities(
  rotations: SteppedRotations,
  runbook: string,
): MasterKeyRotationActivities {
  const told = (row: RotationView): MasterKeyRotationView => {
    const { version, stage, isPaused, revision, behind, total, resealed, left, troubles } = row;
    const attention = attentionOf(row);
    if (attention !== null) log.error('master_key_rotation_needs_attention', { version, attention });
    return { version, stage, isPaused, revision, behind, total, resealed, left, troubles, attention, runbook };
  };
  return {
    tickMasterKeyRotation: async ({ version }) => told(await rotations.tick(version)),

    async resealUnderMasterKey({ version }) {
      const row = await beating(() => rotations.reseal(version, cancellationSignal()));
      if (row.stage === 'completed') log.info('master_key_rotated', { version, resealed: row.resealed });
      return told(row);
    },

    async commandMasterKeyRotation({ version, ...command }) {
      const outcome = await rotations.command(version, command);
      return outcome.kind === 'refused' ? outcome : { kind: 'done', view: told(outcome.answer) };
    },
  };
}

function attentionOf({ stage, isLate, behind, troubles }: RotationView): string | null {
  if (isLate) return `${behind.length} processes do not have it: ${behind.join('; ')}`;
  return stage === 'attention' ? `${troubles.length} places do not open` : null;
}
