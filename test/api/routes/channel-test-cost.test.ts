// Somebody presses the test button: the operator pays, sees what, and no customer's figures move (T52).
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { z } from 'zod';
import { charge } from '../../../domain/prices.ts';
import { Egress } from '../../../services/egress/egress.ts';
import { verifyLedger } from '../../../services/ledger/verifier.ts';
import { createLog } from '../../../services/platform/log.ts';
import { exportingChannels, importUsageExports } from '../../../services/usage/usage-export.ts';
import { type DemoProvider, startDemoProvider } from '../../support/demo-provider/server.ts';
import { until } from '../../support/until.ts';
import { done, type ManagementApp, startManagementApp } from './management-app.ts';
import { type MockUpstream, startMockUpstream } from './mock-upstream.ts';
import { PRICE } from './one-of-everything.ts';

const COST = { tiers: [{ aboveInputTokens: 0, microUsdPerMillion: { input: 2_000_000, output: 8_000_000 } }] };

let app: ManagementApp;
let upstream: MockUpstream;
let demo: DemoProvider;
const dataDir = mkdtempSync(join(tmpdir(), 'trial-'));
const egress = new Egress();

beforeAll(async () => {
  [app, upstream, demo] = await Promise.all([
    startManagementApp(),
    startMockUpstream(),
    startDemoProvider({ port: 0, dataDir }),
  ]);
  done(await app.call('post', '/api/v1/models', { body: { id: 'm', price: PRICE, costPrice: COST } }));
});
afterAll(async () => {
  await Promise.all([egress.close(), demo.close()]);
  upstream.close();
  await app.close();
  rmSync(dataDir, { recursive: true });
});

async function newChannel(more: object): Promise<string> {
  const own = { provider: 'openai-compatible', keys: ['demo-key-1'], models: ['m'], allowLocal: true };
  return done(await app.call('post', '/api/v1/channels', { body: { ...own, ...more } })).string('id');
}

async function tryOut(channelId: string): Promise<void> {
  done(await app.call('post', `/api/v1/channels/${channelId}/test`, { body: {} }));
}

interface Tried {
  readonly attemptId: string;
  readonly orgId: string | null;
  readonly outcome: string;
  readonly cost: string | null;
  readonly reason: string | null;
  readonly loss: string | null;
}

async function triedAt(channelId: string): Promise<Tried[]> {
  const { rows } = await app.db.query<Tried>(
    `select a.request_id || '.' || a.n as "attemptId", a.org_id as "orgId", a.outcome, a.cost_nano::text as cost, l.reason,
            l.amount_nano::text as loss
       from attempts a left join ops_losses l using (request_id, n) where a.channel_id = $1`,
    [channelId],
  );
  return rows;
}

const ExportPage = z.object({
  rows: z.array(z.object({ attemptId: z.string(), usage: z.record(z.string(), z.number()) })),
});

type ExportRow = z.infer<typeof ExportPage>['rows'][number];

/** The provider closes an attempt a moment after its answer. */
async function exported(prefix = ''): Promise<ExportRow> {
  let row: ExportRow | undefined;
  await until(async () => {
    const page = await fetch(`${demo.url}/usage-export?after=0&limit=10`);
    row = ExportPage.parse(await page.json()).rows.find(({ attemptId }) => attemptId.startsWith(prefix));
    return row !== undefined;
  });
  return row ?? { attemptId: '', usage: {} };
}

/** What the import logged. */
async function importExports(): Promise<string> {
  let logged = '';
  const sink = new Writable({
    write(line, _encoding, written) {
      logged += line;
      written();
    },
  });
  const log = createLog({ name: 'test', level: 'info' }, sink);
  await importUsageExports(app.worker, egress, await exportingChannels(app.worker, app.vault), log);
  return logged;
}

async function booksAreClosed(): Promise<void> {
  const { checks } = await verifyLedger(app.db);
  expect(checks.filter(({ ok }) => !ok)).toEqual([]);
  expect(done(await app.call('get', '/api/v1/usage')).list('data')).toEqual([]);
}

