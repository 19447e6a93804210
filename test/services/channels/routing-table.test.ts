import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { Pool } from 'pg';
import { priceInForce } from '../../../domain/prices.ts';
import {
  type DialectId,
  loadRoutingTable,
  type RoutingTable,
  servesDialect,
} from '../../../services/channels/routing-table.ts';
import { parseKeyring, Vault } from '../../../services/vault/vault.ts';
import { startThrowawayPostgres, type ThrowawayPostgres } from '../../support/throwaway-postgres.ts';
import { Catalogue, priceOf } from './catalogue.ts';

const UNUSED = { version: 1, attempts: 0 };
const HOUR = 3_600_000;
const vault = new Vault(
  parseKeyring('Master', JSON.stringify({ current: 1, keys: { 1: randomBytes(32).toString('base64') } })),
);
let postgres: ThrowawayPostgres;
let admin: Pool;
let gateway: Pool;
let catalogue: Catalogue;

beforeAll(async () => {
  postgres = await startThrowawayPostgres();
});
beforeEach(async () => {
  const database = await postgres.createDatabase();
  admin = new Pool({ connectionString: database.url, max: 2 });
  catalogue = new Catalogue(admin, vault);
  gateway = new Pool({ connectionString: database.urlFor('gateway'), max: 2 });
});
afterEach(async () => {
  await Promise.all([admin.end(), gateway.end()]);
});
afterAll(() => postgres.stop());

test('a model comes with its prices, its channel, the opened key and the cost of the route', async () => {
  const channelId = await catalogue.addChannel({
    name: 'first',
    baseUrl: 'https://api.example.com/v1/',
    outputCapField: 'max_completion_tokens',
    onDisconnect: 'drain',
    requestsPerMinute: 900,
    usageExport: 'demo',
    provider: 'demo',
  });
  const keyId = await catalogue.addKey(channelId, 'https://api.example.com/v1', 'sk-upstream-0001');
  await catalogue.addModel('gpt-x', { tokensPerMinute: 5_000_000_000 });
  await catalogue.addRoute(channelId, 'gpt-x', 'gpt-x-2026');
  const sellingId = await catalogue.addPrice('gpt-x', 'selling', { input: 3_000_000, output: 9_000_000 });
  const costId = await catalogue.addPrice('gpt-x', 'cost', { input: 2_500_000, output: 7_500_000 });

  const table = await load(1_234);

  expect(table).toMatchObject({ loadedAtMs: 1_234, problems: [] });
  expect(table.models.get('gpt-x')).toEqual({
    id: 'gpt-x',
    displayName: 'gpt-x',
    ownedBy: 'someone',
    kind: 'chat',
    contextTokens: 128_000,
    maxOutputTokens: 16_000,
    bytesPerToken: 4,
    requestsPerMinute: null,
    tokensPerMinute: 5_000_000_000,
    concurrentRequests: null,
    basic: false,
    createdAtMs: expect.any(Number),
    sellingPrices: [expect.objectContaining({ id: sellingId, modelId: 'gpt-x' })],
    routes: [
      {
        upstreamModel: 'gpt-x-2026',
        costPrices: [expect.objectContaining({ id: costId, price: priceOf({ input: 2_500_000, output: 7_500_000 }) })],
        channel: {
          id: channelId,
          name: 'first',
          provider: 'demo',
          baseUrl: 'https://api.example.com/v1',
          allowLocal: false,
          weight: 1,
          priority: 1,
          outputCapField: 'max_completion_tokens',
          onDisconnect: 'drain',
          maxInFlight: 2000,
          requestsPerMinute: 900,
          status: 'enabled',
          usageExport: 'demo',
          keys: [{ id: keyId, credential: 'sk-upstream-0001', lastFour: '0001', slotId: keyId, share: 100 }],
          use: UNUSED,
        },
      },
    ],
  });
});

test('an empty catalogue is a table without models', async () => {
  expect(await load()).toEqual({ models: new Map(), loadedAtMs: 0, use: UNUSED, problems: [] });
});

