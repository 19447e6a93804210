// The first start makes what a newcomer needs, and every further start finds it again instead of making it twice.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { listPrices } from '../../../scripts/list-prices.ts';
import { seed } from '../../../scripts/seed.ts';
import { DEMO_MODELS } from '../../support/demo-provider/catalogue.ts';
import { type DemoProvider, startDemoProvider } from '../../support/demo-provider/server.ts';
import { ADMIN_TOKEN, done, type ManagementApp, startManagementApp } from './management-app.ts';

let app: ManagementApp;
let demo: DemoProvider;
const dataDir = mkdtempSync(join(tmpdir(), 'seed-'));

beforeAll(async () => {
  app = await startManagementApp();
  demo = await startDemoProvider({ port: 0, dataDir });
});
afterAll(async () => {
  await demo.close();
  await app.close();
  rmSync(dataDir, { recursive: true });
});

const place = () => ({ api: app.url, adminToken: ADMIN_TOKEN, demoProvider: demo.url });

async function things(): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const noun of ['models', 'channels', 'organizations', 'projects', 'grants', 'api-keys', 'audit']) {
    counts[noun] = done(await app.call('get', `/api/v1/${noun}?limit=200`)).list('data').length;
  }
  return counts;
}

test('a first start makes a customer with $25, all models with their prices and three channels that answer; a second makes nothing', async () => {
  const first = await seed(place());
  await app.refresh();
  const made = await things();
  const models = 6 + listPrices('upstream').models.length;
  expect(made).toMatchObject({ models, channels: 3, organizations: 1, projects: 1, grants: 1, 'api-keys': 1 });
  const credits = done(await app.call('get', '/v1/credits', { credential: first.customerKey }));
  expect(credits.field('data.balanceNano')).toBe('25000000000');

  const second = await seed({ ...place(), customerKey: first.customerKey });
  expect([second, await things()]).toEqual([first, made]);
});

test('a start that has lost the customer’s key makes a new key, and no second customer and no second credit', async () => {
  const { customerKey } = await seed({ ...place(), customerKey: 'sk-tg-lost' });
  const { 'api-keys': keys, organizations, grants } = await things();
  expect([keys, organizations, grants]).toEqual([2, 1, 1]);
  expect((await app.call('get', '/v1/key', { credential: customerKey })).status).toBe(200);
});

test('what is recorded of the demo provider is what its catalogue says, and no multiplier is 1', async () => {
  for (const { id, costMicroUsdPerMillion, ...model } of DEMO_MODELS) {
    const { kind, bytesPerToken, contextTokens, maxOutputTokens } = model;
    const shown = done(await app.call('get', `/api/v1/models/${id}`));
    expect(shown.body).toMatchObject({ kind, bytesPerToken, contextTokens, maxOutputTokens });
    const prices = done(await app.call('get', `/api/v1/models/${id}/prices`));
    const versions = new Map([0, 1].map((at) => [prices.field(`data.${at}.side`), `data.${at}`]));
    expect(prices.field(`${versions.get('cost')}.price.tiers.0.microUsdPerMillion`)).toEqual(costMicroUsdPerMillion);
    expect(Number(prices.field(`${versions.get('selling')}.multiplierPpm`))).toBeGreaterThan(1_050_000);
  }
});

test('the channels work, and the flaky one fails as it should', async () => {
  const channels = done(await app.call('get', '/api/v1/channels'));
  const outcomes: Record<string, unknown> = {};
  for (const at of channels.list('data').keys()) {
    const path = `/api/v1/channels/${channels.string(`data.${at}.id`)}/test`;
    outcomes[channels.string(`data.${at}.name`)] = done(await app.call('post', path, { body: {} })).field('failure');
  }
  expect(outcomes).toEqual({ 'demo-a': null, 'demo-b': null, 'demo-flaky': 'overloaded' });
});

test('a demo provider on another port is found again, with its keys entered anew', async () => {
  const other = await startDemoProvider({ port: 0, dataDir });
  await seed({ ...place(), demoProvider: other.url });
  const channels = done(await app.call('get', '/api/v1/channels'));
  for (const at of channels.list('data').keys()) {
    expect(channels.field(`data.${at}.baseUrl`)).toBe(`${other.url}/v1`);
    const tested = done(
      await app.call('post', `/api/v1/channels/${channels.string(`data.${at}.id`)}/test`, { body: {} }),
    );
    expect([200, 503]).toContain(tested.field('status'));
  }
  await other.close();
});

test('a model of a real provider is neither listed nor sold before somebody opens a channel for it', async () => {
  const { customerKey: credential, models } = await seed(place());
  const listed = async () => {
    const ids = done(await app.call('get', '/v1/models', { credential }))
      .list('data')
      .keys();
    const page = done(await app.call('get', '/v1/models', { credential }));
    return [...ids].map((at) => page.string(`data.${at}.id`)).sort();
  };
  expect(await listed()).toEqual([...models].sort());

  const channel = { provider: 'openai', baseUrl: 'https://api.openai.com/v1', keys: ['sk-test'], models: ['gpt-5.4'] };
  done(await app.call('post', '/api/v1/channels', { body: channel }));
  await app.refresh();

  expect(await listed()).toEqual([...models, 'gpt-5.4'].sort());
});
