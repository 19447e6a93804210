// The nightly reconciliation as production runs it: worker processes, a whole Temporal, PostgreSQL. Whatever is killed, terminated
// or said twice, a night has one case, and a finding has one answer.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { Client, WorkflowUpdateFailedError } from '@temporalio/client';
import { type ReconciliationInput, reconciliationId } from '../../workflows/contracts/reconciliation.ts';
import { SEARCH_ATTRIBUTES } from '../../workflows/contracts/search-attributes.ts';
import { CORE_QUEUE } from '../../workflows/contracts/task-queues.ts';
import { newCustomer, oneRow } from '../support/bare-gateway.ts';
import { ownDatabase } from '../support/own-database.ts';
import { startThrowawayTemporal, type ThrowawayTemporal } from '../support/throwaway-temporal.ts';
import { until } from '../support/until.ts';
import { startWorkerProcess, type WorkerProcess, workersCodec } from '../support/worker-process.ts';
import { detailsOf } from '../support/workflows/current-details.ts';
import { payloadsIn } from '../support/workflows/stored-payloads.ts';

/** A worker that died is noticed by the silence of its heartbeats. */
const DEAD_WORKER_MS = 90_000;
const BROKEN = 'update grant_balances set available_nano = available_nano + 1';
const MENDED = 'update grant_balances set available_nano = available_nano - 1';

const { database, admin } = await ownDatabase();
let temporal: ThrowawayTemporal;
let client: Client;
let worker: WorkerProcess;
const workers: WorkerProcess[] = [];

beforeAll(async () => {
  await newCustomer(admin, [{ usd: '1' }]);
  temporal = await startThrowawayTemporal(SEARCH_ATTRIBUTES);
  const { connection } = temporal.environment;
  client = new Client({ connection, namespace: temporal.namespace, dataConverter: { payloadCodecs: [workersCodec] } });
  worker = await anotherWorker();
});
afterEach(() => admin.query('update grant_balances set available_nano = 1000000000'));
afterAll(async () => {
  await Promise.all(workers.map((one) => one.stop()));
  await temporal.stop();
});

async function anotherWorker(): Promise<WorkerProcess> {
  const started = await startWorkerProcess({
    temporalAddress: temporal.environment.address,
    namespace: temporal.namespace,
    databaseUrl: database.urlFor('worker'),
  });
  workers.push(started);
  await started.ready();
  return started;
}

async function startReconciliation(name: string) {
  const input: ReconciliationInput = { v: 1, name };
  return client.workflow.start('reconciliation', {
    workflowId: reconciliationId(name),
    taskQueue: CORE_QUEUE,
    args: [input],
  });
}

async function rowOf(name: string) {
  const { rows } = await admin.query<{ stage: string; round: number; findings: { id: string }[] }>(
    'select stage, round, findings from reconciliations where name = $1',
    [name],
  );
  return rows[0];
}

function command(changes: object = {}) {
  return { actor: 'ada', reason: 'the backup was restored', requestId: randomUUID(), ...changes };
}

/** Nothing is verified meanwhile: who verifies waits for this lock. */
async function whileLedgerIsLocked<T>(work: () => Promise<T>): Promise<T> {
  const tx = await admin.connect();
  await tx.query('begin; lock table ledger_transactions in access exclusive mode');
  try {
    return await work();
  } finally {
    await tx.query('rollback');
    tx.release();
  }
}

async function someoneVerifies(): Promise<void> {
  await until(async () => {
    const { rowCount } = await admin.query(
      `select from pg_stat_activity where wait_event_type = 'Lock' and application_name = 'tollgate worker, reconciliation'`,
    );
    return rowCount !== 0;
  });
}

async function tick(): Promise<void> {
  const before = await ticksDone();
  await client.schedule.getHandle('reconciliation').trigger();
  await until(async () => (await ticksDone()) > before);
}

async function ticksDone(): Promise<number> {
  const done = `WorkflowType = 'reconciliationTick' and ExecutionStatus = 'Completed'`;
  return (await client.workflow.count(done)).count;
}

