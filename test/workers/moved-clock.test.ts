// Processes that wait for Temporal's clock when that of billing is moved: workers hear of it, and what is due is done at once.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Client } from '@temporalio/client';
import { type Advance, advanceBillingClock } from '../../services/billing-clock/advance.ts';
import { announceDueReconciliations, nextReconciliationAt } from '../../services/reconciliation/reconciliations.ts';
import { type ReconciliationInput, reconciliationId } from '../../workflows/contracts/reconciliation.ts';
import { SEARCH_ATTRIBUTES } from '../../workflows/contracts/search-attributes.ts';
import { CORE_QUEUE } from '../../workflows/contracts/task-queues.ts';
import { newCustomer, oneRow } from '../support/bare-gateway.ts';
import { ownDatabase } from '../support/own-database.ts';
import { startThrowawayTemporal, type ThrowawayTemporal } from '../support/throwaway-temporal.ts';
import { until } from '../support/until.ts';
import { startWorkerProcess, type WorkerProcess, workersCodec } from '../support/worker-process.ts';

const HOUR_MS = 3_600_000;

const { database, admin } = await ownDatabase();
let temporal: ThrowawayTemporal;
let client: Client;
let worker: WorkerProcess;

beforeAll(async () => {
  await newCustomer(admin, [{ usd: '1' }]);
  temporal = await startThrowawayTemporal(SEARCH_ATTRIBUTES);
  const { connection, address } = temporal.environment;
  client = new Client({ connection, namespace: temporal.namespace, dataConverter: { payloadCodecs: [workersCodec] } });
  worker = await startWorkerProcess({
    temporalAddress: address,
    namespace: temporal.namespace,
    databaseUrl: database.urlFor('worker'),
  });
  await worker.ready();
});
afterAll(async () => {
  await worker.stop();
  await temporal.stop();
});

function advance(hours: number): Promise<Advance> {
  const reconciliations = {
    name: 'reconciliations',
    nextDueAt: nextReconciliationAt,
    poke: announceDueReconciliations,
  };
  const parts = { db: admin, sources: [reconciliations], moveOthers: async () => {}, patienceMs: 30_000 };
  return advanceBillingClock(parts, hours * HOUR_MS);
}

test('the ledger is proven for the night that the clock came to, without waiting for an hour to be over', async () => {
  const { to, restless } = await advance(72);

  const night = new Date(to.getTime() - 2 * HOUR_MS).toISOString().slice(0, 10);
  const { stage } = await oneRow<{ stage: string }>(admin, 'select stage from reconciliations where name = $1', [
    night,
  ]);
  expect([restless, stage]).toEqual([[], 'completed']);
});

test('a finding that nobody answered is told again at each of its days', async () => {
  await admin.query('update grant_balances set available_nano = available_nano + 1');
  const input: ReconciliationInput = { v: 1, name: 'unanswered' };
  const finding = await client.workflow.start('reconciliation', {
    workflowId: reconciliationId('unanswered'),
    taskQueue: CORE_QUEUE,
    args: [input],
  });
  const revision = async () =>
    (await admin.query('select revision from reconciliations where name = $1', ['unanswered'])).rows[0]?.revision;
  await until(async () => (await revision()) === 2);

  const { restless } = await advance(49);

  expect([restless, await revision()]).toEqual([[], 4]);
  await finding.terminate();
});
