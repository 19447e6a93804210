// The process of a rotation on a Temporal server, over a real PostgreSQL whose clock of billing goes with the server's: whoever acts does it through the
// services, and what they leave in the outbox is delivered as production delivers it.
import { Client } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import type { Pool } from 'pg';
import { createChannelKeyRotationActivities } from '../../../activities/channel-key-rotation.ts';
import type { ChannelKeyRotations } from '../../../services/channel-key-rotation/rotations.ts';
import { PokeOutbox } from '../../../services/processes/poke-outbox.ts';
import { deliverPoke } from '../../../workers/process-relay.ts';
import { CORE_QUEUE } from '../../../workflows/contracts/task-queues.ts';
import type { ThrowawayTemporal } from '../throwaway-temporal.ts';
import { workflowBundle } from '../workflow-bundle.ts';

export interface RotationHouse {
  readonly client: Client;
  /** What `work` does at this moment has reached the workflows when this resolves. */
  now<T>(work: () => Promise<T>): Promise<T>;
  stop(): Promise<void>;
}

export interface HouseParts {
  readonly admin: Pool;
  readonly db: Pool;
  readonly rotations: ChannelKeyRotations;
}

export async function openRotationHouse(
  { environment, namespace }: ThrowawayTemporal,
  { admin, db, rotations }: HouseParts,
): Promise<RotationHouse> {
  const client = new Client({ connection: environment.connection, namespace });
  const setClock = async () => {
    const at = new Date(await environment.currentTimeMs());
    await admin.query('update stopped_clock set at = greatest(at, $1)', [at]);
  };
  const worker = await Worker.create({
    connection: environment.nativeConnection,
    namespace,
    taskQueue: CORE_QUEUE,
    workflowBundle: { codePath: await workflowBundle() },
    activities: createChannelKeyRotationActivities(
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
  const working = worker.run();
  const outbox = new PokeOutbox(db);
  return {
    client,
    async now(work) {
      await setClock();
      const result = await work();
      const claimed = await outbox.claim(50);
      for (const poke of claimed) await deliverPoke(client, poke);
      await outbox.delivered(claimed);
      return result;
    },
    async stop() {
      worker.shutdown();
      await working;
    },
  };
}
