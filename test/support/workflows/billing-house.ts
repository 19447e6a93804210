// The processes of billing on a Temporal server, with a book in memory for PostgreSQL and Stripe: workers on both queues, and pokes that
// are delivered as production delivers them.
import { Client } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import { createCardAskActivities } from '../../../activities/card-asks.ts';
import { createDunningActivities } from '../../../activities/dunning.ts';
import { lookAfter } from '../../../activities/look-after.ts';
import { createRepairActivities } from '../../../activities/repair.ts';
import { createSubscriptionActivities } from '../../../activities/subscription.ts';
import { MINUTE_MS } from '../../../domain/moments.ts';
import type { PayloadCodec } from '../../../services/vault/payload-codec.ts';
import { deliverPoke } from '../../../workers/process-relay.ts';
import { BILLING_QUEUE, CORE_QUEUE } from '../../../workflows/contracts/task-queues.ts';
import type { ThrowawayTemporal } from '../throwaway-temporal.ts';
import { workflowBundle } from '../workflow-bundle.ts';
import { BillingBook } from './billing-book.ts';

export interface BillingHouse {
  readonly book: BillingBook;
  readonly client: Client;
  /** Its workflows go with it. */
  stop(): Promise<void>;
}

/** `now`: of billing. Without a codec what Temporal stores can be read. */
export async function openBillingHouse(
  { environment, namespace }: ThrowawayTemporal,
  now: () => Promise<number>,
  payloadCodecs: PayloadCodec[] = [],
): Promise<BillingHouse> {
  const dataConverter = { payloadCodecs };
  const client = new Client({ connection: environment.connection, namespace, dataConverter });
  const book = new BillingBook({ now, poke: (process, subject) => deliverPoke(client, { process, subject }) });
  const place = { connection: environment.nativeConnection, namespace, dataConverter };
  const processes = {
    ...createSubscriptionActivities(book.steppedSubscriptions(), 'docs/operations.md'),
    ...createDunningActivities(book.steppedDunnings(), 'docs/operations.md'),
  };
  const cardAsks = createCardAskActivities(book.answer, lookAfter(processes));
  const workers = await Promise.all([
    Worker.create({
      ...place,
      taskQueue: CORE_QUEUE,
      workflowBundle: { codePath: await workflowBundle() },
      activities: {
        ...processes,
        ...cardAsks,
        ...createRepairActivities(async () => {
          const stranded = book.unattended(await now(), 10 * MINUTE_MS);
          for (const { of, id } of stranded) await deliverPoke(client, { process: of, subject: id });
          return { poked: stranded.length, late: stranded.length };
        }),
        openReconciliations: async () => [],
      },
    }),
    Worker.create({ ...place, taskQueue: BILLING_QUEUE, activities: cardAsks }),
  ]);
  const working = workers.map((worker) => worker.run());
  return {
    book,
    client,
    async stop() {
      const ended = [...book.wakes.keys()].map((workflowId) => client.workflow.getHandle(workflowId).terminate());
      await Promise.allSettled(ended);
      for (const worker of workers) worker.shutdown();
      await Promise.all(working);
    },
  };
}

/** On the server that skips time: its days are days of billing, which begin at the given moment. */
export async function houseOfSkippedTime(temporal: ThrowawayTemporal, beginsAt: string): Promise<BillingHouse> {
  const { environment } = temporal;
  const aheadMs = Date.parse(beginsAt) - (await environment.currentTimeMs());
  return await openBillingHouse(temporal, async () => (await environment.currentTimeMs()) + aheadMs);
}