test('a key that does not open is left out and named; the channel serves with the others', async () => {
  const channelId = await catalogue.addSoldModel();
  const goodId = await catalogue.addKey(channelId, 'https://api.example.com/v1', 'sk-good');
  const movedId = await catalogue.addKey(channelId, 'https://elsewhere.example.com/v1', 'sk-of-another-origin');
  const foreign = new Vault(
    parseKeyring('Master', JSON.stringify({ current: 2, keys: { 2: randomBytes(32).toString('base64') } })),
  );
  const foreignId = await catalogue.addKey(channelId, 'https://api.example.com/v1', 'sk-of-a-lost-master-key', foreign);
  const brokenId = await catalogue.addKey(channelId, 'https://api.example.com/v1', 'sk-broken');
  await admin.query(`update channel_keys set sealed = '{"v":1}' where id = $1`, [brokenId]);

  const { models, problems } = await load();

  expect(models.get('gpt-x')?.routes[0]?.channel.keys).toEqual([
    { id: goodId, credential: 'sk-good', lastFour: 'good', slotId: goodId, share: 100 },
  ]);
  expect(problems).toHaveLength(3);
  for (const id of [movedId, foreignId, brokenId]) {
    expect(problems).toContainEqual(expect.stringContaining(`channel key ${id}`));
  }
  expect(problems.join()).not.toContain('sk-');
});

test('a disabled key is not opened', async () => {
  const channelId = await catalogue.addSoldModel();
  const keyId = await catalogue.addKey(channelId, 'https://api.example.com/v1', 'sk-disabled');
  await admin.query(`update channel_keys set status = 'disabled' where id = $1`, [keyId]);

  const { models, problems } = await load();

  expect(models.get('gpt-x')?.routes[0]?.channel.keys).toEqual([]);
  expect(problems).toEqual([]);
});

test('disabled and draining channels stay in the table under their status', async () => {
  const channelId = await catalogue.addSoldModel();
  await admin.query(`update channels set status = 'draining' where id = $1`, [channelId]);
  expect((await load()).models.get('gpt-x')?.routes[0]?.channel.status).toBe('draining');
});

test('a model without a selling price is not sold, and only that one', async () => {
  await catalogue.addSoldModel();
  await catalogue.addModel('unpriced');

  const { models, problems } = await load();

  expect([...models.keys()]).toEqual(['gpt-x']);
  expect(problems).toEqual(['model unpriced: it has no selling price']);
});

test('a model with an unsound price is withdrawn instead of sold at the price before it', async () => {
  await catalogue.addSoldModel();
  const faultyId = await catalogue.addPrice('gpt-x', 'selling', { input: 0.5 }, { effectiveInMs: -1_000 });

  const { models, problems } = await load();

  expect(models.has('gpt-x')).toBe(false);
  expect(problems).toEqual([expect.stringMatching(`^model gpt-x: price version ${faultyId} is not`)]);
});

test('a route whose cost is unsound is withdrawn; the other routes of the model serve', async () => {
  const faulty = await catalogue.addSoldModel();
  const sound = await catalogue.addChannel({ name: 'sound' });
  await catalogue.addRoute(sound, 'gpt-x', 'gpt-x');
  await catalogue.addPrice('gpt-x', 'cost', { input: 1.5 }, { channelId: faulty });

  const { models, problems } = await load();

  expect(models.get('gpt-x')?.routes.map(({ channel }) => channel.id)).toEqual([sound]);
  expect(problems).toEqual([expect.stringContaining(faulty)]);
});

test('a route without any cost price serves, and somebody is told', async () => {
  await catalogue.addModel('gpt-x');
  await catalogue.addPrice('gpt-x', 'selling', { input: 1 });
  await catalogue.addRoute(await catalogue.addChannel({ name: 'only' }), 'gpt-x', 'gpt-x');

  const { models, problems } = await load();

  expect(models.get('gpt-x')?.routes).toMatchObject([{ costPrices: [] }]);
  expect(problems).toEqual([expect.stringMatching(/^model gpt-x on channel only .* has no cost price$/)]);
});

test('a channel whose base URL may not be connected to is left out, and its URL is not repeated', async () => {
  const channelId = await catalogue.addSoldModel();
  const refused = [
    ['http://api.example.com/v1', false],
    ['https://127.0.0.1:8080/v1', false],
    ['https://169.254.169.254/v1', true],
    ['https://user:secret@api.example.com/v1', false],
    ['not a url', true],
  ] as const;
  for (const [baseUrl, allowLocal] of refused) {
    await admin.query('update channels set base_url = $2, allow_local = $3 where id = $1', [
      channelId,
      baseUrl,
      allowLocal,
    ]);

    const { models, problems } = await load();

    expect(models.get('gpt-x')?.routes).toEqual([]);
    expect(problems).toEqual([expect.stringMatching(`\\(${channelId}\\): its base URL is refused`)]);
    expect(problems.join()).not.toContain('secret');
  }
});

