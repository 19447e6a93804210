// A change through the management API happens once, with one audit row, on the version that the caller has seen, whoever else
// changes the same thing and however often the request is repeated.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ROUTES } from '../../../api/app.ts';
import { done, type ManagementApp, startManagementApp } from './management-app.ts';
import { type MockUpstream, startMockUpstream } from './mock-upstream.ts';
import { oneOfEverything, PRICE, type World } from './one-of-everything.ts';

let app: ManagementApp;
let upstream: MockUpstream;
let world: World;

beforeAll(async () => {
  app = await startManagementApp();
  upstream = await startMockUpstream();
  world = await oneOfEverything(app, upstream);
});
afterAll(async () => {
  upstream.close();
  await app.close();
});

/** But for those of what Stripe told us, and of what nobody asked for. */
async function auditRows(): Promise<number> {
  const { rows } = await app.db.query<{ count: string }>(
    `select count(*) from audit_log where actor not like 'stripe:%' and actor not in ('invoicing', 'charges', 'applicant', 'master key rotation')`,
  );
  return Number(rows[0]?.count);
}

test('each route that changes something leaves exactly one audit row with its request id, author and target', async () => {
  const declared = ROUTES.filter(({ changes }) => changes).map(({ method, path }) => `${method} ${path}`);
  expect(world.steps.map(({ route }) => route).sort()).toEqual(declared.sort());

  for (const { answer } of world.steps) {
    const { rows } = await app.db.query('select actor, action, target_id, after from audit_log where request_id = $1', [
      answer.headers.get('x-request-id'),
    ]);
    expect(rows).toEqual([
      {
        actor: expect.stringMatching(/^(admin|public|person:[0-9a-f-]{36})$/),
        action: expect.stringMatching(/^[a-z_]+\.[a-z_]+$/),
        target_id: expect.stringMatching(/./),
        after: expect.anything(),
      },
    ]);
  }
  expect(await auditRows()).toBe(world.steps.length);
});

test('no secret is in the audit log, in stored answers, in logs, or in any answer but the one that makes the key', async () => {
  const { rows } = await app.db.query<{ row: string }>(
    `select a::text as row from audit_log a union all select i::text from management_idempotency i
      union all select c::text from channel_keys c union all select k::text from api_keys k`,
  );
  const making = world.steps.find(({ route }) => route === 'post /api/v1/api-keys')?.answer;
  expect(making?.string('credential')).toBe(world.credential);
  const shownOnce = [
    ...['post /api/v1/api-keys', 'post /api/v1/api-keys/{id}/roll'],
    ...['post /api/v1/bootstrap-tokens', 'post /api/v1/me/second-factor'],
  ];
  const told = world.steps.filter(({ route }) => !shownOnce.includes(route)).map(({ answer }) => answer);
  for (const route of ROUTES.filter(({ method, who }) => method === 'get' && who === 'permitted')) {
    const path = route.path.replace('{id}', route.path.includes('channels') ? world.channelId : world.apiKeyId);
    told.push(await app.call('get', path));
  }
  const everything = [...rows.map(({ row }) => row), ...told.map(({ text }) => text), ...app.log].join('\n');
  for (const secret of world.secrets) expect(everything.includes(secret)).toBe(false);
});

test('a refused change leaves no audit row and no effect', async () => {
  const before = await auditRows();
  const refused = [
    await app.call('post', '/api/v1/organizations', { body: { name: '' } }),
    await app.call('post', '/api/v1/grants', { body: { orgId: randomUUID(), amountNano: '1' } }),
    await app.call('patch', `/api/v1/projects/${world.projectId}`, { body: { name: 'x' } }),
    await app.call('post', '/api/v1/models', { body: { id: 'acme/model-1', price: PRICE } }),
  ];
  expect(refused.map(({ status }) => status)).toEqual([422, 422, 428, 409]);
  expect(await auditRows()).toBe(before);
});

test('a request repeated with its Idempotency-Key is told the first answer, byte for byte, and done once', async () => {
  const sent = { body: { name: 'Once' }, headers: { 'idempotency-key': randomUUID() } };
  const first = await app.call('post', '/api/v1/organizations', sent);
  const second = await app.call('post', '/api/v1/organizations', sent);

  expect([second.status, second.text, second.headers.get('etag')]).toEqual([
    201,
    first.text,
    first.headers.get('etag'),
  ]);
  expect([first.headers.get('idempotent-replayed'), second.headers.get('idempotent-replayed')]).toEqual([null, 'true']);
  const { rowCount } = await app.db.query(`select from organizations where name = 'Once'`);
  expect(rowCount).toBe(1);
});

