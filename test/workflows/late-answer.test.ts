// What Stripe's answer brings is the row as it was then. A process that has seen a newer one meanwhile goes on from that, however late the
// answer comes: or it would sleep until a moment that somebody has changed.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Client, type WorkflowHandle } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import { type CardAsk, poke } from '../../workflows/contracts/billing-process.ts';
import { SEARCH_ATTRIBUTES } from '../../workflows/contracts/search-attributes.ts';
import { type SubscriptionView, subscriptionWorkflowId } from '../../workflows/contracts/subscription.ts';
import { BILLING_QUEUE, CORE_QUEUE } from '../../workflows/contracts/task-queues.ts';
import { startTimeSkippingTemporal, type ThrowawayTemporal } from '../support/throwaway-temporal.ts';
import { until } from '../support/until.ts';
import { workflowBundle } from '../support/workflow-bundle.ts';

let temporal: ThrowawayTemporal;

beforeAll(async () => {
  temporal = await startTimeSkippingTemporal(SEARCH_ATTRIBUTES);
});
afterAll(() => temporal.stop());

const CHARGE: CardAsk = { kind: 'charge', invoiceId: 'the renewal', attempt: 1 };

function row(revision: number, asks: readonly CardAsk[] = []): SubscriptionView {
  return {
    orgId: 'acme',
    revision,
    phase: asks.length > 0 ? 'paying' : 'active',
    plan: 'pro',
    periodEndsAt: '2027-02-01T00:00:00.000Z',
    atPeriodEnd: 'renew',
    invoiceId: null,
    refundsRefused: 0,
    hasEnded: false,
    asks,
    waitMs: null,
    wakeAt: null,
    attention: null,
    runbook: '',
  };
}

/** Looks of which the workflow itself knows what they saw. */
async function looksTaken(process: WorkflowHandle): Promise<number> {
  const { events } = await process.fetchHistory();
  const known = events?.findLastIndex((event) => event.workflowTaskCompletedEventAttributes) ?? -1;
  return (events ?? []).slice(0, known).filter((event) => event.activityTaskCompletedEventAttributes).length;
}

test('an answer that comes after the process has seen a newer row makes it look once more', async () => {
  const { environment, namespace } = temporal;
  const client = new Client({ connection: environment.connection, namespace });
  const process = client.workflow.getHandle(subscriptionWorkflowId('late'));
  const place = { connection: environment.nativeConnection, namespace };
  let looks = 0;
  const tickSubscription = async () => {
    looks += 1;
    return looks === 1 ? row(1, [CHARGE]) : row(3);
  };
  const answerCardAsk = async () => {
    const seenByStripesAnswer = row(2);
    await process.signal(poke);
    await until(async () => (await looksTaken(process)) === 2);
    return seenByStripesAnswer;
  };
  const workers = await Promise.all([
    Worker.create({
      ...place,
      taskQueue: CORE_QUEUE,
      workflowBundle: { codePath: await workflowBundle() },
      activities: { tickSubscription },
    }),
    Worker.create({ ...place, taskQueue: BILLING_QUEUE, activities: { answerCardAsk } }),
  ]);
  const working = workers.map((worker) => worker.run());

  await client.workflow.start('subscription', {
    workflowId: process.workflowId,
    taskQueue: CORE_QUEUE,
    args: [{ v: 1, subscriptionId: 'late' }],
  });
  await until(() => looks === 3);

  expect(await looksTaken(process)).toBeGreaterThanOrEqual(2);
  await process.terminate();
  for (const worker of workers) worker.shutdown();
  await Promise.all(working);
});
