// A defect that nobody catches ends the process at once: said in one line without a secret, survived by the books, and followed by
// another process (R-OPS-1).
import { execFile } from 'node:child_process';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { until } from '../../support/until.ts';
import { expectBalancedBooks, recordsOf } from './books.ts';
import { newCustomer, stock } from './customers.ts';
import { ask, begin } from './requests.ts';
import { gatewaysOf, openSite, type Site } from './site.ts';

const DEFECT = `process.on('SIGUSR2', () => void Promise.reject(new Error('no postgres://tollgate:hunter22@db/tollgate')))`;
const WITH_DEFECT = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(DEFECT)}` };

let site: Site;
beforeEach(async () => {
  site = await openSite();
});
afterEach(() => site.close());

test('a gateway with a defect leaves its journal, one line, and its place to another', async () => {
  const installation = await site.start(WITH_DEFECT);
  await stock(site);
  const customer = await newCustomer(site, { usd: '10' });
  expect((await ask(site, { credential: customer.credential })).status).toBe(200);
  const running = begin(site, { credential: customer.credential, streamed: true, demo: 'tokens=5000,drip=20' });
  await running.begun;
  const [gateway] = await gatewaysOf(site);

  process.kill(gateway?.pid ?? 0, 'SIGUSR2');

  expect((await running.heard).ended).toBe(false);
  await until(async () => (await ask(site, { credential: customer.credential })).status === 200);
  const lines = installation.log.filter((line) => line.includes('process_crashed'));
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain('[redacted]');
  expect(installation.log.join()).not.toContain('hunter22@'); // in the address of this test's own code it is hunter22%40
  expect(installation.log.find((line) => line.includes('gateway_died'))).toContain('"code":1');
  expect((await recordsOf(site, customer.orgId)).length).toBe(2);
  await expectBalancedBooks(site);
});

test('a supervisor with a defect leaves with code 1, and its gateways follow in order', async () => {
  const installation = await site.start(WITH_DEFECT);
  const [gateway] = await gatewaysOf(site);

  installation.supervisor.kill('SIGUSR2');

  expect(await installation.ended).toBe(1);
  await until(() => installation.said('drained') === 1);
  await until(async () => !(await isAlive(gateway?.pid ?? 0)));
});

function isAlive(pid: number): Promise<boolean> {
  return new Promise((resolve) => execFile('kill', ['-0', String(pid)], (error) => resolve(error === null)));
}
