// The rotation of the master key on a whole Temporal server, over a real PostgreSQL: each way in which it waits, is told something, and ends.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { Client, WorkflowUpdateFailedError } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import { createMasterKeyRotationActivities } from '../../activities/master-key-rotation.ts';
import type { KeyringHolder } from '../../services/master-keys/keyring-holder.ts';
import { MasterKeyRotations } from '../../services/master-keys/rotations.ts';
import { PokeOutbox } from '../../services/processes/poke-outbox.ts';
import { pokeStranded } from '../../services/processes/stranded.ts';
import { deliverPoke } from '../../workers/process-relay.ts';
import { masterKeyRotationWorkflowId, pause } from '../../workflows/contracts/master-key-rotation.ts';
import { BILLING_STAGE, NEEDS_ATTENTION, SEARCH_ATTRIBUTES } from '../../workflows/contracts/search-attributes.ts';
import { CORE_QUEUE } from '../../workflows/contracts/task-queues.ts';
import { Safe } from '../services/master-keys/safe.ts';
import { ownDatabase } from '../support/own-database.ts';
import { startThrowawayTemporal, type ThrowawayTemporal } from '../support/throwaway-temporal.ts';
import { until } from '../support/until.ts';
import { workflowBundle } from '../support/workflow-bundle.ts';
import { detailsOf } from '../support/workflows/current-details.ts';

const { database, admin } = await ownDatabase();
const safe = new Safe(database, admin);
/** Each test's is of another number, since a workflow's id is used once more only for the same rotation. */
let version = 1;

let temporal: ThrowawayTemporal;
let client: Client;
let worker: Worker;
let working: Promise<void>;
beforeAll(async () => {
  temporal = await startThrowawayTemporal(SEARCH_ATTRIBUTES);
  const { environment, namespace } = temporal;
  client = new Client({ connection: environment.connection, namespace });
  const rotations = new MasterKeyRotations(safe.db, safe.vault(...Array.from({ length: 12 }, (_, at) => at + 1)));
  worker = await Worker.create({
    connection: environment.nativeConnection,
    namespace,
    taskQueue: CORE_QUEUE,
    workflowBundle: { codePath: await workflowBundle() },
    activities: createMasterKeyRotationActivities(rotations, 'docs/operations.md, "The master key"'),
  });
  working = worker.run();
});
afterAll(async () => {
  worker.shutdown();
  await working;
  await temporal.stop();
  await safe.db.end();
});

beforeEach(async () => {
  await safe.empty();
  version += 1;
});

function workflow() {
  return client.workflow.getHandle(masterKeyRotationWorkflowId(version));
}

/** What `work` left in the outbox has reached the workflow when this resolves. */
async function told<T>(work: () => Promise<T>): Promise<T> {
  const result = await work();
  const outbox = new PokeOutbox(safe.db);
  const claimed = await outbox.claim(10);
  for (const one of claimed) await deliverPoke(client, one);
  await outbox.delivered(claimed);
  return result;
}

/** With a gateway that has both, and a worker that has these. */
async function begun(workerHas: readonly number[], keyCount = 2): Promise<KeyringHolder> {
  const vault = safe.vault(1, version);
  await safe.process('gateway', 1, version);
  await safe.channel(vault, keyCount);
  const begunWorker = await safe.process('worker', ...workerHas);
  await told(async () => {
    await safe.start(version, vault);
    await safe.processesLookAgain();
  });
  return begunWorker;
}

/** It is started again with the new one. */
function givenTheNewOne(lacking: KeyringHolder): Promise<unknown> {
  return told(async () => {
    await lacking.end();
    await safe.process('worker', 1, version);
  });
}

async function stage(): Promise<string> {
  return String((await workflow().describe()).typedSearchAttributes.get(BILLING_STAGE));
}

async function row() {
  const { rows } = await admin.query('select stage, resealed from master_key_rotations where version = $1', [version]);
  return rows[0];
}

function command(name: string) {
  return workflow().executeUpdate(name, {
    args: [{ actor: 'ada', reason: 'as agreed', requestId: randomUUID() }],
  });
}

