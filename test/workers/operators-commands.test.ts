// What docs/operations.md tells an operator to type works as it stands there, with the codec on.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startRotation } from '../../services/channel-key-rotation/start.ts';
import { createPool, inTransaction } from '../../services/platform/postgres.ts';
import { apiKeyRotationWorkflowId } from '../../workflows/contracts/api-key-rotation.ts';
import { SEARCH_ATTRIBUTES } from '../../workflows/contracts/search-attributes.ts';
import { KeyShop } from '../services/api-keys/key-shop.ts';
import { newCustomer, oneRow } from '../support/bare-gateway.ts';
import { commandsOf, typed } from '../support/operators-page.ts';
import { ownDatabase } from '../support/own-database.ts';
import { startThrowawayTemporal, type ThrowawayTemporal } from '../support/throwaway-temporal.ts';
import { until } from '../support/until.ts';
import { startWorkerProcess, WORKERS_ADMIN_TOKEN, type WorkerProcess } from '../support/worker-process.ts';

const [EVERY_DAY = ''] = commandsOf('Workflows');
const [ANSWER = '', START = ''] = commandsOf('The nightly reconciliation');
const [EXTEND = ''] = commandsOf('Rolled and frozen API keys');
const [, , ROTATIONS = ''] = commandsOf('Keys of channels');

const { database, admin } = await ownDatabase();
let temporal: ThrowawayTemporal;
let worker: WorkerProcess;

beforeAll(async () => {
  await newCustomer(admin, [{ usd: '1' }]);
  await admin.query('update grant_balances set available_nano = available_nano + 1');
  temporal = await startThrowawayTemporal(SEARCH_ATTRIBUTES);
  worker = await startWorkerProcess({
    temporalAddress: temporal.environment.address,
    namespace: temporal.namespace,
    databaseUrl: database.urlFor('worker'),
  });
  await worker.ready();
});
afterAll(async () => {
  await worker.stop();
  await temporal.stop();
});

function onThePage(commands: string, more: Readonly<Record<string, string>> = {}): Promise<string> {
  return typed(commands, {
    temporalAddress: temporal.environment.address,
    workerUrl: worker.url,
    filledIn: {
      '<admin token>': WORKERS_ADMIN_TOKEN,
      '<id>': 'reconciliation:after-restore',
      'reconciliation:<date>': 'reconciliation:after-restore',
      '<you>': 'Ada',
      '<why>': 'the row is corrected',
      ...more,
    },
  });
}

async function stage(): Promise<string | undefined> {
  const { rows } = await admin.query(`select stage from reconciliations where name = 'after-restore'`);
  return rows[0]?.stage;
}

test('a reconciliation is started, found, read and answered by the commands of the page', async () => {
  await onThePage(START);
  await until(async () => (await stage()) === 'attention');
  let everyDay = '';
  await until(async () => {
    everyDay = await onThePage(EVERY_DAY);
    return everyDay.includes('Running'); // lists follow what happens by moments
  });
  await admin.query('update grant_balances set available_nano = available_nano - 1');
  const answer = await onThePage(ANSWER);

  expect(everyDay).toMatch(/Running +reconciliation:after-restore(.|\n)*I2-grants/);
  expect(answer).toMatch(/round:2 stage:running/);
  await until(async () => (await stage()) === 'completed');
  expect(await oneRow(admin, 'select actor, reason from process_commands')).toEqual({
    actor: 'Ada',
    reason: 'the row is corrected',
  });
});

test('the overlap of a rolled API key is made longer and ended by the commands of the page', async () => {
  const db = createPool(database.urlFor('worker'), { name: 'keys', maxConnections: 2, statementTimeoutMs: 10_000 });
  const shop = new KeyShop({ database, admin, db, gatewayDb: db });
  const made = await shop.apiKey();
  await shop.roll(made, 24);
  const filledIn = { '<rotation>': await shop.rotationOf(made) };

  const workflow = temporal.environment.client.workflow.getHandle(apiKeyRotationWorkflowId(filledIn['<rotation>']));
  await until(() => workflow.describe().then(Boolean, () => false)); // the relay starts it

  const extended = await onThePage(EXTEND, filledIn);
  const { rotation } = await shop.look(made);
  const overlapMs = (rotation?.endsAt.getTime() ?? 0) - (rotation?.startedAt.getTime() ?? 0);
  await onThePage(
    EXTEND.replace('--name extendOverlap', '--name endOverlap').replace(',"overlapHours":720', ''),
    filledIn,
  );

  expect(extended).toMatch(/hasEnded:false/);
  expect(overlapMs).toBe(720 * 3_600_000);
  expect((await shop.look(made)).rotation).toBeNull();
  await db.end();
});

test('a rotation of a key is found and told to look again by the commands of the page', async () => {
  const slot = await rotationThatWaits();
  let told = '';
  await until(async () => {
    told = await onThePage(ROTATIONS, { '<slot>': slot }).catch(() => '');
    return told.includes(slot); // lists follow what happens by moments
  });

  expect(told).toMatch(new RegExp(`Running +rotate:channel-key:${slot}`));
});

/** For a key that a person brings; its id is that of the place. */
async function rotationThatWaits(): Promise<string> {
  const { id, channelId } = await oneRow<{ id: string; channelId: string }>(
    admin,
    `with c as (insert into channels (name, provider, base_url) values ('a', 'openai', 'https://api.example.com/v1') returning id)
     insert into channel_keys (channel_id, sealed, master_key_version, last_four) select id, '{"v": 1}', 1, '****' from c
     returning id, channel_id as "channelId"`,
  );
  const db = createPool(database.urlFor('worker'), { name: 'desk', maxConnections: 1, statementTimeoutMs: 5_000 });
  const wanted = { channelId, slotId: id, isEmergency: false, reason: 'it is old' };
  await inTransaction(db, (tx) => startRotation(tx, wanted, { actor: 'person:ada', requestId: id }));
  await db.end();
  return id;
}
