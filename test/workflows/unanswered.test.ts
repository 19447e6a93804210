// A finding that nobody answers is told again every day, by the clock of PostgreSQL: on the server that skips time both clocks are
// the test's, and they need not agree.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Client } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import { createReconciliationActivities } from '../../activities/reconciliation.ts';
import { Reconciliations } from '../../services/reconciliation/reconciliations.ts';
import { type ReconciliationInput, reconciliationId } from '../../workflows/contracts/reconciliation.ts';
import { SEARCH_ATTRIBUTES } from '../../workflows/contracts/search-attributes.ts';
import { CORE_QUEUE } from '../../workflows/contracts/task-queues.ts';
import { newCustomer } from '../support/bare-gateway.ts';
import { ownDatabase } from '../support/own-database.ts';
import { startTimeSkippingTemporal, type ThrowawayTemporal } from '../support/throwaway-temporal.ts';
import { until } from '../support/until.ts';
import { workersCodec } from '../support/worker-process.ts';
import { workflowBundle } from '../support/workflow-bundle.ts';

const HOUR_MS = 3_600_000;

const { admin } = await ownDatabase();
let temporal: ThrowawayTemporal;
let client: Client;
let worker: Worker;
let working: Promise<void>;
/** How far the clock of PostgreSQL is behind that of Temporal. */
let behindMs = 0;

beforeAll(async () => {
  await newCustomer(admin, [{ usd: '1' }]);
  await admin.query('update grant_balances set available_nano = available_nano + 1');
  temporal = await startTimeSkippingTemporal(SEARCH_ATTRIBUTES);
  const { environment, namespace } = temporal;
  const dataConverter = { payloadCodecs: [workersCodec] };
  client = new Client({ connection: environment.connection, namespace, dataConverter });
  worker = await Worker.create({
    connection: environment.nativeConnection,
    namespace,
    taskQueue: CORE_QUEUE,
    workflowBundle: { codePath: await workflowBundle() },
    activities: onTheClockOfTheTest(
      createReconciliationActivities(new Reconciliations({ db: admin, patientDb: admin }), ''),
    ),
    dataConverter,
  });
  working = worker.run();
});
afterAll(async () => {
  worker.shutdown();
  await working;
  await temporal.stop();
});

/** Each activity first takes its billing time from Temporal's clock. */
function onTheClockOfTheTest(activities: object): object {
  const wrapped = Object.entries(activities).map(([name, work]) => [
    name,
    async (input: unknown) => {
      await setClock((await temporal.environment.currentTimeMs()) - behindMs);
      return await work(input);
    },
  ]);
  return Object.fromEntries(wrapped);
}

async function setClock(nowMs: number): Promise<void> {
  const now = new Date(nowMs).toISOString();
  await admin.query(
    `create or replace function billing_now() returns timestamptz language sql stable as $$ select '${now}'::timestamptz $$`,
  );
}

async function startReconciliation(name: string) {
  const input: ReconciliationInput = { v: 1, name };
  const started = await client.workflow.start('reconciliation', {
    workflowId: reconciliationId(name),
    taskQueue: CORE_QUEUE,
    args: [input],
  });
  await until(async () => (await revisionOf(name)) === 2);
  return started;
}

/** 2 when the finding is there, and one more for each time it was told again. */
async function revisionOf(name: string): Promise<number | undefined> {
  const { rows } = await admin.query('select revision from reconciliations where name = $1', [name]);
  return rows[0]?.revision;
}

test('what nobody answers is told again after each day, until somebody does', async () => {
  const reconciliation = await startReconciliation('reminded');

  await temporal.environment.sleep(73 * HOUR_MS);

  await until(async () => (await revisionOf('reminded')) === 5);
  const command = { actor: 'ada', reason: 'seen at last', requestId: randomUUID() };
  await reconciliation.executeUpdate('dismiss', { args: [command] });
  expect(await reconciliation.result()).toEqual({ stage: 'dismissed', round: 1 });
});

test('who wakes before the day is over by the clock of PostgreSQL waits for the rest of it', async () => {
  const reconciliation = await startReconciliation('early');
  behindMs = HOUR_MS;

  await temporal.environment.sleep(24.5 * HOUR_MS);
  const before = await revisionOf('early');
  await temporal.environment.sleep(1 * HOUR_MS);

  await until(async () => (await revisionOf('early')) === 3);
  expect(before).toBe(2);
  await reconciliation.terminate();
});
