// GET /metrics of an installation with two gateways on one port: whichever is asked tells of both, and a death resets the series
// of the dead one alone.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { newId } from '../../services/platform/ids.ts';
import { freePort } from '../support/free-port.ts';
import { until } from '../support/until.ts';
import { type Customer, newCustomer, stock } from './reliability/customers.ts';
import { ask } from './reliability/requests.ts';
import { gatewaysOf, openSite, type Site, statusOf } from './reliability/site.ts';

const SLOTS = ['0', '1'];

let site: Site;
let customer: Customer;

beforeAll(async () => {
  site = await openSite();
  await site.start({ GATEWAY_PROCESSES: '2' });
  await until(async () => (await gatewaysOf(site)).length === 2);
  await stock(site);
  customer = await newCustomer(site, { usd: '100' });
  await until(async () => (await scrape()).length === 2);
});
afterAll(() => site.close());

/** What each gateway that is told of has answered with 200, by its slot; over a connection of its own, so by either gateway. */
async function scrape(): Promise<{ slot: string; answered: number }[]> {
  const response = await fetch(`${site.url}/metrics`, { headers: { connection: 'close' } });
  const text = await response.text();
  return SLOTS.filter((slot) => text.includes(`tollgate_requests_in_flight{gateway="${slot}"}`)).map((slot) => {
    const series = new RegExp(`^tollgate_requests_total.*status="200",gateway="${slot}"} (\\d+)$`, 'm');
    return { slot, answered: Number(series.exec(text)?.[1] ?? 0) };
  });
}

async function askOnce(): Promise<number> {
  return (await ask(site, { credential: customer.credential })).status;
}

function sumOf(told: readonly { answered: number }[]): number {
  return told.reduce((sum, { answered }) => sum + answered, 0);
}

test('whichever gateway is asked tells of both, and the sum is what was answered', async () => {
  let asked = 0;
  while (asked < 20 || (await scrape()).some(({ answered }) => answered === 0)) {
    expect(await askOnce()).toBe(200);
    asked += 1;
  }

  const scrapes = await Promise.all(Array.from({ length: 8 }, scrape));

  for (const told of scrapes) {
    expect(told.map(({ slot }) => slot)).toEqual(SLOTS);
    expect(sumOf(told)).toBe(asked);
  }
});

test('a gateway that does not answer is left out, and the others are told', async () => {
  const [frozen] = await gatewaysOf(site);
  process.kill(frozen?.pid ?? 0, 'SIGSTOP');

  const told = await Promise.any(Array.from({ length: 16 }, scrape));
  process.kill(frozen?.pid ?? 0, 'SIGCONT');

  expect(told).toHaveLength(1);
  await until(async () => (await scrape()).length === 2);
});

test('a gateway dies: its successor takes over its slot and counts from 0, the other goes on', async () => {
  const before = await scrape();
  const [victim] = await gatewaysOf(site);
  process.kill(victim?.pid ?? 0, 'SIGKILL');
  await until(async () => {
    const alive = await gatewaysOf(site);
    return alive.length === 2 && alive.every(({ id }) => id !== victim?.id);
  });
  await until(async () => (await scrape()).length === 2);

  const after = await scrape();

  const changes = after.map(({ answered }, at) => answered - (before[at]?.answered ?? 0));
  expect(after.map(({ slot }) => slot)).toEqual(SLOTS);
  expect(changes.filter((change) => change === 0)).toHaveLength(1);
  expect(after.filter(({ answered }) => answered === 0)).toHaveLength(1);
});

test('a gateway that nobody forked tells of itself', async () => {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const program = fileURLToPath(new URL('../../api/gateway.ts', import.meta.url));
  const gateway = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, newId()], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...{ PATH: process.env.PATH, NODE_ENV: 'test', PORT: String(port), TOLLGATE_ADMIN_TOKEN: site.adminToken },
      TOLLGATE_LINK_SECRET: randomBytes(24).toString('hex'),
      DATABASE_URL: site.database.urlFor('gateway'),
      DATABASE_URL_WORKER: site.database.urlFor('worker'),
      DATABASE_URL_MEMBERS: site.database.urlFor('members'),
      TOLLGATE_MASTER_KEYS: site.masterKeys,
      TOLLGATE_JOURNAL_DIR: site.journalDir,
    },
  });
  const gone = once(gateway, 'exit');
  await until(async () => (await statusOf(`${url}/readyz`)) === 200);

  const text = await (await fetch(`${url}/metrics`)).text();
  gateway.kill('SIGTERM');

  expect(text).toContain('tollgate_requests_in_flight{gateway="0"} 0');
  expect(await gone).toEqual([0, null]);
});
