// Backups as production takes them: worker processes, a whole Temporal, PostgreSQL, and the commands of the page. Whatever is killed, terminated
// or damaged, a night has one case, and none is called good that was not restored.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Client } from '@temporalio/client';
import { requestBackup, requestDrill } from '../../services/backups/backup-list.ts';
import { inTransaction } from '../../services/platform/postgres.ts';
import { backupId } from '../../workflows/contracts/backup.ts';
import { restoreCheckId } from '../../workflows/contracts/restore-check.ts';
import { SEARCH_ATTRIBUTES } from '../../workflows/contracts/search-attributes.ts';
import { backedUpInstallation, bytesOf } from '../services/backups/backed-up-installation.ts';
import { oneRow } from '../support/bare-gateway.ts';
import { commandsOf, typed } from '../support/operators-page.ts';
import { startThrowawayTemporal, type ThrowawayTemporal } from '../support/throwaway-temporal.ts';
import { until } from '../support/until.ts';
import {
  startWorkerProcess,
  WORKERS_ADMIN_TOKEN,
  type WorkerProcess,
  workersCodec,
} from '../support/worker-process.ts';
import { detailsOf } from '../support/workflows/current-details.ts';

/** A worker that died is noticed by the silence of its heartbeats. */
const DEAD_WORKER_MS = 120_000;
const [PAGE = ''] = commandsOf('Backups');

const { admin, database, place, environment } = await backedUpInstallation();
let temporal: ThrowawayTemporal;
let client: Client;
let worker: WorkerProcess;
const workers: WorkerProcess[] = [];

beforeAll(async () => {
  temporal = await startThrowawayTemporal(SEARCH_ATTRIBUTES);
  const { connection } = temporal.environment;
  client = new Client({ connection, namespace: temporal.namespace, dataConverter: { payloadCodecs: [workersCodec] } });
  worker = await anotherWorker();
});
afterAll(async () => {
  await Promise.all(workers.map((one) => one.stop()));
  await temporal.stop();
});

async function anotherWorker(): Promise<WorkerProcess> {
  const started = await startWorkerProcess({
    temporalAddress: temporal.environment.address,
    namespace: temporal.namespace,
    databaseUrl: database.urlFor('worker'),
    environment,
  });
  workers.push(started);
  await started.ready();
  return started;
}

interface Row {
  readonly name: string;
  readonly stage: string;
  readonly round: number;
  readonly trouble: string | null;
  readonly object: string | null;
}

const rowOf = (name: string) =>
  oneRow<Row>(admin, 'select name, stage, round, trouble, object from backups where name = $1', [name]);
const tick = () => client.schedule.getHandle('backup').trigger('BUFFER_ONE');
const askFor = () => inTransaction(admin, (tx) => requestBackup(tx, 'ada'));

async function ends(workflowId: string): Promise<unknown> {
  return await client.workflow.getHandle(workflowId).result();
}

async function has(name: string, stage: string): Promise<void> {
  await until(async () => (await rowOf(name)).stage === stage);
}

/** Its storage damages what it is given, until it stops to. */
async function whileStorageIsBroken<T>(object: () => Promise<string>, work: () => Promise<T>): Promise<T> {
  const name = await object();
  const whole = bytesOf(place, name);
  writeFileSync(join(place.folder, name), Buffer.from(whole).fill(0, whole.length >> 1, (whole.length >> 1) + 9));
  try {
    return await work();
  } finally {
    writeFileSync(join(place.folder, name), whole);
  }
}

test('the tick of the night takes a backup, restores it, tells when it was, and makes no second one', async () => {
  await tick();
  await until(async () => (await admin.query(`select from backups where stage = 'completed'`)).rowCount === 1);
  await tick();
  const { name, object } = await oneRow<Row>(admin, 'select name, object from backups');

  expect(await ends(backupId(name))).toEqual({ stage: 'completed', round: 1 });
  expect(name).toMatch(/^\d{4}-\d\d-\d\d$/);
  expect(statSync(join(place.folder, object ?? '')).size).toBeGreaterThan(10_000);
  const { takenAt } = await oneRow<{ takenAt: number }>(
    admin,
    'select extract(epoch from taken_at)::float8 as "takenAt" from backups',
  );
  const metrics = await (await fetch(`${worker.url}/metrics`)).text();
  expect(Number(/^tollgate_last_verified_backup_timestamp_seconds (\S+)$/m.exec(metrics)?.[1])).toBeCloseTo(takenAt, 0);
  expect(readdirSync(place.temporary)).toEqual([]);
});

