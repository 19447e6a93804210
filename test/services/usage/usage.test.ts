import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { done, type ManagementApp, startManagementApp } from '../../api/routes/management-app.ts';
import {
  answeredRequest,
  newKey,
  newPayingCustomer,
  openShop,
  type PayingCustomer,
  type Shop,
} from '../../api/routes/paying-customer.ts';

let app: ManagementApp;
let shop: Shop;
let customer: PayingCustomer;
let second: PayingCustomer;

const CENT = { output: 1_000 }; // $0.01
const at = (instant: string) => ({ admitted_ms: Date.parse(instant) });

beforeAll(async () => {
  app = await startManagementApp();
  shop = await openShop(app, 'std');
  customer = await newPayingCustomer(app);
  second = await newKey(app, customer.orgId, { name: 'second' });
  await answeredRequest(shop, customer, { ...CENT, input: 400, cachedInput: 100 }, at('2026-03-31T15:59:59.999Z'));
  await answeredRequest(shop, customer, CENT, at('2026-03-31T16:00:00.000Z'));
  const lost = [{ outcome: 'failed' as const, cost_nano: null }];
  await answeredRequest(shop, second, CENT, at('2026-04-01T12:00:00.000Z'), lost);
  await answeredRequest(shop, await newPayingCustomer(app), CENT, at('2026-04-01T12:00:00.000Z'));
});
afterAll(async () => {
  await shop.gateway.close();
  await app.close();
});

async function usage(query: string): Promise<unknown[]> {
  return done(await app.call('get', `/api/v1/usage?orgId=${customer.orgId}&${query}`)).list('data');
}

test('usage adds up charges, tokens by meter, and costs as far as they are known', async () => {
  expect(await usage('')).toEqual([
    {
      ...{ group: 'total', requests: 3, tokens: { input: 400, cachedInput: 100, output: 3_000 } },
      ...{ ratedNano: '31250000', chargeNano: '31250000', costNano: '3000', attemptsWithoutCost: 1 },
    },
  ]);
});

test('days end where the caller lives: a Shanghai midnight parts two requests that UTC puts on one day', async () => {
  expect(await usage('groupBy=day')).toMatchObject([
    { group: '2026-03-31', requests: 2 },
    { group: '2026-04-01', requests: 1 },
  ]);
  expect(await usage('groupBy=day&timeZone=Asia/Shanghai')).toMatchObject([
    { group: '2026-03-31', requests: 1 },
    { group: '2026-04-01', requests: 2 },
  ]);
  expect(await usage('groupBy=month&timeZone=Asia/Shanghai')).toMatchObject([
    { group: '2026-03' },
    { group: '2026-04', requests: 2 },
  ]);
});

test('windows tile: an instant belongs to the window that begins with it and to no other', async () => {
  const [before, after] = [await usage('to=2026-03-31T16:00:00Z'), await usage('from=2026-03-31T16:00:00Z')];
  expect([before, after]).toMatchObject([[{ requests: 1 }], [{ requests: 2 }]]);
});

test('every grouping adds up to the total', async () => {
  for (const group of [
    'organization',
    'project',
    'apiKey',
    'model',
    'dialect',
    'outcome',
    'hour',
    'day',
    'month',
    'total',
  ]) {
    const rows = await usage(`groupBy=${group}`);
    const requests = rows.map((row) => Number(new Map(Object.entries(row ?? {})).get('requests')));
    expect([group, requests.reduce((total, one) => total + one, 0)]).toEqual([group, 3]);
  }
});

test('filters choose by key, model and time, and page in the order of their groups', async () => {
  expect(await usage(`apiKeyId=${second.id}`)).toMatchObject([{ requests: 1 }]);
  expect(await usage('model=other')).toEqual([]);
  const first = done(await app.call('get', `/api/v1/usage?groupBy=hour&limit=1&orgId=${customer.orgId}`));
  const next = `/api/v1/usage?groupBy=hour&limit=1&orgId=${customer.orgId}&cursor=${first.string('nextCursor')}`;
  expect([first.field('data.0.group'), done(await app.call('get', next)).field('data.0.group')]).toEqual([
    '2026-03-31T15',
    '2026-03-31T16',
  ]);
});

test('requests are listed newest first, by any of their filters', async () => {
  const list = async (query: string) => {
    const page = done(await app.call('get', `/api/v1/requests?orgId=${customer.orgId}&${query}`));
    return page.list('data').map((_, row) => page.string(`data.${row}.admittedAt`));
  };
  const all = ['2026-04-01T12:00:00.000Z', '2026-03-31T16:00:00.000Z', '2026-03-31T15:59:59.999Z'];
  expect(await list('')).toEqual(all);
  expect(await list('from=2026-03-31T16:00:00Z&to=2026-04-01T12:00:00Z')).toEqual(all.slice(1, 2));
  expect(await list(`apiKeyId=${second.id}&outcome=complete&model=std`)).toEqual(all.slice(0, 1));
  expect(await list('outcome=cut')).toEqual([]);
});
