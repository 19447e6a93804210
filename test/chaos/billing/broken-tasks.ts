// What a worker was at when it was killed, as Temporal's histories tell it: a task that it had begun and never ended, so that its time ran out.
import { Client, Connection } from '@temporalio/client';
import { TEMPORAL_NAMESPACE } from '../../../scripts/parts/temporal.ts';
import type { Complaints } from './complaints.ts';

const AT_ONCE = 16;
/** More than a process goes through between two looks at it. */
const EVENTS_OF_A_LEAP = 100;

export interface Killed {
  readonly pid: number;
  readonly atMs: number;
}

type Histories = Awaited<ReturnType<Client['workflow']['workflowService']['getWorkflowExecutionHistoryReverse']>>;
type HistoryEvent = NonNullable<NonNullable<Histories['history']>['events']>[number];

/** To be asked at rest: by then whatever broke has run out of time and was done again. */
export async function hearOfBrokenTasks(address: string, killed: readonly Killed[], into: Complaints): Promise<void> {
  const connection = await Connection.connect({ address });
  try {
    const client = new Client({ connection, namespace: TEMPORAL_NAMESPACE });
    const runs = await runsSince(client, Math.min(...killed.map(({ atMs }) => atMs)));
    const look = async () => {
      for (let run = runs.pop(); run !== undefined; run = runs.pop()) {
        hearHistory(await lastEvents(client, run), killed, { into, of: run.workflowId });
      }
    };
    // All of them end before the connection does.
    const looks = await Promise.allSettled(Array.from({ length: AT_ONCE }, look));
    for (const one of looks) if (one.status === 'rejected') throw one.reason;
  } finally {
    await connection.close();
  }
}

interface Run {
  readonly workflowId: string;
  readonly runId: string;
}

async function runsSince({ workflow }: Client, sinceMs: number): Promise<Run[]> {
  const query = `ExecutionStatus = 'Running' or CloseTime >= '${new Date(sinceMs).toISOString()}'`;
  const runs: Run[] = [];
  for await (const { workflowId, runId } of workflow.list({ query })) runs.push({ workflowId, runId });
  return runs;
}

async function lastEvents({ workflow }: Client, execution: Run): Promise<HistoryEvent[]> {
  const { history } = await workflow.workflowService.getWorkflowExecutionHistoryReverse({
    namespace: TEMPORAL_NAMESPACE,
    execution,
    maximumPageSize: EVENTS_OF_A_LEAP,
  });
  return history?.events ?? [];
}

interface Told {
  readonly into: Complaints;
  readonly of: string;
}

function hearHistory(events: readonly HistoryEvent[], killed: readonly Killed[], { into, of }: Told): void {
  const begunAt = new Map(events.map((event) => [Number(event.eventId), event]));
  for (const event of events) {
    const timedOut = event.workflowTaskTimedOutEventAttributes;
    const begun = begunAt.get(Number(timedOut?.startedEventId ?? 0))?.workflowTaskStartedEventAttributes;
    const whose = killed.find(({ pid }) => begun?.identity?.endsWith(`:${pid}`));
    if (whose !== undefined) {
      into.hear({ atMs: msOf(event), of: 'worker', pid: whose.pid, by: 'Temporal', what: `a task of ${of} timed out` });
    }
    // Of an activity only the last try has a place in the history, with what became of the one before.
    const again = event.activityTaskStartedEventAttributes;
    const scheduled = begunAt.get(Number(again?.scheduledEventId ?? 0));
    if (again?.lastFailure?.timeoutFailureInfo == null || scheduled === undefined) continue;
    for (const { pid, atMs } of killed) {
      if (atMs < msOf(scheduled) || atMs > msOf(event)) continue;
      const name = scheduled.activityTaskScheduledEventAttributes?.activityType?.name;
      into.hear({ atMs: msOf(event), of: 'worker', pid, by: 'Temporal', what: `${name} of ${of} timed out` });
    }
  }
}

function msOf({ eventTime }: HistoryEvent): number {
  return Number(eventTime?.seconds ?? 0) * 1_000 + Math.floor((eventTime?.nanos ?? 0) / 1e6);
}