test('a roll repeated with its Idempotency-Key is one roll, tells its credential once, and is refused on a version that is past', async () => {
  const made = done(await app.call('post', '/api/v1/api-keys', { body: { orgId: world.orgId } }));
  const path = `/api/v1/api-keys/${made.string('id')}/roll`;
  const headers = { 'idempotency-key': randomUUID(), 'if-match': made.headers.get('etag') ?? '' };
  const body = { overlapHours: 1 };

  const first = done(await app.call('post', path, { body, headers }));
  const second = await app.call('post', path, { body, headers });
  const late = await app.call('post', path, { body, headers: { ...headers, 'idempotency-key': randomUUID() } });

  expect(first.string('credential')).toMatch(/^sk-tg-/);
  expect(second.body).toEqual({ ...(first.body as object), credential: null });
  expect(late.field('code')).toBe('precondition_failed');
});

test('a double click makes one thing: the second request is told to wait, or told the first answer', async () => {
  const sent = { body: { orgId: world.orgId, amountNano: '7' }, headers: { 'idempotency-key': randomUUID() } };
  const clicks = await Promise.all(Array.from({ length: 8 }, () => app.call('post', '/api/v1/grants', sent)));

  const { rowCount } = await app.db.query('select from credit_grants where amount_nano = 7');
  expect(rowCount).toBe(1);
  for (const { status, headers } of clicks) {
    expect([201, 409]).toContain(status);
    if (status === 409) expect(headers.get('retry-after')).toBe('1');
  }
  const repeated = done(await app.call('post', '/api/v1/grants', sent));
  for (const { status, text } of clicks) if (status === 201) expect(text).toBe(repeated.text);
});

test('while the first request with a key runs, the second is refused with Retry-After', async () => {
  const idempotencyKey = randomUUID();
  const running = await app.db.connect();
  await running.query('begin');
  await running.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [
    `management idempotency admin ${idempotencyKey}`,
  ]);
  const sent = { body: { name: 'Twice' }, headers: { 'idempotency-key': idempotencyKey } };
  const second = await app.call('post', '/api/v1/organizations', sent);
  await running.query('rollback'); // as a crash ends it
  running.release();

  expect([second.status, second.field('code'), second.headers.get('retry-after')]).toEqual([
    409,
    'request_in_progress',
    '1',
  ]);
  expect((await app.call('post', '/api/v1/organizations', sent)).status).toBe(201);
});

test('an Idempotency-Key belongs to one request: another body or another path is a conflict', async () => {
  const headers = { 'idempotency-key': randomUUID() };
  done(await app.call('post', '/api/v1/organizations', { body: { name: 'A' }, headers }));
  const otherBody = await app.call('post', '/api/v1/organizations', { body: { name: 'B' }, headers });
  const otherPath = await app.call('post', '/api/v1/projects', { body: { name: 'A' }, headers });
  const badKey = await app.call('post', '/api/v1/organizations', {
    body: { name: 'A' },
    headers: { 'idempotency-key': 'a b' },
  });
  expect([otherBody.status, otherBody.field('code')]).toEqual([409, 'idempotency_mismatch']);
  expect([otherPath.status, otherPath.field('code')]).toEqual([409, 'idempotency_mismatch']);
  expect(badKey.status).toBe(400);
});

test('an Idempotency-Key is forgotten after 24 hours', async () => {
  const sent = { body: { name: 'Daily' }, headers: { 'idempotency-key': randomUUID() } };
  const first = done(await app.call('post', '/api/v1/organizations', sent));
  await app.db.query(`update management_idempotency set created_at = created_at - interval '25 hours'`);
  const second = done(await app.call('post', '/api/v1/organizations', sent));
  expect(second.string('id')).not.toBe(first.string('id'));
});

