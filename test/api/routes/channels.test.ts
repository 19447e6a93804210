// A channel made through the management API serves, and leads nowhere that its operator did not allow: neither its address nor
// its keys can be turned to another server.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { loadRoutingTable } from '../../../services/channels/routing-table.ts';
import { done, type ManagementApp, startManagementApp } from './management-app.ts';
import { type MockUpstream, startMockUpstream } from './mock-upstream.ts';
import { PRICE } from './one-of-everything.ts';

const CHANNELS = '/api/v1/channels';
const ANY_VERSION = { 'if-match': '*' };

let app: ManagementApp;
let upstream: MockUpstream;

beforeAll(async () => {
  app = await startManagementApp();
  upstream = await startMockUpstream();
  for (const id of ['m-1', 'm-2']) done(await app.call('post', '/api/v1/models', { body: { id, price: PRICE } }));
});
afterAll(async () => {
  upstream.close();
  await app.close();
});

function channelBody(more: object = {}) {
  const own = { provider: 'openai-compatible', baseUrl: upstream.url, keys: ['key-of-the-mock-1'], models: ['m-1'] };
  return { body: { ...own, allowLocal: true, ...more } };
}

test('a provider, a base URL, keys and models are enough for a channel that works with anybody’s server', async () => {
  const made = done(await app.call('post', CHANNELS, channelBody()));
  expect(made.body).toMatchObject({
    baseUrl: `${upstream.url}/v1`,
    models: [{ id: 'm-1', upstreamModel: 'm-1' }],
    keys: [{ lastFour: 'ck-1', status: 'active' }],
    ...{ status: 'enabled', weight: 1, priority: 1, outputCapField: null, onDisconnect: 'cancel_stops_billing' },
  });

  const tested = done(await app.call('post', `${CHANNELS}/${made.string('id')}/test`, { body: {} }));

  expect(tested.body).toMatchObject({ ok: true, status: 200, failure: null, modelId: 'm-1' });
  const { path, headers, body } = upstream.received.at(-1) ?? { path: '', headers: {}, body: '{}' };
  expect([path, headers.authorization]).toEqual(['/v1/chat/completions', 'Bearer key-of-the-mock-1']);
  expect(JSON.parse(body)).toMatchObject({ model: 'm-1', max_tokens: 16 });
});

test('a gateway routes by what was made: with the mapped name and the key opened', async () => {
  const models = [{ id: 'm-2', upstreamModel: 'their-name' }];
  const made = done(await app.call('post', CHANNELS, channelBody({ models, keys: ['a-key-with-a-secret'] })));
  const table = await loadRoutingTable(app.worker, app.vault, 0);
  const route = table.models.get('m-2')?.routes.find(({ channel }) => channel.id === made.string('id'));
  expect(route?.upstreamModel).toBe('their-name');
  expect(route?.channel.keys.map(({ credential }) => credential)).toEqual(['a-key-with-a-secret']);
});

test.each([
  [
    401,
    { error: { message: 'Incorrect API key provided: key-of-the-mock-1', type: 'invalid_request_error' } },
    'dead_key',
  ],
  [429, { error: { message: 'slow down', type: 'rate_limit_error', code: 'rate_limit_exceeded' } }, 'rate_limited'],
  [404, { error: { message: 'no such model', code: 'model_not_found' } }, 'misconfigured'],
  [500, {}, 'overloaded'],
  [200, { hello: 'world' }, 'protocol'],
])(
  'a test call that is answered %i is told in the words of failover, without the key',
  async (status, body, failure) => {
    const made = done(await app.call('post', CHANNELS, channelBody()));
    upstream.answer = { status, body };
    const tested = done(await app.call('post', `${CHANNELS}/${made.string('id')}/test`, { body: {} }));
    upstream.answer = { status: 200, body: { choices: [{}] } };
    expect(tested.body).toMatchObject({ ok: false, status, failure });
    expect(tested.text).not.toContain('key-of-the-mock-1');
  },
);

test('a test call to a server that is gone says that it cannot be reached', async () => {
  const gone = await startMockUpstream();
  gone.close();
  const made = done(await app.call('post', CHANNELS, channelBody({ baseUrl: gone.url })));
  const tested = done(await app.call('post', `${CHANNELS}/${made.string('id')}/test`, { body: {} }));
  expect(tested.body).toMatchObject({ ok: false, status: null, failure: 'unreachable' });
});

test('a model that does not exist is refused with the call that makes it', async () => {
  const answer = await app.call('post', CHANNELS, channelBody({ models: ['m-1', 'nobody/knows-me'] }));
  expect([answer.status, answer.field('errors.0.field')]).toEqual([422, 'models']);
  expect(answer.string('detail')).toContain('POST /api/v1/models {"id":"nobody/knows-me"');
});