test('however many workers start and however often it ticks, a night has one case under one schedule', async () => {
  await anotherWorker();

  // Its case is not over before the second tick has seen it: one that ended in between is begun once more, and finds nothing to do.
  await whileLedgerIsLocked(async () => {
    await tick();
    await tick();
  });

  const schedules: string[] = [];
  for await (const { scheduleId } of client.schedule.list()) schedules.push(scheduleId);
  expect(schedules.sort()).toEqual(['backup', 'channel-key-rotation', 'reconciliation']);
  const { name } = await oneRow<{ name: string }>(admin, 'select name from reconciliations');
  await client.workflow.getHandle(reconciliationId(name)).result();
  const { count } = await client.workflow.count(`WorkflowId = '${reconciliationId(name)}'`);
  expect([name, count, await rowOf(name)]).toEqual([
    expect.stringMatching(/^\d{4}-\d\d-\d\d$/),
    1,
    { stage: 'completed', round: 1, findings: [] },
  ]);
});

test('a schedule that a person has paused stays paused when a worker starts', async () => {
  const schedule = client.schedule.getHandle('reconciliation');
  await schedule.pause('maintenance');

  await anotherWorker();

  const { state, policies } = await schedule.describe();
  expect([state.paused, state.note, policies.overlap]).toEqual([true, 'maintenance', 'SKIP']);
  await schedule.unpause();
});

test(
  'when a worker is killed by SIGKILL while it verifies, another one finishes the same case',
  async () => {
    for (const one of workers.slice(1)) await one.stop();
    const reconciliation = await whileLedgerIsLocked(async () => {
      const started = await startReconciliation('killed');
      await someoneVerifies();
      worker.child.kill('SIGKILL');
      await once(worker.child, 'exit');
      return started;
    });

    worker = await anotherWorker();

    expect(await reconciliation.result()).toEqual({ stage: 'completed', round: 1 });
    expect(await rowOf('killed')).toEqual({ stage: 'completed', round: 1, findings: [] });
  },
  DEAD_WORKER_MS,
);

test('a finding is flagged and explained until it is mended, and one command verifies again once, however often it is sent', async () => {
  await admin.query(BROKEN);
  const reconciliation = await startReconciliation('mended');
  await until(async () => (await rowOf('mended'))?.stage === 'attention');
  await until(async () => (await flagged()).includes('reconciliation:mended'));
  const details = await detailsOf(reconciliation);

  await admin.query(MENDED);
  const { requestId, ...rest } = command();
  const sent = await whileLedgerIsLocked(async () => {
    const send = () => reconciliation.executeUpdate('retryNow', { args: [{ requestId, ...rest }] });
    return [await send(), await send(), ...(await Promise.all([send(), send()]))];
  });

  expect(details).toContain('NEEDS ATTENTION');
  expect(details).toMatch(/\| I2-grants \|.*\n(.*\n)*.*docs\/operations\.md.*\n.*--name retryNow/);
  expect(sent).toEqual(Array(4).fill({ stage: 'running', round: 2 }));
  expect(await reconciliation.result()).toEqual({ stage: 'completed', round: 2 });
  expect(await rowOf('mended')).toEqual({ stage: 'completed', round: 2, findings: [] });
  expect(await oneRow(admin, 'select actor, reason, command from process_commands')).toEqual({
    command: 'retryNow',
    ...rest,
  });
  expect(
    await oneRow(admin, 'select actor, reason, request_id as "requestId", workflow_id as "workflowId" from audit_log'),
  ).toEqual({ requestId, workflowId: 'reconciliation:mended', ...rest });
  await until(async () => !(await flagged()).includes('reconciliation:mended'));
});

test('a command is refused with its reason while nothing waits for one, when it says too little, and under a used id', async () => {
  await admin.query(BROKEN);
  const reconciliation = await startReconciliation('refusing');
  const tell = (name: string, args: object) => reconciliation.executeUpdate(name, { args: [args] }).catch(causeOf);
  await until(async () => (await rowOf('refusing'))?.stage === 'attention');

  const anonymous = await tell('dismiss', { ...command(), actor: ' ' });
  const first = command();
  const meanwhile = await whileLedgerIsLocked(async () => {
    await tell('retryNow', first);
    return await tell('dismiss', command());
  });
  await until(async () => (await rowOf('refusing'))?.round === 2 && (await rowOf('refusing'))?.stage === 'attention');
  const reused = await tell('dismiss', first);

  expect(anonymous).toMatch(/^actor: who decided/);
  expect(meanwhile).toBe("refusing is running: it waits for nobody's answer");
  expect(reused).toBe(`request ${first.requestId} was another command: use a new id`);
  expect(await tell('dismiss', command())).toEqual({ stage: 'dismissed', round: 2 });
  expect(await reconciliation.result()).toEqual({ stage: 'dismissed', round: 2 });
});

