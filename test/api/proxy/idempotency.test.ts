// Idempotency-Key on inference requests: what was charged is not charged again, what runs is not started again, and what cost
// nothing may be tried again under the same key.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { until } from '../../support/until.ts';
import { expectBalancedBooks, recordsOf } from '../reliability/books.ts';
import { type Customer, manage, newCustomer, stock } from '../reliability/customers.ts';
import { ask, begin } from '../reliability/requests.ts';
import { openSite, type Site } from '../reliability/site.ts';

let site: Site;
let customer: Customer;

beforeAll(async () => {
  site = await openSite();
  await site.start();
  await stock(site);
  customer = await newCustomer(site, { usd: '10' });
});
afterAll(async () => {
  await expectBalancedBooks(site);
  await site.close();
});

const order = (idempotencyKey: string, more: object = {}) => ({
  ...{ credential: customer.credential, idempotencyKey, demo: 'tokens=20' },
  ...more,
});

async function chargesOf(requestIds: readonly (string | null)[]): Promise<boolean[]> {
  const records = await recordsOf(site, customer.orgId);
  return requestIds.map((id) => records.some((one) => one.request_id === id && one.charge_nano !== '0'));
}

test('a repetition of what was charged is told the first request and charged nothing, and another body is refused', async () => {
  const first = await ask(site, order('charged'));
  const repeated = await ask(site, order('charged'));
  const other = await ask(site, order('charged', { demo: 'tokens=21' }));

  expect([first.status, repeated.status, other.status]).toEqual([200, 409, 409]);
  expect([repeated.code, other.code]).toEqual(['already_charged', 'idempotency_mismatch']);
  for (const { text, headers } of [repeated, other]) {
    expect(text).toContain(String(first.requestId));
    expect(headers['x-should-retry']).toBe('false');
  }
  expect(await chargesOf([first, repeated, other].map(({ requestId }) => requestId))).toEqual([true, false, false]);
});

test('while the first runs a repetition is told to wait for it, and afterwards that it was charged', async () => {
  const long = order('running', { streamed: true, demo: 'tokens=100,drip=50' });
  const first = begin(site, long);
  await first.begun;

  const early = await ask(site, long);
  const { requestId } = await first.heard;
  const late = await ask(site, long);

  expect([early.status, early.code, late.status, late.code]).toEqual([
    ...[409, 'request_in_progress', 409, 'already_charged'],
  ]);
  expect(early.headers['x-should-retry']).toBeUndefined();
  expect(Number(early.headers['retry-after'])).toBeGreaterThan(0);
  for (const { text } of [early, late]) expect(text).toContain(String(requestId));
});

test('a first one that was charged nothing does not stand in the way: the repetition runs', async () => {
  const { rows } = await site.admin.query<{ id: string }>('select id from channels');
  const setChannel = (status: string) =>
    manage(site, 'PATCH', `/channels/${rows[0]?.id}`, { status, reason: 'the test of a key that was used in vain' });
  await setChannel('disabled');
  await until(async () => (await ask(site, { credential: customer.credential })).code === 'no_channel');

  const first = await ask(site, order('in-vain'));
  await setChannel('enabled');
  await until(async () => (await ask(site, { credential: customer.credential })).status === 200);
  const repeated = await ask(site, order('in-vain'));

  expect([first.status, first.code, repeated.status]).toEqual([503, 'no_channel', 200]);
  expect(await chargesOf([first.requestId, repeated.requestId])).toEqual([false, true]);
  expect((await ask(site, order('in-vain'))).code).toBe('already_charged');
});
