// A gateway is asked to leave while answers run. Each of them ends whole, or with what was delivered; none is charged twice, none for
// nothing, also of customers who are gone; nothing stays held, and the process says that all is well (T20, R-NET-6).
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { expectBalancedBooks, recordsOf } from './books.ts';
import { type Customer, newCustomer, stock } from './customers.ts';
import { begin, type UnderWay } from './requests.ts';
import { type Installation, openSite, type Site } from './site.ts';

const STREAMS = 40;

let site: Site;
let installation: Installation;
let customer: Customer;

beforeEach(async () => {
  site = await openSite();
  installation = await site.start();
  await stock(site, { onDisconnect: 'drain' });
  customer = await newCustomer(site, { usd: '100' });
});
afterEach(() => site.close());

async function streams(count: number, demo: string): Promise<UnderWay[]> {
  const { credential } = customer;
  const underWay = Array.from({ length: count }, () => begin(site, { credential, streamed: true, demo }));
  await Promise.all(underWay.map(({ begun }) => begun));
  return underWay;
}

/** Twice, as npm and the process group send it. */
function askToLeave(): void {
  installation.supervisor.kill('SIGTERM');
  installation.supervisor.kill('SIGTERM');
}

async function askAgainUntilItLeaves(): Promise<number | null> {
  const asking = setInterval(() => installation.supervisor.kill('SIGTERM'), 100);
  const code = await installation.ended;
  clearInterval(asking);
  return code;
}

test('answers that run when a gateway is asked to leave end complete, and each is charged once', async () => {
  const underWay = await streams(STREAMS, 'tokens=100,drip=20');

  askToLeave();
  const heard = await Promise.all(underWay.map(({ heard }) => heard));

  expect(heard.map(({ status, ended }) => [status, ended])).toEqual(Array(STREAMS).fill([200, true]));
  expect(await installation.ended).toBe(0);
  expect(installation.said('draining_cut_short')).toBe(0);
  const records = await recordsOf(site, customer.orgId);
  expect(records.map(({ outcome }) => outcome)).toEqual(Array(STREAMS).fill('complete'));
  expect(new Set(records.map(({ request_id }) => request_id))).toEqual(new Set(heard.map((one) => one.requestId)));
  await expectBalancedBooks(site);
});

test('an answer that is read on for a customer who has left is waited for, and charged', async () => {
  const [gone] = await streams(1, 'tokens=100,drip=20');
  gone?.hangUp();

  askToLeave();

  expect(await installation.ended).toBe(0);
  const [record] = await recordsOf(site, customer.orgId);
  expect(record).toMatchObject({ outcome: 'complete' });
  expect(installation.said('settlement_')).toBe(0);
  expect(BigInt(record?.charge_nano ?? 0)).toBeGreaterThan(100n * 10_000n); // its hundred tokens, and the input
  await expectBalancedBooks(site);
});

test('asked again, a gateway cuts short what runs: who listens is told, who has left is charged what he got, nothing is lost', async () => {
  const underWay = await streams(4, 'tokens=5000,drip=20');
  const plain = begin(site, { credential: customer.credential, demo: 'latency=100000' });
  const [gone] = await streams(1, 'tokens=5000,drip=20');
  gone?.hangUp();

  askToLeave();
  expect(await askAgainUntilItLeaves()).toBe(0);

  for (const { heard } of underWay) {
    expect(await heard).toMatchObject({ status: 200, ended: false, code: 'service_unavailable' });
  }
  expect(await plain.heard).toMatchObject({ status: 503, code: 'service_unavailable' });
  const records = await recordsOf(site, customer.orgId);
  const outcomes = records.map(({ outcome, charge_nano }) => [outcome, BigInt(charge_nano) > 0n]);
  expect(outcomes.sort()).toEqual([
    ['client_gone', true],
    ...Array.from({ length: 4 }, () => ['cut', true]),
    ['failed', false],
  ]);
  expect(installation.said('draining_cut_short')).toBe(1);
  await expectBalancedBooks(site);
});
