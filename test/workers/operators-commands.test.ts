// What docs/operations.md tells an operator to type works as it stands there, with the codec on: each command is taken from the page
// and run; only addresses and what is in angle brackets are filled in.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { homeFolder } from '../../scripts/parts/home.ts';
import { findOrFetch, TEMPORAL } from '../../scripts/parts/temporal-programs.ts';
import { SEARCH_ATTRIBUTES } from '../../workflows/contracts/search-attributes.ts';
import { newCustomer, oneRow } from '../support/bare-gateway.ts';
import { ownDatabase } from '../support/own-database.ts';
import { startThrowawayTemporal, type ThrowawayTemporal } from '../support/throwaway-temporal.ts';
import { until } from '../support/until.ts';
import { startWorkerProcess, WORKERS_ADMIN_TOKEN, type WorkerProcess } from '../support/worker-process.ts';

const PAGE = readFileSync(join(import.meta.dirname, '../../docs/operations.md'), 'utf8');
const COMMANDS = PAGE.slice(PAGE.indexOf('## Workflows'), PAGE.indexOf('## On a machine'));
const [EVERY_DAY = '', ANSWER = '', START = ''] = [...COMMANDS.matchAll(/```\n([^`]*)```/g)].map(
  ([, text = '']) => text,
);
const SETTINGS = EVERY_DAY.split('\n').slice(0, 2).join('\n');

const { database, admin } = await ownDatabase();
let temporal: ThrowawayTemporal;
let worker: WorkerProcess;
let program: string;

beforeAll(async () => {
  await newCustomer(admin, [{ usd: '1' }]);
  await admin.query('update grant_balances set available_nano = available_nano + 1');
  temporal = await startThrowawayTemporal(SEARCH_ATTRIBUTES);
  const interrupted = new AbortController().signal;
  program = (await findOrFetch(TEMPORAL, { ...homeFolder(), say: () => undefined, interrupted })).file;
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

/** What it printed; rejects when a command fails. */
async function typed(commands: string): Promise<string> {
  const filled = commands
    .replaceAll('127.0.0.1:7233', temporal.environment.address)
    .replaceAll('http://127.0.0.1:8083', worker.url)
    .replaceAll('<admin token>', WORKERS_ADMIN_TOKEN)
    .replaceAll('<id>', 'reconciliation:after-restore')
    .replaceAll('reconciliation:<date>', 'reconciliation:after-restore')
    .replaceAll('<you>', 'Ada')
    .replaceAll('<why>', 'the row is corrected');
  const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', filled], {
    env: { PATH: `${dirname(program)}:${process.env.PATH}`, HOME: dirname(program) },
  });
  return stdout;
}

async function stage(): Promise<string | undefined> {
  const { rows } = await admin.query(`select stage from reconciliations where name = 'after-restore'`);
  return rows[0]?.stage;
}

test('a reconciliation is started, found, read and answered by the commands of the page', async () => {
  await typed(`${SETTINGS}\n${START}`);
  await until(async () => (await stage()) === 'attention');
  let everyDay = '';
  await until(async () => {
    everyDay = await typed(EVERY_DAY);
    return everyDay.includes('Running'); // lists follow what happens by moments
  });
  await admin.query('update grant_balances set available_nano = available_nano - 1');
  const answer = await typed(`${SETTINGS}\n${ANSWER}`);

  expect(everyDay).toMatch(/Running +reconciliation:after-restore(.|\n)*I2-grants/);
  expect(answer).toMatch(/round:2 stage:running/);
  await until(async () => (await stage()) === 'completed');
  expect(await oneRow(admin, 'select actor, reason from process_commands')).toEqual({
    actor: 'Ada',
    reason: 'the row is corrected',
  });
});
