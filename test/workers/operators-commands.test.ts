// What docs/operations.md tells an operator to type works as it stands there, with the codec on.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { SEARCH_ATTRIBUTES } from '../../workflows/contracts/search-attributes.ts';
import { newCustomer, oneRow } from '../support/bare-gateway.ts';
import { commandsOf, typed } from '../support/operators-page.ts';
import { ownDatabase } from '../support/own-database.ts';
import { startThrowawayTemporal, type ThrowawayTemporal } from '../support/throwaway-temporal.ts';
import { until } from '../support/until.ts';
import { startWorkerProcess, WORKERS_ADMIN_TOKEN, type WorkerProcess } from '../support/worker-process.ts';

const [EVERY_DAY = ''] = commandsOf('Workflows');
const [ANSWER = '', START = ''] = commandsOf('The nightly reconciliation');

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

function onThePage(commands: string): Promise<string> {
  return typed(commands, {
    temporalAddress: temporal.environment.address,
    workerUrl: worker.url,
    filledIn: {
      '<admin token>': WORKERS_ADMIN_TOKEN,
      '<id>': 'reconciliation:after-restore',
      'reconciliation:<date>': 'reconciliation:after-restore',
      '<you>': 'Ada',
      '<why>': 'the row is corrected',
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