test('the cost of a route is its channel’s own from the moment that there is one, and the model’s before', async () => {
  const own = await catalogue.addSoldModel();
  const other = await catalogue.addChannel({ name: 'other' });
  await catalogue.addRoute(other, 'gpt-x', 'gpt-x');
  const ownId = await catalogue.addPrice('gpt-x', 'cost', { input: 5 }, { channelId: own, effectiveInMs: HOUR });
  const laterId = await catalogue.addPrice('gpt-x', 'cost', { input: 7 }, { effectiveInMs: 2 * HOUR });

  const routes = (await load()).models.get('gpt-x')?.routes ?? [];
  const costOn = (channelId: string, atMs: number) => {
    const route = routes.find(({ channel }) => channel.id === channelId);
    return priceInForce(route?.costPrices ?? [], atMs)?.id;
  };

  const nowMs = Date.now();
  expect(costOn(own, nowMs)).toBe(costOn(other, nowMs));
  expect(costOn(own, nowMs + 1.5 * HOUR)).toBe(ownId);
  expect(costOn(own, nowMs + 3 * HOUR)).toBe(ownId);
  expect(costOn(other, nowMs + 3 * HOUR)).toBe(laterId);
});

test('prices to come are in the table, those long superseded are not', async () => {
  await catalogue.addModel('gpt-x');
  await catalogue.addPrice('gpt-x', 'selling', { input: 1 }, { effectiveInMs: -5 * HOUR });
  const yesterday = await catalogue.addPrice('gpt-x', 'selling', { input: 2 }, { effectiveInMs: -4 * HOUR });
  const current = await catalogue.addPrice('gpt-x', 'selling', { input: 3 }, { effectiveInMs: -HOUR / 2 });
  const coming = await catalogue.addPrice('gpt-x', 'selling', { input: 4 }, { effectiveInMs: HOUR });

  const versions = (await load()).models.get('gpt-x')?.sellingPrices ?? [];

  expect(versions.map(({ id }) => id)).toEqual([yesterday, current, coming]);
  expect(priceInForce(versions, Date.now())?.id).toBe(current);
});

test('routes stand in the order of their channels’ priority', async () => {
  await catalogue.addSoldModel();
  for (const priority of [30, 10, 20]) {
    await catalogue.addRoute(await catalogue.addChannel({ name: `p${priority}`, priority }), 'gpt-x', 'gpt-x');
  }
  const routes = (await load()).models.get('gpt-x')?.routes ?? [];
  expect(routes.map(({ channel }) => channel.priority)).toEqual([1, 10, 20, 30]);
});

test('the number of statements does not grow with the catalogue, and no row is lost in it', async () => {
  const statements: unknown[] = [];
  const counting = new Pool({ connectionString: postgresUrlOf(gateway) });
  counting.on('connect', (client) => {
    const query = client.query.bind(client);
    Object.assign(client, {
      query: (...args: Parameters<typeof query>) => {
        statements.push(args[0]);
        return query(...args);
      },
    });
  });
  const channels = await Promise.all(Array.from({ length: 20 }, (_, n) => catalogue.addChannel({ name: `c${n}` })));
  for (let n = 0; n < 50; n += 1) {
    await catalogue.addModel(`m${n}`);
    await catalogue.addPrice(`m${n}`, 'selling', { input: n + 1 });
    await catalogue.addPrice(`m${n}`, 'cost', { input: n + 1 });
    for (const id of channels.slice(0, (n % 20) + 1)) await catalogue.addRoute(id, `m${n}`, 'up');
  }

  const { models, problems } = await loadRoutingTable(counting, vault, 0);
  await counting.end();

  expect(statements).toHaveLength(1);
  expect(problems).toEqual([]);
  expect([...models.values()].map(({ routes }) => routes.length)).toEqual(
    [...models.keys()].map((id) => (Number(id.slice(1)) % 20) + 1),
  );
});

test('each provider is asked only in the dialects that it speaks', () => {
  const dialects: readonly DialectId[] = [
    ...(['openai-chat', 'openai-completions', 'openai-embeddings'] as const),
    ...(['openai-responses', 'anthropic-messages'] as const),
  ];
  const spokenBy = (provider: Parameters<typeof servesDialect>[0]) =>
    dialects.filter((id) => servesDialect(provider, id));
  expect(spokenBy('openai')).toEqual(dialects.slice(0, 4));
  expect(spokenBy('openai-compatible')).toEqual(dialects.slice(0, 3));
  expect(spokenBy('anthropic')).toEqual(['anthropic-messages']);
  expect(spokenBy('demo')).toEqual(dialects);
});

function load(nowMs = 0): Promise<RoutingTable> {
  return loadRoutingTable(gateway, vault, nowMs);
}

function postgresUrlOf(pool: Pool): string {
  return pool.options.connectionString ?? '';
}
