// A process on a Temporal server, over a real PostgreSQL whose clock of billing goes with the server's: whoever acts does it through the services, and
// what they leave in the outbox is delivered as production delivers it.
import { Client } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import type { Pool } from 'pg';
import { PokeOutbox } from '../../../services/processes/poke-outbox.ts';
import { deliverPoke } from '../../../workers/process-relay.ts';
import { CORE_QUEUE } from '../../../workflows/contracts/task-queues.ts';
import type { ThrowawayTemporal } from '../throwaway-temporal.ts';
import { workflowBundle } from '../workflow-bundle.ts';

export interface ProcessHouse {
  readonly client: Client;
  /** What `work` does at this moment has reached the workflows when this resolves. */
  now<T>(work: () => Promise<T>): Promise<T>;
  stop(): Promise<void>;
}

export interface HouseParts {
  /** As superuser. */
  readonly admin: Pool;
  readonly db: Pool;
  /** As in the outbox. */
  readonly process: string;
  /** What the clock of billing shows at first; null: what the server's does. */
  readonly beginsAt: string | null;
  /** Each sets the clock before it looks. */
  activities(setClock: () => Promise<void>): object;
}

export async function openProcessHouse(
  { environment, namespace }: ThrowawayTemporal,
  { admin, db, process, beginsAt, activities }: HouseParts,
): Promise<ProcessHouse> {
  const client = new Client({ connection: environment.connection, namespace });
  const aheadMs = beginsAt === null ? 0 : Date.parse(beginsAt) - (await environment.currentTimeMs());
  const setClock = async () => {
    const at = new Date((await environment.currentTimeMs()) + aheadMs);
    await admin.query('update stopped_clock set at = greatest(at, $1)', [at]);
  };
  const worker = await Worker.create({
    connection: environment.nativeConnection,
    namespace,
    taskQueue: CORE_QUEUE,
    workflowBundle: { codePath: await workflowBundle() },
    activities: activities(setClock),
  });
  const working = worker.run();
  const outbox = new PokeOutbox(db);
  return {
    client,
    async now(work) {
      await setClock();
      const result = await work();
      const claimed = (await outbox.claim(50)).filter((poke) => poke.process === process);
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
