// Whom a request is sent to when upstreams fail, in the running product: what a unit of it cannot show.
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { until } from '../../support/until.ts';
import { expectBalancedBooks } from '../reliability/books.ts';
import { type Customer, manage, newCustomer } from '../reliability/customers.ts';
import { ask, type Heard } from '../reliability/requests.ts';
import { openSite, type Site } from '../reliability/site.ts';

let site: Site;
let customer: Customer;
const upstreams: Upstream[] = [];

beforeAll(async () => {
  site = await openSite();
  await site.start();
  customer = await newCustomer(site, { usd: '10' });
});
afterAll(async () => {
  for (const { server } of upstreams) server.closeAllConnections();
  for (const { server } of upstreams) server.close();
  await site.close();
});

interface Upstream {
  readonly baseUrl: string;
  readonly server: Server;
  /** How many requests came. */
  count: number;
}

async function upstream(answer: (response: ServerResponse) => void): Promise<Upstream> {
  const server = createServer((request, response) => {
    made.count += 1;
    request.resume().once('end', () => answer(response));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const made = { baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, server, count: 0 };
  upstreams.push(made);
  return made;
}

/** 12 tokens of input and 5 of output. */
function serve(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(
    JSON.stringify({
      choices: [{ index: 0, message: { role: 'assistant', content: 'Toll.' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 12, completion_tokens: 5, total_tokens: 17 },
    }),
  );
}

function fail(response: ServerResponse): void {
  response
    .writeHead(500, { 'content-type': 'application/json' })
    .end('{"error":{"message":"down","type":"server_error"}}');
}

const PRICE = { tiers: [{ aboveInputTokens: 0, microUsdPerMillion: { input: 2_500_000, output: 10_000_000 } }] };

interface ChannelWish {
  readonly baseUrl: string;
  readonly upstreamModel?: string;
  readonly keys?: readonly string[];
  readonly priority?: number;
}

/** Waits until the gateway sells it. */
async function sell(modelId: string, ...channels: readonly ChannelWish[]): Promise<string[]> {
  await manage(site, 'POST', '/models', { id: modelId, price: PRICE });
  const ids: string[] = [];
  for (const [at, { upstreamModel = modelId, keys = ['a-key-of-ours'], ...channel }] of channels.entries()) {
    const made = await manage(site, 'POST', '/channels', {
      ...{ provider: 'openai-compatible', allowLocal: true, name: `${modelId}-${at}`, keys, ...channel },
      models: [{ id: modelId, upstreamModel }],
    });
    ids.push(String(made.id));
  }
  await until(async () => (await fetch(`${site.url}/v1/models/${modelId}`, asCustomer())).status === 200);
  return ids;
}

function asCustomer(): RequestInit {
  return { headers: { authorization: `Bearer ${customer.credential}` } };
}

function askFor(model: string): Promise<Heard> {
  const body = JSON.stringify({ model, messages: [{ role: 'user', content: 'hi' }], max_tokens: 5 });
  return ask(site, { credential: customer.credential, body });
}

test('a request that passes two gateways is sent to a dead upstream four times in all, not four times four (T42)', async () => {
  const dead = await upstream(fail);
  await sell('below', ...Array.from({ length: 6 }, () => ({ baseUrl: dead.baseUrl })));
  const gateway = { baseUrl: `${site.url}/v1`, upstreamModel: 'below', keys: [customer.credential] };
  await sell('above', ...Array.from({ length: 6 }, () => gateway));

  const heard = await askFor('above');

  expect(heard.status).toBeGreaterThanOrEqual(500);
  expect(dead.count).toBeGreaterThan(0);
  expect(dead.count).toBeLessThanOrEqual(4);
});

test('a channel that leads back to its own gateway ends in an error and charges nothing (T42)', async () => {
  const itself = { baseUrl: `${site.url}/v1`, keys: [customer.credential] };
  await sell('circle', itself, itself);

  const heard = await askFor('circle');

  expect(heard.status).toBeGreaterThanOrEqual(500);
  const { rows } = await site.admin.query('select distinct charge_nano from usage_records');
  expect(rows).toEqual([{ charge_nano: '0' }]);
});

test('a channel that is disabled while a request waits for another is not asked by it any more (T41)', async () => {
  const waiting: ServerResponse[] = [];
  const slow = await upstream((response) => void waiting.push(response));
  const spare = await upstream(fail);
  const [, spareId] = await sell(
    't41',
    { baseUrl: slow.baseUrl, priority: 1 },
    { baseUrl: spare.baseUrl, priority: 2 },
  );
  const heard = askFor('t41');
  await until(() => waiting.length === 1);

  await manage(site, 'PATCH', `/channels/${spareId}`, { status: 'disabled', reason: 'T41' });
  await sell('t41-done', { baseUrl: spare.baseUrl }); // changes are heard in order
  for (const response of waiting) fail(response);

  expect((await heard).status).toBe(503);
  expect([slow.count, spare.count]).toEqual([1, 0]);
});

test('a request asks no channel twice, also when it has other keys (T41)', async () => {
  const dead = await upstream(fail);
  await sell('t41-keys', { baseUrl: dead.baseUrl, keys: ['one-key', 'another-key', 'a-third-key'] });

  expect((await askFor('t41-keys')).status).toBe(503);
  expect(dead.count).toBe(1);
});

test('a customer is charged once for what the second upstream answered, and the receipt shows both attempts (T35)', async () => {
  const [broken, sound] = [await upstream(fail), await upstream(serve)];
  await sell('t35', { baseUrl: broken.baseUrl, priority: 1 }, { baseUrl: sound.baseUrl, priority: 2 });
  await sell('t35-done', { baseUrl: sound.baseUrl }); // changes are heard in order

  const heard = await askFor('t35');

  expect([heard.status, broken.count, sound.count]).toEqual([200, 1, 1]);
  const answer = await fetch(`${site.url}/v1/requests/${heard.requestId}`, asCustomer());
  expect(await answer.json()).toMatchObject({
    ...{ outcome: 'complete', chargeNano: String(12 * 2_500 + 5 * 10_000), tokens: { input: 12, output: 5 } },
    attempts: [
      { n: 1, outcome: 'failed_over', status: 500 },
      { n: 2, outcome: 'won', status: 200 },
    ],
  });
  const { rows } = await site.admin.query('select charge_nano, winner from usage_records where request_id = $1', [
    heard.requestId,
  ]);
  expect(rows).toEqual([{ charge_nano: String(12 * 2_500 + 5 * 10_000), winner: 2 }]);
});

test('with every upstream dead the customer hears one error of ours, nothing of theirs, and nothing stays held (T40)', async () => {
  const secretive = (response: ServerResponse) =>
    void response
      .writeHead(500, { 'content-type': 'application/json', 'x-upstream': 'org-secret' })
      .end('{"error":{"message":"shard secret-17 is down","type":"server_error"}}');
  const dead = [await upstream(secretive), await upstream(secretive)];
  await sell('t40', ...dead.map(({ baseUrl }) => ({ baseUrl })));
  await sell('t40-done', { baseUrl: dead[0]?.baseUrl ?? '' }); // changes are heard in order

  const heard = await askFor('t40');

  expect([heard.status, heard.code, ...dead.map(({ count }) => count)]).toEqual([503, 'overloaded', 1, 1]);
  expect(heard.text).toContain(String(heard.requestId));
  for (const theirs of ['secret', ...dead.map(({ baseUrl }) => new URL(baseUrl).host)]) {
    expect(heard.text + JSON.stringify(heard.headers)).not.toContain(theirs);
  }
  await expectBalancedBooks(site);
});