test('the repetition of a request that made an API key does not show its credential a second time', async () => {
  const sent = { body: { orgId: world.orgId, name: 'shown once' }, headers: { 'idempotency-key': randomUUID() } };
  const first = done(await app.call('post', '/api/v1/api-keys', sent));
  const second = done(await app.call('post', '/api/v1/api-keys', sent));
  expect(first.string('credential')).toMatch(/^sk-tg-[0-9A-Za-z]{49}$/);
  expect([second.string('id'), second.field('credential')]).toEqual([first.string('id'), null]);
  const { rows } = await app.db.query<{ stored: string }>(
    'select response::text as stored from management_idempotency',
  );
  for (const { stored } of rows) expect(stored).not.toContain(first.string('credential'));
  expect(second.headers.get('idempotent-replayed')).toBe('true');
});

test('every change of a thing that exists needs the version that was seen, and a stale one changes nothing', async () => {
  const ids: Record<string, string> = {
    organizations: world.orgId,
    projects: world.projectId,
    channels: world.channelId,
  };
  for (const [noun, id] of Object.entries(ids)) {
    const path = `/api/v1/${noun}/${id}`;
    const etag = (await app.call('get', path)).headers.get('etag') ?? '';
    const change = (name: string, headers: Record<string, string>) =>
      app.call('patch', path, { body: { name }, headers });
    expect(etag).toMatch(/^"\d+"$/);

    expect((await change('a', {})).status).toBe(428);
    expect((await change('b', { 'if-match': '"99999"' })).status).toBe(412);
    expect((await change('c', { 'if-match': 'nonsense' })).status).toBe(412);
    const changed = done(await change('d', { 'if-match': etag }));
    expect(changed.headers.get('etag')).not.toBe(etag);
    expect((await change('e', { 'if-match': etag })).status).toBe(412);
    expect((await app.call('get', path)).field('name')).toBe('d');
  }
});

test('of two people who change the same thing from the same version one is refused', async () => {
  const path = `/api/v1/organizations/${world.orgId}`;
  const etag = (await app.call('get', path)).headers.get('etag') ?? '';
  const changes = ['left', 'right'].map((name) =>
    app.call('patch', path, { body: { name }, headers: { 'if-match': etag } }),
  );
  const statuses = (await Promise.all(changes)).map(({ status }) => status);
  expect(statuses.sort()).toEqual([200, 412]);
});

test('a tag is known again among others, and after a proxy that compresses has made it weak', async () => {
  const path = `/api/v1/projects/${world.projectId}`;
  for (const echoed of [(tag: string) => `W/${tag}`, (tag: string) => `"0", ${tag}`]) {
    const etag = (await app.call('get', path)).headers.get('etag') ?? '';
    const headers = { 'if-match': echoed(etag) };
    expect((await app.call('patch', path, { body: { name: 'tagged' }, headers })).status).toBe(200);
  }
});

test('keys and prices are added without If-Match, and not on a state that is gone', async () => {
  const additions = [
    [`/api/v1/channels/${world.channelId}`, 'keys', { keys: ['one-more-upstream-key'] }],
    ['/api/v1/models/acme%2Fmodel-1', 'prices', { price: PRICE }],
  ] as const;
  for (const [path, noun, body] of additions) {
    const etag = (await app.call('get', path)).headers.get('etag') ?? '';
    const add = (headers = {}) => app.call('post', `${path}/${noun}`, { body, headers });
    expect([noun, (await add({ 'if-match': etag })).status < 300]).toEqual([noun, true]);
    expect([noun, (await add({ 'if-match': etag })).status]).toEqual([noun, 412]);
  }
  const another = { body: { keys: ['without-a-header-at-all'] } };
  expect((await app.call('post', `/api/v1/channels/${world.channelId}/keys`, another)).status).toBe(200);
});

test('a model has another tag when its scheduled price comes into force, though nobody has touched it', async () => {
  const path = '/api/v1/models/acme%2Fmodel-1';
  const before = await app.call('get', path);
  await app.db.query(
    `insert into price_versions (model_id, side, price, effective_at, source, created_by)
     values ('acme/model-1', 'selling', $1, clock_timestamp() - interval '1 millisecond', 'test', 'test')`,
    [JSON.stringify({ tiers: [{ ...PRICE.tiers[0], aboveInputTokens: 0 }], perCallNano: 1 })],
  );

  const after = await app.call('get', path);

  expect(after.field('version')).toBe(before.field('version'));
  expect(after.headers.get('etag')).not.toBe(before.headers.get('etag'));
  const stale = { body: { displayName: 'x' }, headers: { 'if-match': before.headers.get('etag') ?? '' } };
  expect((await app.call('patch', path, stale)).status).toBe(412);
});