test('a case that was terminated is built again from its row by the next tick, and answered there', async () => {
  await admin.query(BROKEN);
  const first = await startReconciliation('terminated');
  await until(async () => (await rowOf('terminated'))?.stage === 'attention');
  await first.terminate('a mistake');

  await tick();

  const again = client.workflow.getHandle(reconciliationId('terminated'));
  await until(async () => (await flagged()).includes('reconciliation:terminated'));
  expect((await again.describe()).runId).not.toBe(first.firstExecutionRunId);
  expect(await detailsOf(again)).toContain('I2-grants');
  expect(await again.executeUpdate('dismiss', { args: [command()] })).toEqual({ stage: 'dismissed', round: 1 });
  expect(await again.result()).toEqual({ stage: 'dismissed', round: 1 });
});

test('without the key nothing can be read in what Temporal stores, but its ids and search attributes', async () => {
  await admin.query(BROKEN);
  const secretive = await startReconciliation('secretive');
  await until(async () => (await rowOf('secretive'))?.stage === 'attention');
  await secretive.executeUpdate('dismiss', { args: [command({ actor: 'Grace Hopper' })] });
  await secretive.result();

  const { events } = await secretive.fetchHistory();

  const encodings = new Set(payloadsIn(events).map(({ metadata }) => Buffer.from(metadata?.encoding ?? []).toString()));
  expect(encodings).toEqual(new Set(['binary/encrypted']));
  const stored = Buffer.concat(payloadsIn(events).map(({ data }) => Buffer.from(data ?? []))).toString('latin1');
  expect(stored).not.toMatch(/Grace|restored|I2-grants|secretive|verify/);
});

test('a scrape tells how many cases wait for a person and when the ledger was proven, another what the SDK counts', async () => {
  await admin.query(BROKEN);
  const waiting = await startReconciliation('waiting');
  await until(async () => (await rowOf('waiting'))?.stage === 'attention');

  const [ours, theirs] = await Promise.all(
    [`${worker.url}/metrics`, worker.sdkMetricsUrl].map(async (url) => (await fetch(url)).text()),
  );

  expect(ours).toMatch(/^tollgate_reconciliations_need_attention 1$/m);
  expect(ours).toMatch(/^tollgate_ledger_proven_timestamp_seconds 1\d{9}/m);
  expect(ours).toMatch(/^tollgate_worker_working 1$/m);
  expect(theirs).toMatch(/^temporal_workflow_completed_total\{.*workflow_type="reconciliation"/m);
  await waiting.executeUpdate('dismiss', { args: [command()] });
});

test('a proof leaves where the audit log ends with the worker, and an entry that was changed since is flagged by its name', async () => {
  const sound = await startReconciliation('audit-sound');
  await sound.result();
  const { seq, hash } = await oneRow<{ seq: string; hash: string }>(
    admin,
    `select seq, encode(hash, 'hex') as hash from audit_head`,
  );
  const metrics = await (await fetch(`${worker.url}/metrics`)).text();
  await pastTriggers(`update audit_log set reason = 'another' where seq = 1`);

  const broken = await startReconciliation('audit-broken');
  await until(async () => (await rowOf('audit-broken'))?.stage === 'attention');

  expect((await rowOf('audit-broken'))?.findings.map(({ id }) => id)).toEqual(['audit-content']);
  expect(metrics).toContain(`tollgate_audit_anchor_seq{hash="${hash}"} ${seq}`);
  const isLogged = new RegExp(`"hash":"${hash}".*audit_log_proven`);
  await until(async () => isLogged.test(workers.map(({ output }) => output.join('')).join('')));
  await pastTriggers(`update audit_log set reason = 'the backup was restored' where seq = 1`);
  expect(await broken.executeUpdate('retryNow', { args: [command()] })).toEqual({ stage: 'running', round: 2 });
  expect(await broken.result()).toEqual({ stage: 'completed', round: 2 });
});

const pastTriggers = (sql: string) =>
  admin.query(`set session_replication_role = replica; ${sql}; reset session_replication_role`);

test('SIGTERM ends a worker that is idle with exit code 0', async () => {
  const leaving = await anotherWorker();

  const exitCode = await leaving.stop();

  expect([exitCode, leaving.output.join('')]).toEqual([0, expect.stringContaining('worker_left')]);
});

async function flagged(): Promise<string[]> {
  const found: string[] = [];
  const query = `NeedsAttention = true and ExecutionStatus = 'Running'`;
  for await (const { workflowId } of client.workflow.list({ query })) found.push(workflowId);
  return found;
}

function causeOf(error: unknown): unknown {
  return error instanceof WorkflowUpdateFailedError ? error.cause?.message : error;
}
