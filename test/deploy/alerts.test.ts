// Alerts that can come, and lead somewhere: each metric that a rule asks for is told by a gateway or a worker, each section that it sends
// people to is there, and each rule fires and ends as promtool, where it is installed (Debian: prometheus), shows.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { onPath } from '../../scripts/parts/on-path.ts';
import { Metrics } from '../../services/platform/metrics.ts';
import { SEARCH_ATTRIBUTES, WAITING_FOR_A_PERSON } from '../../workflows/contracts/search-attributes.ts';
import { ownDatabase } from '../support/own-database.ts';
import { startThrowawayTemporal, type ThrowawayTemporal } from '../support/throwaway-temporal.ts';
import { until } from '../support/until.ts';
import { startWorkerProcess, type WorkerProcess } from '../support/worker-process.ts';

const FOLDER = join(import.meta.dirname, '../../deploy/prometheus');
const RULES = readFileSync(join(FOLDER, 'alerts.yml'), 'utf8');
const OPERATIONS = readFileSync(join(import.meta.dirname, '../../docs/operations.md'), 'utf8');
/** The SDK tells them from the first time on that they happen. */
const OF_FAILURES = ['temporal_workflow_task_execution_failed_total'];

const { database } = await ownDatabase();
let temporal: ThrowawayTemporal;
let worker: WorkerProcess;
let isTemporalGone = false;
beforeAll(async () => {
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
  if (!isTemporalGone) await temporal.stop();
});

const told = async (url: string) => (await fetch(url)).text();

test('each metric that an alert asks for is told by a gateway or a worker', async () => {
  const asked = new Set(
    [...RULES.matchAll(/\b(?:tollgate|temporal)_\w+/g)].map(([name]) => name.replace(/_bucket$/, '')),
  );
  const gateway = new Metrics();
  gateway.watch(() => ({ requestsInFlight: 0, openLeases: 0, leaseFreeNano: 0n, spillRecords: 0, channels: [] }));

  await temporal.environment.client.schedule.getHandle('reconciliation').trigger();
  await until(async () => /temporal_workflow_task_schedule_to_start/.test(await told(worker.sdkMetricsUrl)));
  const texts = [
    await gateway.registry.metrics(),
    await told(`${worker.url}/metrics`),
    await told(worker.sdkMetricsUrl),
  ];
  const names = texts.flatMap((text) => [...text.matchAll(/^# TYPE (\w+) /gm)].map(([, name]) => name));

  expect(asked.size).toBeGreaterThan(15);
  expect([...asked].filter((name) => !names.includes(name))).toEqual(OF_FAILURES);
});

test('an alert sends people to a section that is there, and to the list that they can ask for', () => {
  const sections = [...RULES.matchAll(/^ +runbook: (.+)$/gm)].map(([, section = '']) => section);
  const queries = [...RULES.matchAll(/^ +query: (.+)$/gm)].map(([, query = '']) => query);

  expect(sections).toHaveLength([...RULES.matchAll(/^ +- alert: /gm)].length);
  expect(sections.filter((section) => !OPERATIONS.includes(`\n## ${section}\n`))).toEqual([]);
  expect(queries).toEqual([WAITING_FOR_A_PERSON]);
  expect(OPERATIONS).toContain(`temporal workflow list --query "${WAITING_FOR_A_PERSON}"`);
});

test('who waits for a person is counted while Temporal answers, and not said to be nobody when it does not', async () => {
  const counted = async () =>
    /^tollgate_workflows_need_attention (\d+)$/m.exec(await told(`${worker.url}/metrics`))?.[1];
  const before = await counted();

  isTemporalGone = true;
  await temporal.stop();
  await until(async () => (await counted()) === undefined);

  expect(before).toBe('0');
});

test('each rule fires on what it is for, and ends with it', () => {
  const promtool = onPath(['promtool']);
  const run = (...args: string[]) => promtool && execFileSync(promtool, args, { cwd: FOLDER, encoding: 'utf8' });

  const said = [run('check', 'rules', 'alerts.yml'), run('test', 'rules', 'alerts.test.yml')];

  // promtool leaves with 1, and this throws, when it finds fault.
  expect(said.every((text) => text === null || text.includes('SUCCESS'))).toBe(true);
});
