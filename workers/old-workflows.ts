// Workflows that were begun before a moment are ended: their database was restored, so what they remember has not happened. Those whose rows go on
// are started again from them.
import { setTimeout as wait } from 'node:timers/promises';
import type { TemporalClient } from './temporal.ts';

const REASON = 'The database was restored from a backup: this one comes back from its row.';
/** Lists are behind what has happened, by a second or so. */
const LOOK_AGAIN_MS = 500;
const LOOKS = 20;

/** How many were ended. @throws Error when there is one still after all looks */
export async function terminateOlder(client: TemporalClient, before: Date): Promise<number> {
  const query = `ExecutionStatus = 'Running' and StartTime < '${before.toISOString()}'`;
  const ended = new Set<string>();
  let failure: unknown = null;
  for (let looks = 0; looks < LOOKS; looks += 1) {
    let isEmpty = true;
    for await (const { workflowId, runId } of client.workflow.list({ query })) {
      isEmpty = false;
      // One that the list has not noticed yet is gone already, and says so.
      await client.workflow
        .getHandle(workflowId, runId)
        .terminate(REASON)
        .then(
          () => ended.add(runId),
          (error: unknown) => {
            failure = error;
          },
        );
    }
    if (isEmpty) return ended.size;
    await wait(LOOK_AGAIN_MS);
  }
  throw new Error(`workflows of before ${before.toISOString()} still run`, { cause: failure });
}
