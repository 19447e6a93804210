// The process of a rotation of a channel's key in a house of processes.
import type { Pool } from 'pg';
import { createChannelKeyRotationActivities } from '../../../activities/channel-key-rotation.ts';
import type { ChannelKeyRotations } from '../../../services/channel-key-rotation/rotations.ts';
import type { ThrowawayTemporal } from '../throwaway-temporal.ts';
import { openProcessHouse, type ProcessHouse } from './process-house.ts';

interface RotationParts {
  readonly admin: Pool;
  readonly db: Pool;
  readonly rotations: ChannelKeyRotations;
}

export function openRotationHouse(
  temporal: ThrowawayTemporal,
  { admin, db, rotations }: RotationParts,
): Promise<ProcessHouse> {
  return openProcessHouse(temporal, {
    ...{ admin, db, process: 'rotate:channel-key', beginsAt: null },
    activities: (setClock) =>
      createChannelKeyRotationActivities(
        {
          async tick(slotId) {
            await setClock();
            return rotations.tick(slotId);
          },
          decide: (slotId, decisionId) => rotations.decide(slotId, decisionId),
          async startDue() {
            await setClock();
            return rotations.startDue();
          },
        },
        'docs/operations.md',
      ),
  });
}
