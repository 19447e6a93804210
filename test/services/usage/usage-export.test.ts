// What a provider's export says becomes the books, whatever its clock shows; what it cannot mean is left unknown and stops nothing.
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { newId } from '../../../services/platform/ids.ts';
import { exportingChannels, importUsageExports } from '../../../services/usage/usage-export.ts';
import { type Gateway, openGateway } from '../../api/proxy/streams/gateway.ts';
import { INPUT_NANO, newCustomer, sell } from '../../api/proxy/streams/shop.ts';
import { oneRow } from '../../support/bare-gateway.ts';

const MINUTE_MS = 60_000;
/** 100 tokens of input, at cost. */
const USAGE = { input: 100 };
const COST = String((100n * INPUT_NANO) / 2n);

let gateway: Gateway;
let provider: Server;
let orgId: string;
let modelId: string;
let channelId: string;
let page: { rows: object[]; cursor: string; asOf: number; oldestOpenAt: number | null };

beforeAll(async () => {
  gateway = await openGateway();
  ({ orgId } = await newCustomer(gateway, 0n));
});
afterAll(() => gateway.close());

beforeEach(async () => {
  page = { rows: [], cursor: '1', asOf: Date.now(), oldestOpenAt: null };
  provider = createServer((_, res) => {
    res.end(JSON.stringify(page));
    page.rows = [];
  });
  provider.listen(0, '127.0.0.1');
  await once(provider, 'listening');
  const { port } = provider.address() as AddressInfo;
  const sold = await sell(gateway, { baseUrl: `http://127.0.0.1:${port}/v1`, usageExport: 'demo' });
  modelId = sold.modelId;
  channelId = sold.channelIds[0] ?? '';
});
afterEach(() => {
  provider.close();
  provider.closeAllConnections();
});

/** An attempt of a dead gateway, sent so long ago. */
async function orphan(sentAgo: string, hasPrice = true, channel = channelId): Promise<string> {
  const requestId = newId();
  await gateway.admin.query(
    `select record_orphan($1, $2, 1::smallint, $3, $4, $4, $5, 'demo-chat',
                          (select id from price_versions where model_id = $5 and side = 'cost' and $7), clock_timestamp() - $6::interval)`,
    [newId(), requestId, orgId, channel, modelId, sentAgo, hasPrice],
  );
  return requestId;
}

function rowOf(requestId: string, usage: unknown = USAGE): object {
  return { attemptId: `${requestId}.1`, model: 'demo-chat', usage, endedAt: Date.now() };
}

async function importAll(...rows: object[]): Promise<void> {
  page.rows = rows;
  const logged: string[] = [];
  const log = pino({}, { write: (line) => void logged.push(line) });
  const { admin, vault } = gateway;
  const channels = (await exportingChannels(admin, vault)).filter(({ id }) => id === channelId);
  await importUsageExports(admin, gateway.parts.egress, channels, log);
  expect(logged.join()).not.toContain('usage_export_failed');
}

interface Books {
  readonly cost: string | null;
  readonly loss: string | null;
}

function booksOf(requestId: string): Promise<Books> {
  return oneRow(
    gateway.admin,
    `select (select a.cost_nano from attempts a where a.request_id = $1) as cost,
            (select sum(l.amount_nano)::text from ops_losses l where l.request_id = $1) as loss`,
    [requestId],
  );
}

function seenLongAgo(): Promise<unknown> {
  return gateway.admin.query(
    `update usage_export_rows set seen_at = seen_at - interval '1 hour' where channel_id = $1`,
    [channelId],
  );
}

test('what a provider bills and nobody sent is our loss after half an hour, once', async () => {
  const requestId = newId();
  await importAll(rowOf(requestId), { ...rowOf(requestId), attemptId: 'chatcmpl-of-a-thief' });
  expect((await booksOf(requestId)).loss).toBeNull();

  await seenLongAgo();
  await importAll();
  await importAll();

  expect(await booksOf(requestId)).toEqual({ cost: null, loss: COST });
  const { total } = await oneRow<{ total: string }>(
    gateway.admin,
    `select sum(amount_nano)::text as total from ledger_entries where channel_id = $1 and account = 'ops_loss'`,
    [channelId],
  );
  expect(total).toBe(String(2n * BigInt(COST)));
});

test('an attempt that turns up after its usage was posted as unclaimed is lost once', async () => {
  const requestId = newId();
  await importAll(rowOf(requestId));
  await seenLongAgo();
  await importAll();

  await gateway.admin.query(
    `select record_orphan($1, $2, 1::smallint, $3, $4, $4, $5, 'demo-chat',
                          (select id from price_versions where model_id = $5 and side = 'cost'), clock_timestamp())`,
    [newId(), requestId, orgId, channelId, modelId],
  );
  await importAll();

  expect(await booksOf(requestId)).toEqual({ cost: COST, loss: COST });
});

test('rows that cannot be meant stop no other row, and leave their attempt without a cost', async () => {
  const [good, negative, without] = [await orphan('1 minute'), await orphan('1 minute'), await orphan('1 minute')];
  const notAnId = { ...rowOf(good), attemptId: '------------------------------------.1' };
  const unprintable = { ...rowOf(newId()), model: 'demo\u0000\ud800' };

  await importAll(rowOf(negative, { input: -1 }), rowOf(without, null), notAnId, unprintable, rowOf(good));

  expect(await booksOf(good)).toEqual({ cost: COST, loss: COST });
  expect(await booksOf(negative)).toEqual({ cost: null, loss: null });
  expect(await booksOf(without)).toEqual({ cost: null, loss: null });
});

test('an attempt whose cost price nobody knows has no cost, rather than none to pay', async () => {
  const requestId = await orphan('1 minute', false);

  await importAll(rowOf(requestId));

  expect(await booksOf(requestId)).toEqual({ cost: null, loss: null });
});

test('what a provider says of an attempt that went to another channel is not believed', async () => {
  const requestId = await orphan('1 minute', true, newId());

  await importAll(rowOf(requestId));

  expect(await booksOf(requestId)).toEqual({ cost: null, loss: null });
});

test('an attempt that may still run is not taken for one that never arrived by a provider whose clock is ahead', async () => {
  const requestId = await orphan('30 seconds');
  page.asOf = Date.now() + 10 * MINUTE_MS;
  page.oldestOpenAt = page.asOf - MINUTE_MS;

  await importAll();

  expect((await booksOf(requestId)).cost).toBeNull();
});

test('an attempt that was sent long ago and ended only now is not taken for one that never arrived', async () => {
  const requestId = await orphan('1 minute');
  await gateway.admin.query('update attempts set duration_ms = 600000 where request_id = $1', [requestId]);

  await importAll();

  expect((await booksOf(requestId)).cost).toBeNull();
});

test('an attempt that seemed never to have arrived costs what the provider says later', async () => {
  const requestId = await orphan('1 minute');
  await importAll();
  expect(await booksOf(requestId)).toEqual({ cost: '0', loss: null });

  await importAll(rowOf(requestId));

  expect(await booksOf(requestId)).toEqual({ cost: COST, loss: COST });
});
