// Applications at a worker as production starts it: it hears of a decision, provisions what was approved although it is killed meanwhile, does
// what falls due when the clock of billing is moved, and tells nobody what applicants write.
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Client } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { advanceBillingClock } from '../../services/billing-clock/advance.ts';
import { application } from '../../services/onboarding/application-rows.ts';
import { createPool } from '../../services/platform/postgres.ts';
import { nextWake, pokeDue, pokesWaitSince } from '../../services/processes/due-processes.ts';
import { onboardingWorkflowId } from '../../workflows/contracts/onboarding.ts';
import { SEARCH_ATTRIBUTES } from '../../workflows/contracts/search-attributes.ts';
import { Desk, EVE, FORM } from '../services/onboarding/desk.ts';
import { ownDatabase } from '../support/own-database.ts';
import { startThrowawayTemporal, type ThrowawayTemporal } from '../support/throwaway-temporal.ts';
import { until } from '../support/until.ts';
import { startWorkerProcess, type WorkerProcess, workersCodec } from '../support/worker-process.ts';

const DAY_MS = 86_400_000;

const { database, admin } = await ownDatabase();
const db = createPool(database.urlFor('worker'), { name: 'desk', maxConnections: 4, statementTimeoutMs: 10_000 });
const desk = new Desk(db, admin);
let temporal: ThrowawayTemporal;
let client: Client;
let worker: WorkerProcess;

beforeAll(async () => {
  temporal = await startThrowawayTemporal(SEARCH_ATTRIBUTES);
  const { connection } = temporal.environment;
  client = new Client({ connection, namespace: temporal.namespace, dataConverter: { payloadCodecs: [workersCodec] } });
  worker = await startedWorker();
});
afterAll(async () => {
  await worker.stop();
  await db.end();
  await temporal.stop();
});

async function startedWorker(): Promise<WorkerProcess> {
  const started = await startWorkerProcess({
    temporalAddress: temporal.environment.address,
    namespace: temporal.namespace,
    databaseUrl: database.urlFor('worker'),
  });
  await started.ready();
  return started;
}

const stageOf = async (id: string) => (await application(db, id)).state.stage.kind;

test('a decision reaches its workflow, and neither a history nor a log has what the applicant wrote', async () => {
  const id = await desk.newApplication({ ...FORM, company: 'Canary Ltd', useCase: 'canary use' });
  await desk.asks(EVE, id);
  await until(async () => (await stageOf(id)) === 'info_requested');
  await desk.submit(id, EVE);
  await desk.rejects({ ...EVE, actor: 'person:other' }, id, 2);
  const workflow = client.workflow.getHandle(onboardingWorkflowId(id));
  await workflow.result();

  const history = historyToJSON(await workflow.fetchHistory());

  expect(await stageOf(id)).toBe('rejected');
  for (const told of [history, worker.output.join('\n')]) {
    for (const secret of ['anary', Buffer.from('Canary Ltd').toString('base64').slice(0, 12), 'VAT ID', 'initech']) {
      expect(told).not.toContain(secret);
    }
  }
});

test('what was approved is provisioned, although its worker is killed', async () => {
  const ids = await Promise.all([1, 2, 3, 4].map(() => desk.newApplication()));
  await Promise.all(ids.map((id) => desk.decides(EVE, id)));
  await until(async () => (await Promise.all(ids.map(stageOf))).some((stage) => stage !== 'in_review'));

  worker.child.kill('SIGKILL');
  await once(worker.child, 'exit');
  worker = await startedWorker();
  await Promise.all(ids.map((id) => client.workflow.getHandle(onboardingWorkflowId(id)).result()));

  expect(await Promise.all(ids.map(stageOf))).toEqual(ids.map(() => 'active'));
  const { rows } = await admin.query(
    'select from contracts where ended_at is null and not exists (select from organizations o where o.id = org_id and o.provisioning)',
  );
  expect(rows).toHaveLength(ids.length);
});

test('when the clock of billing is moved over a week, everybody is reminded on his day, and the clock comes to rest', async () => {
  // People work on every day of it, whichever day it is.
  await admin.query(`insert into business_holidays select now()::date + n, true from generate_series(0, 14) n`);
  const id = await desk.newApplication();
  await until(async () => (await pokesWaitSince(db)) === null);
  const sources = [
    {
      name: 'onboardings',
      nextDueAt: () => nextWake(db, 'onboarding'),
      poke: () => pokeDue(db, 'onboarding'),
    },
    { name: 'processes', nextDueAt: () => pokesWaitSince(db) },
  ];

  const parts = { db: admin, sources, moveOthers: async () => {}, patienceMs: 30_000 };
  const { restless } = await advanceBillingClock(parts, 7 * DAY_MS);

  expect(restless).toEqual([]);
  expect((await desk.told(id)).slice(1)).toEqual([
    'application_waits business 1',
    'application_waits business 2',
    'application_waits head 3',
    'application_waits head 4',
    'application_waits head 5',
    'application_waits head 6',
    'application_waits head 7',
  ]);
});