test.each([
  ['http://127.0.0.1:9', undefined],
  ['https://localhost/v1', undefined],
  ['https://10.0.0.1/v1', undefined],
  ['https://[::1]/v1', undefined],
  ['http://api.example.com/v1', undefined],
  ['https://user:secret-of-the-url@api.example.com/v1', undefined],
  ['https://api.example.com/v1?x=1', undefined],
  ['ftp://api.example.com', undefined],
  ['api.example.com/v1', undefined],
  ['http://169.254.169.254/latest', true],
  ['http://metadata.google.internal/v1', true],
])('no channel leads to %s', async (baseUrl, allowLocal = false) => {
  const answer = await app.call('post', CHANNELS, channelBody({ baseUrl, allowLocal }));
  expect([answer.status, answer.field('errors.0.field')]).toEqual([422, 'baseUrl']);
  expect(answer.text).not.toContain('secret-of-the-url');
});

test('a channel that moves to another origin needs its keys again, and the old ones are never opened for it', async () => {
  const made = done(await app.call('post', CHANNELS, channelBody()));
  const path = `${CHANNELS}/${made.string('id')}`;
  const elsewhere = await startMockUpstream();
  const move = (more: object) =>
    app.call('patch', path, { body: { baseUrl: elsewhere.url, ...more }, headers: ANY_VERSION });

  const refused = await move({});
  expect([refused.status, refused.field('errors.0.field')]).toEqual([422, 'keys']);
  const samePlace = await app.call('patch', path, { body: { baseUrl: `${upstream.url}/other` }, headers: ANY_VERSION });
  expect(samePlace.field('keys.0.status')).toBe('active');

  const moved = done(await move({ keys: ['a-key-for-the-new-place'] }));
  expect(moved.body).toMatchObject({ keys: [{ status: 'disabled' }, { status: 'active', lastFour: 'lace' }] });
  const enable = { body: { status: 'active', reason: 'try' }, headers: ANY_VERSION };
  const enabled = await app.call('patch', `${path}/keys/${moved.string('keys.0.id')}`, enable);
  expect([enabled.status, enabled.field('errors.0.field')]).toEqual([422, 'keys']);
  done(await app.call('post', `${path}/test`, { body: {} }));
  expect(elsewhere.received.map(({ headers }) => headers.authorization)).toEqual(['Bearer a-key-for-the-new-place']);
  elsewhere.close();
});

test('a local address does not stay behind when the leave for it is taken away', async () => {
  const made = done(await app.call('post', CHANNELS, channelBody()));
  const change = { body: { allowLocal: false }, headers: ANY_VERSION };
  const answer = await app.call('patch', `${CHANNELS}/${made.string('id')}`, change);
  expect([answer.status, answer.field('errors.0.field')]).toEqual([422, 'baseUrl']);
});

test('taking a channel or a key off the road records who did it and why', async () => {
  const made = done(await app.call('post', CHANNELS, channelBody()));
  const path = `${CHANNELS}/${made.string('id')}`;
  const drain = (body: object) => app.call('patch', path, { body, headers: ANY_VERSION });
  expect((await drain({ status: 'draining' })).status).toBe(422);
  const drained = done(await drain({ status: 'draining', reason: 'provider maintenance' }));
  expect(drained.body).toMatchObject({ status: 'draining', statusReason: 'provider maintenance', statusBy: 'admin' });

  const keyPath = `${path}/keys/${made.string('keys.0.id')}`;
  const seen = { 'if-match': drained.headers.get('etag') ?? '' };
  const off = done(await app.call('patch', keyPath, { body: { status: 'disabled', reason: 'leaked' }, headers: seen }));
  expect(off.body).toMatchObject({ keys: [{ status: 'disabled', statusReason: 'leaked' }] });
  const stale = await app.call('patch', keyPath, { body: { status: 'active', reason: 'x' }, headers: seen });
  expect(stale.status).toBe(412);
  const { rows } = await app.db.query(
    `select reason from audit_log where target_id = $1 and reason is not null order by id`,
    [made.string('id')],
  );
  expect(rows).toEqual([{ reason: 'provider maintenance' }, { reason: 'leaked' }]);
});

test('a cost of a channel that eats the margin is refused until somebody says why', async () => {
  const models = [
    { id: 'm-1', costPrice: { tiers: [{ microUsdPerMillion: { input: 2_400_000, output: 8_000_000 } }] } },
  ];
  const refused = await app.call('post', CHANNELS, channelBody({ models }));
  expect([refused.status, refused.field('errors.0.field')]).toEqual([422, 'belowMargin']);
  expect(refused.string('detail')).toContain('a gross margin of 4 %');
  const explained = { models, belowMargin: true, reason: 'only until the new contract' };
  expect((await app.call('post', CHANNELS, channelBody(explained))).status).toBe(201);
});

test('a key that is too short to be told by its end is not told at all', async () => {
  const made = done(await app.call('post', CHANNELS, channelBody({ keys: ['demo-a-1'] })));
  expect(made.field('keys.0.lastFour')).toBe('****');
});

test('the same model or key twice in one request is refused by name', async () => {
  const models = await app.call('post', CHANNELS, channelBody({ models: ['m-1', { id: 'm-1' }] }));
  const keys = await app.call('post', CHANNELS, channelBody({ keys: ['same-key-twice', 'same-key-twice'] }));
  expect([models.status, models.field('errors.0.field')]).toEqual([422, 'models']);
  expect([keys.status, keys.field('errors.0.field')]).toEqual([422, 'keys']);
});