test('a test call of a provider that exports its usage costs what the export says, as a loss of nobody’s organization', async () => {
  const channelId = await newChannel({
    ...{ provider: 'demo', baseUrl: `${demo.url}/v1`, usageExport: 'demo' },
    models: [{ id: 'm', upstreamModel: 'demo-chat' }],
  });

  await tryOut(channelId);
  expect(await triedAt(channelId)).toMatchObject([{ orgId: null, outcome: 'channel_test', cost: null, loss: null }]);
  const row = await exported();
  expect(await importExports()).not.toContain('usage_unclaimed');

  const [tried] = await triedAt(channelId);
  expect(row.attemptId).toBe(tried?.attemptId);
  const cost = String(charge({ ...COST, perCallNano: 0 }, row.usage));
  expect(tried).toMatchObject({ reason: 'channel_test', cost, loss: cost });
  await booksAreClosed();
});

test('what was served for our key without an id of ours is reported', async () => {
  await fetch(`${demo.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: 'Bearer demo-key-1', 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'demo-chat', messages: [{ role: 'user', content: 'hi' }] }),
  }).then((answer) => answer.arrayBuffer());

  const row = await exported('direct-');
  const logged = await importExports();
  expect(logged).toContain('usage_unclaimed');
  expect(logged).toContain(row.attemptId);
  expect(await importExports()).not.toContain('usage_unclaimed');
});

test.each([
  ['that states its usage costs that', 200, { prompt_tokens: 9, completion_tokens: 4 }, '50000', '50000'],
  ['that states none has a cost that nobody knows', 200, undefined, null, null],
  ['that is refused costs nothing', 401, undefined, '0', null],
])('without an export a test call %s', async (_what, status, usage, cost, loss) => {
  const channelId = await newChannel({ baseUrl: upstream.url });
  upstream.answer = { status, body: { choices: [{}], usage } };

  await tryOut(channelId);

  const reason = loss === null ? null : 'channel_test';
  expect(await triedAt(channelId)).toMatchObject([{ orgId: null, outcome: 'channel_test', cost, reason, loss }]);
  expect(upstream.received.at(-1)?.headers['x-tollgate-attempt-id']).toBe((await triedAt(channelId))[0]?.attemptId);
  await booksAreClosed();
});

test('a receipt is for requests: a test call has none', async () => {
  const channelId = await newChannel({ baseUrl: upstream.url });
  await tryOut(channelId);
  const [tried] = await triedAt(channelId);

  expect((await app.call('get', `/api/v1/requests/${tried?.attemptId.split('.', 1)[0]}`)).status).toBe(404);
});

test('a double click on the test button is one call: the second is told to wait, then told what the first was', async () => {
  const channelId = await newChannel({ baseUrl: upstream.url });
  const click = () =>
    app.call('post', `/api/v1/channels/${channelId}/test`, { body: {}, headers: { 'idempotency-key': 'a-click' } });
  const { promise, resolve } = Promise.withResolvers<void>();
  upstream.hold = promise;
  const before = upstream.received.length;

  const first = click();
  await until(async () => upstream.received.length > before);
  const second = await click();
  resolve();

  expect([second.status, second.field('code')]).toEqual([409, 'request_in_progress']);
  const told = done(await first);
  expect((await click()).text).toBe(told.text);
  expect(upstream.received.length).toBe(before + 1);
});

test('a test that came to nothing, or died with its process, leaves its Idempotency-Key free', async () => {
  const channelId = await newChannel({ baseUrl: upstream.url });
  const click = (body: object) =>
    app.call('post', `/api/v1/channels/${channelId}/test`, { body, headers: { 'idempotency-key': 'again' } });
  expect((await click({ model: 'unknown' })).status).toBe(422);
  expect((await click({})).status).toBe(200);

  const died = `insert into management_idempotency (actor, key, route, body_digest, created_at)
                values ('admin', 'died', 'POST', '', clock_timestamp() - $1::interval)`;
  const late = () =>
    app.call('post', `/api/v1/channels/${channelId}/test`, { body: {}, headers: { 'idempotency-key': 'died' } });
  await app.db.query(died, ['30 seconds']);
  expect((await late()).status).toBe(409);
  await app.db.query(`update management_idempotency set created_at = created_at - interval '31 s' where key = 'died'`);
  expect((await late()).status).toBe(200);
});