test('who asks for a backup has it at once, and a drill of it says how long a restore takes', async () => {
  const { name } = await askFor();
  await has(name, 'completed');
  const drill = await inTransaction(admin, (tx) => requestDrill(tx, 'ada', name));
  await until(
    async () =>
      (await admin.query(`select from restore_checks where name = $1 and stage = 'completed'`, [drill.name]))
        .rowCount === 1,
  );

  expect(await ends(restoreCheckId(drill.name))).toEqual({ stage: 'completed', round: 1 });
  const metrics = await (await fetch(`${worker.url}/metrics`)).text();
  expect(Number(/^tollgate_restore_check_seconds (\S+)$/m.exec(metrics)?.[1])).toBeGreaterThan(0.1);
});

test('a backup that does not prove itself needs attention with its reason, and the command of the page takes another one', async () => {
  await admin.query('update organizations set overdraft_nano = overdraft_nano + 1');
  const { name } = await askFor();
  await has(name, 'attention');
  const first = await rowOf(name);
  const detailed = () => detailsOf(client.workflow.getHandle(backupId(name)));
  await until(async () => (await detailed()).includes('NEEDS ATTENTION'));
  const details = await detailed();
  await admin.query('update organizations set overdraft_nano = overdraft_nano - 1');

  const answer = await typed(PAGE, {
    temporalAddress: temporal.environment.address,
    workerUrl: worker.url,
    filledIn: { '<admin token>': WORKERS_ADMIN_TOKEN, '<name>': name, '<you>': 'Ada', '<why>': 'the books are mended' },
  });

  expect(first.trouble).toMatch(/invariant I2-overdraft does not hold/);
  expect(details).toMatch(/NEEDS ATTENTION: invariant I2-overdraft.*\n(.*\n)*.*--name retryNow/);
  expect(answer).toContain('dumping');
  expect(await ends(backupId(name))).toEqual({ stage: 'completed', round: 2 });
  // What failed stays, for whoever wants to know why; the second round has written beside it.
  const left = readdirSync(place.folder).filter((file) => file.startsWith(`${name}.`));
  expect(left).toHaveLength(4);
  expect(left).toEqual(expect.arrayContaining([first.object, (await rowOf(name)).object]));
  expect(
    await oneRow(
      admin,
      `select actor, action, target_id as "of" from audit_log where target_kind = 'backup' order by seq desc limit 1`,
    ),
  ).toEqual({
    ...{ actor: 'Ada', action: 'backup.retryNow', of: name },
  });
});

test('a drill finds what storage has done to a backup, and whoever leaves it so ends the case', async () => {
  const { name } = await askFor();
  await has(name, 'completed');
  const object = async () => (await rowOf(name)).object ?? '';
  const drill = await whileStorageIsBroken(object, async () => {
    const asked = await inTransaction(admin, (tx) => requestDrill(tx, 'ada', name));
    await until(
      async () =>
        (await admin.query(`select from restore_checks where name = $1 and stage = 'attention'`, [asked.name]))
          .rowCount === 1,
    );
    return asked.name;
  });
  const handle = client.workflow.getHandle(restoreCheckId(drill));
  const told = { actor: 'ada', reason: 'seen', requestId: randomUUID() };

  expect(await oneRow(admin, 'select trouble from restore_checks where name = $1', [drill])).toEqual({
    trouble: expect.stringContaining('does not open'),
  });
  expect(await handle.executeUpdate('dismiss', { args: [told] })).toEqual({ stage: 'dismissed', round: 1 });
  expect(await ends(restoreCheckId(drill))).toEqual({ stage: 'dismissed', round: 1 });
});

test(
  'a worker that is killed while it restores leaves nothing, and another one ends what it began; a terminated case comes back by the tick',
  async () => {
    const { name } = await askFor();
    await until(async () => readdirSync(place.temporary).length > 0);
    worker.child.kill('SIGKILL');
    await once(worker.child, 'exit');
    await until(async () => readdirSync(place.temporary).length === 0);
    await client.workflow.getHandle(backupId(name)).terminate('a mistake');

    worker = await anotherWorker();
    await tick();

    await has(name, 'completed');
    expect(await ends(backupId(name))).toEqual({ stage: 'completed', round: 1 });
    expect(readdirSync(place.temporary)).toEqual([]);
  },
  DEAD_WORKER_MS,
);
