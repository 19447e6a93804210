// Servers of a test's own: a workflow goes all the way through a real worker on either, and months take no time on the one that skips.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { activityInfo } from '@temporalio/activity';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { Worker } from '@temporalio/worker';
import { whyClosed } from '../../scripts/parts/readiness.ts';
import {
  startThrowawayTemporal,
  startTimeSkippingTemporal,
  type ThrowawayTemporal,
} from '../support/throwaway-temporal.ts';
import { until } from '../support/until.ts';
import { type RoundTripActivities, roundTrip } from '../support/workflows/round-trip.ts';
import { STAGE } from '../support/workflows/stage.ts';

const TASK_QUEUE = 'round-trips';
const WORKFLOWS = fileURLToPath(new URL('../support/workflows/round-trip.ts', import.meta.url));
const DAYS_30_MS = 30 * 86_400_000;

let whole: ThrowawayTemporal;
let skipping: ThrowawayTemporal;
beforeAll(async () => {
  whole = await startThrowawayTemporal([STAGE]);
  skipping = await startTimeSkippingTemporal([STAGE]);
});
afterAll(async () => {
  await whole.stop();
  await skipping.stop();
});

async function workerOn(
  { environment, namespace }: ThrowawayTemporal,
  activities: RoundTripActivities,
): Promise<Worker> {
  return await Worker.create({
    connection: environment.nativeConnection,
    namespace,
    taskQueue: TASK_QUEUE,
    workflowsPath: WORKFLOWS,
    activities,
  });
}

test('a workflow with a timer, an activity and a search attribute goes round on a server of its own, and is found by a list', async () => {
  const { client } = whole.environment;
  const worker = await workerOn(whole, { greet: async (name) => `hello ${name}` });

  const answer = await worker.runUntil(
    client.workflow.execute(roundTrip, {
      taskQueue: TASK_QUEUE,
      workflowId: 'round-trip',
      args: [{ name: 'toll', rest: '1 ms' }],
    }),
  );

  expect(answer).toBe('hello toll');
  const found: string[] = [];
  for await (const { workflowId } of client.workflow.list({ query: `BillingStage = 'resting'` }))
    found.push(workflowId);
  expect(found).toEqual(['round-trip']);
});

// With protobufjs 7 at the top of node_modules this fails for a reason that has nothing to do with the workflow (D39).
test('a history that was written down as JSON is replayed', async () => {
  const { client } = whole.environment;
  const worker = await workerOn(whole, { greet: async (name) => `hello ${name}` });
  const handle = await worker.runUntil(async () => {
    const started = await client.workflow.start(roundTrip, {
      taskQueue: TASK_QUEUE,
      workflowId: 'to-be-replayed',
      args: [{ name: 'toll', rest: '1 ms' }],
    });
    await started.result();
    return started;
  });
  const written = JSON.parse(historyToJSON(await handle.fetchHistory()));

  await Worker.runReplayHistory({ workflowsPath: WORKFLOWS }, written, 'to-be-replayed');

  expect(written.events).toContainEqual(
    expect.objectContaining({ eventType: 'EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED' }),
  );
});

test('where time is skipped thirty days pass before the activity and none for us', async () => {
  const { environment } = skipping;
  const begun = await environment.currentTimeMs();
  let greetedAt = 0;
  const worker = await workerOn(skipping, {
    async greet(name) {
      greetedAt = activityInfo().currentAttemptScheduledTimestampMs;
      return `hello ${name}`;
    },
  });

  const answer = await worker.runUntil(
    environment.client.workflow.execute(roundTrip, {
      taskQueue: TASK_QUEUE,
      workflowId: 'round-trip',
      args: [{ name: 'month', rest: '30 days' }],
    }),
  );

  expect(answer).toBe('hello month');
  expect(greetedAt - begun).toBeGreaterThanOrEqual(DAYS_30_MS);
});

test.each(['startThrowawayTemporal', 'startTimeSkippingTemporal'])(
  'a test process that is killed by SIGKILL leaves no server: %s',
  async (start) => {
    const support = new URL('../support/throwaway-temporal.ts', import.meta.url).href;
    const program = `const { ${start} } = await import('${support}');
    const { environment } = await ${start}();
    console.log(environment.address);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [address] = await once(child.stdout.setEncoding('utf8'), 'data');
    const port = Number(address.trim().split(':')[1]);
    expect(await whyClosed(port)).toBeNull();

    child.kill('SIGKILL');

    await until(async () => (await whyClosed(port)) !== null);
  },
);