const broken = `update channel_keys set sealed = jsonb_set(sealed, '{wrapTag}', '"AAAAAAAAAAAAAAAAAAAAAA=="')`;

test('with all processes ready it rotates by itself and ends', async () => {
  await begun([1, version]);

  await workflow().result();

  expect([await stage(), await row()]).toEqual(['completed', { stage: 'completed', resealed: 2 }]);
  expect(await detailsOf(workflow())).toContain('Nothing is sealed under an older one');
});

test('a process that does not have the new one is named, and it goes on as soon as that process says that it has', async () => {
  const lacking = await begun([1]);
  await until(async () => (await detailsOf(workflow())).includes('- waits for: worker'));

  await givenTheNewOne(lacking);
  await workflow().result();

  expect(await stage()).toBe('completed');
});

test('one that fell silent is forgotten by the others', async () => {
  await admin.query(
    `insert into master_key_holders (process_id, kind, host, pid, versions) values (gen_random_uuid(), 'worker', 'gone', 1, '{1}')`,
  );
  await begun([1, version]);
  await until(async () => (await detailsOf(workflow())).includes('worker 1 on gone'));
  await admin.query(`update master_key_holders set seen_at = seen_at - interval '2 minutes' where host = 'gone'`);

  await told(() => safe.processesLookAgain());
  await workflow().result();

  expect(await stage()).toBe('completed');
});

test('after ten minutes it needs attention, and cancelled it ends with nothing sealed under it', async () => {
  await begun([1]);
  await admin.query(`update master_key_rotations set started_at = started_at - interval '11 minutes'`);
  await told(() => pokeStranded(safe.db));
  await until(async () => (await workflow().describe()).typedSearchAttributes.get(NEEDS_ATTENTION) === true);

  await command('cancel');
  await workflow().result();

  expect([await stage(), await safe.rowsUnder()]).toEqual(['cancelled', { 1: 2 }]);
  expect((await workflow().describe()).typedSearchAttributes.get(NEEDS_ATTENTION)).toBe(false);
});

test('paused it waits for nothing but a word, and a command that does not fit is refused with the reason', async () => {
  const lacking = await begun([1]);
  await command('pause');
  await givenTheNewOne(lacking);

  await until(async () => (await stage()) === 'paused');
  const again = command('pause');
  await expect(again).rejects.toThrow(WorkflowUpdateFailedError);
  const incomplete = workflow().executeUpdate(pause, { args: [{ actor: 'ada', reason: '', requestId: randomUUID() }] });
  await expect(incomplete).rejects.toMatchObject({ cause: { message: expect.stringContaining('reason') } });
  await command('resume');
  await workflow().result();

  expect(await stage()).toBe('completed');
});

test.each(['retryNow', 'dismiss'])('what does not open waits for a person, who says %s', async (name) => {
  const lacking = await begun([1], 1);
  await until(async () => (await stage()) === 'acknowledging');
  const { rows } = await admin.query<{ sealed: object }>('select sealed from channel_keys');
  await admin.query(broken);
  await givenTheNewOne(lacking);
  await until(async () => (await stage()) === 'attention');
  const details = await detailsOf(workflow());

  if (name === 'retryNow') {
    await admin.query(
      `set session_replication_role to replica; update channel_keys set sealed = '${JSON.stringify(rows[0]?.sealed)}'; set session_replication_role to default`,
    );
  }
  await command(name);
  await workflow().result();

  expect(details).toContain('NEEDS ATTENTION: 1 places do not open');
  expect([await stage(), await safe.rowsUnder()]).toEqual([
    'completed',
    name === 'retryNow' ? { [version]: 1 } : { 1: 1 },
  ]);
});

test('terminated, it is found by its row and goes on where that stands', async () => {
  const lacking = await begun([1]);
  await until(async () => (await stage()) === 'acknowledging');
  await workflow().terminate('by a test');
  await lacking.end();
  await admin.query('delete from process_pokes');

  await told(() => pokeStranded(safe.db));
  await workflow().result();

  expect(await row()).toEqual({ stage: 'completed', resealed: 2 });
});
