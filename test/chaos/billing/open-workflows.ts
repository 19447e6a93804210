// The workflows that run, and which of them get nowhere. A task that is tried again may only have met a server that was killed a moment before,
// so it is watched until it succeeds: what still fails then fails for a reason of its own.
import { setTimeout as wait } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { TEMPORAL_NAMESPACE } from '../../../scripts/parts/temporal.ts';
import type { Workflow } from '../../oracle/billing/billing-facts.ts';

/** Above what lies between two tries of an activity that asks PostgreSQL (workflows/activity-presets.ts). */
const SUCCEEDS_WITHIN_MS = 60_000;
const LOOK_AGAIN_MS = 1_000;

export async function openWorkflows(address: string): Promise<Workflow[]> {
  const connection = await Connection.connect({ address });
  try {
    const { workflow } = new Client({ connection, namespace: TEMPORAL_NAMESPACE });
    const giveUpAtMs = performance.now() + SUCCEEDS_WITHIN_MS;
    const open: Workflow[] = [];
    for await (const { workflowId } of workflow.list({ query: `ExecutionStatus = 'Running'` })) {
      open.push({ id: workflowId, failure: await lastingFailure(workflow, workflowId, giveUpAtMs) });
    }
    return open;
  } finally {
    await connection.close();
  }
}

/** Null: it goes on, or has ended meanwhile. */
async function lastingFailure(
  workflow: Client['workflow'],
  workflowId: string,
  giveUpAtMs: number,
): Promise<string | null> {
  for (;;) {
    const failure = await failureNow(workflow, workflowId);
    if (failure === null || performance.now() > giveUpAtMs) return failure;
    await wait(LOOK_AGAIN_MS);
  }
}

async function failureNow(workflow: Client['workflow'], workflowId: string): Promise<string | null> {
  const { raw } = await workflow.getHandle(workflowId).describe();
  const task = raw.pendingWorkflowTask;
  if ((task?.attempt ?? 0) > 1) return `its task is tried for the ${task?.attempt}th time`;
  const activity = raw.pendingActivities?.find(({ attempt }) => (attempt ?? 0) > 1);
  if (activity === undefined) return null;
  const { activityType, attempt, lastFailure } = activity;
  return `${activityType?.name} is tried for the ${attempt}th time: ${lastFailure?.message ?? 'nobody took it'}`;
}
