// Whatever a caller of the management API sends, it is told which field is wrong and how to mend it, and no text of it reaches
// the database as anything but a value.
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Answered, done, type ManagementApp, type Sent, startManagementApp } from './management-app.ts';

let app: ManagementApp;
let credential: string;

beforeAll(async () => {
  app = await startManagementApp();
  const orgId = done(await app.call('post', '/api/v1/organizations', { body: { name: 'Acme' } })).string('id');
  credential = done(await app.call('post', '/api/v1/api-keys', { body: { orgId } })).string('credential');
});
afterAll(() => app.close());

const ORGANIZATIONS = '/api/v1/organizations';

function verdict({ status, headers, ...answer }: Answered): unknown[] {
  const problem = new Map(Object.entries(answer.body ?? {}));
  return [status, headers.get('content-type'), problem.get('status'), problem.get('code')];
}

test.each<[string, Sent, number, string]>([
  ['no body', {}, 400, 'body_empty'],
  ['broken JSON', { body: '{"name":' }, 400, 'invalid_json'],
  ['a body that is not UTF-8', { body: Buffer.from('7b226e616d65223a22ff227d', 'hex') }, 400, 'body_not_utf8'],
  [
    'a form',
    { body: 'name=x', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
    415,
    'unsupported_content_type',
  ],
  ['a body of more than 1 MiB', { body: { name: 'x'.repeat(1_048_577) } }, 413, 'body_too_large'],
  [
    'a compressed body',
    { body: gzipSync('{"name":"x"}'), headers: { 'content-encoding': 'gzip' } },
    415,
    'unsupported_content_type',
  ],
  ['a list instead of an object', { body: [] }, 422, 'invalid_body'],
  ['a field that is not known', { body: { name: 'x', isAdmin: true } }, 422, 'invalid_body'],
  ['a field of the prototype', { body: '{"name":"x","__proto__":{"a":1}}' }, 422, 'invalid_body'],
  ['a NUL, which PostgreSQL cannot store', { body: { name: 'a\u0000b' } }, 422, 'invalid_body'],
  ['an unknown rate tier', { body: { name: 'x', rateTier: 'free' } }, 422, 'invalid_body'],
  ['an unknown time zone', { body: { name: 'x', timeZone: 'Mars/Olympus' } }, 422, 'invalid_body'],
  ['an offset for a time zone', { body: { name: 'x', timeZone: '+02:00' } }, 422, 'invalid_body'],
  ['two caps for one period', { body: { name: 'x', caps: [cap('1'), cap('2')] } }, 422, 'invalid_body'],
])('%s is refused with a problem that names it', async (_, sent, status, code) => {
  const answer = await app.call('post', ORGANIZATIONS, sent);
  expect(verdict(answer)).toEqual([status, 'application/problem+json', status, code]);
  expect(answer.string('instance')).toBe(answer.headers.get('x-request-id'));
  expect(answer.string('type')).toBe(`urn:tollgate:error:${code}`);
  expect(answer.string('detail').length).toBeGreaterThan(20);
});

function cap(amountNano: string) {
  return { period: 'day', amountNano };
}

test.each([25_000_000_000, '1.5', '-1', '', ' 1', '01', '1e9', '0x10', '9223372036854775808', null, true])(
  'money sent as %p is refused, with the field and an example',
  async (amountNano) => {
    const answer = await app.call('post', ORGANIZATIONS, {
      body: { name: 'x', caps: [{ period: 'day', amountNano }] },
    });
    expect(answer.status).toBe(422);
    expect(answer.field('errors.0.field')).toBe('caps.0.amountNano');
    expect(answer.string('errors.0.message')).toMatch(/"\d+"/);
  },
);

test('every faulty field is named at once', async () => {
  const body = { name: '', timeZone: 'UTC', limit: 3, caps: [{ period: 'decade', amountNano: '1' }] };
  const answer = await app.call('post', ORGANIZATIONS, { body });
  const fields = answer
    .list('errors')
    .map((error) => Object.entries(error ?? {}).find(([name]) => name === 'field')?.[1]);
  expect(fields.sort()).toEqual(['caps.0.period', 'limit', 'name']);
});

test('a query that is not declared is refused instead of silently ignored', async () => {
  for (const query of ['orgid=1', 'limit=0', 'limit=1000', 'limit=x', 'cursor=abc', 'from=yesterday', 'model=%00']) {
    const answer = await app.call('get', `/api/v1/requests?${query}`);
    expect([query, answer.status]).toEqual([query, 400]);
  }
});

test('no text in a path or query makes the database stumble', async () => {
  const hostile = ['%00', '%27%3B--', '..%2f..%2fetc', '%F0%9F%98%80', 'x'.repeat(3_000), '%zz', '%ff'];
  for (const text of hostile) {
    for (const path of ['organizations', 'models', 'requests', 'channels', 'api-keys']) {
      const { status } = await app.call('get', `/api/v1/${path}/${text}`);
      expect([path, text, [400, 404].includes(status)]).toEqual([path, text, true]);
    }
    for (const query of [
      'audit?action=',
      'usage?timeZone=',
      'usage?cursor=',
      'models?cursor=',
      'grants?orgId=',
      'persons?email=',
    ]) {
      const { status } = await app.call('get', `/api/v1/${query}${text}`);
      expect([query, text, [200, 400].includes(status)]).toEqual([query, text, true]);
    }
  }
});

test('a thing that is not there and an id that cannot be are answered alike', async () => {
  for (const noun of ['organizations', 'projects', 'persons', 'api-keys', 'channels', 'requests']) {
    for (const id of ['0193f000-0000-7000-8000-000000000001', 'nonsense']) {
      const answer = await app.call('get', `/api/v1/${noun}/${id}`);
      expect([noun, answer.status, answer.field('code')]).toEqual([noun, 404, 'not_found']);
    }
  }
});

test('a wrong method is told the right ones', async () => {
  const answer = await app.call('delete', ORGANIZATIONS);
  expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST, GET']);
  const hot = await app.call('get', '/v1/chat/completions', { credential });
  expect([hot.status, hot.headers.get('allow')]).toEqual([405, 'POST']);
});

test.each([
  ['post', '/v1/chat/completion', 'POST /v1/chat/completions'],
  ['post', '/openai/v1/chat/completions', 'POST /v1/chat/completions'],
  ['get', '/v1/model', 'GET /v1/models'],
  ['get', '/v1/credit', 'GET /v1/credits'],
  ['get', '/api/v1/organisations', '/api/v1/organizations'],
])('a wrong path names the right one: %s %s', async (method, path, right) => {
  const answer = await app.call(method, path, { credential });
  expect(answer.status).toBe(404);
  expect(answer.text).toContain(right);
});

test('errors speak the dialect of the caller', async () => {
  const path = '/v1/requests/none';
  const ask = (headers: Record<string, string>) => app.call('get', path, { credential: null, headers });
  const openai = await app.call('get', path, { credential });
  const anthropic = await ask({ 'x-api-key': credential, 'anthropic-version': '2023-06-01' });
  const gemini = await ask({ 'x-goog-api-key': credential });

  expect(openai.field('error.code')).toBe('not_found');
  expect([anthropic.field('type'), anthropic.field('error.type')]).toEqual(['error', 'not_found_error']);
  expect(anthropic.headers.get('request-id')).toBe(anthropic.string('request_id'));
  expect([gemini.field('error.code'), gemini.field('error.status')]).toEqual([404, 'NOT_FOUND']);
  for (const { status, text, headers } of [openai, anthropic, gemini]) {
    expect([status, text.includes(headers.get('x-request-id') ?? '?')]).toEqual([404, true]);
  }
});

test('while PostgreSQL is down everybody is told 503 with Retry-After, never that a good credential is bad', async () => {
  app.postgres.kill('SIGKILL');
  const answers = [
    await app.call('get', ORGANIZATIONS),
    await app.call('post', ORGANIZATIONS, { body: { name: 'x' } }),
    await app.call('get', '/v1/credits', { credential }),
  ];
  await app.postgres.restart();
  expect(answers.map(({ status }) => status)).toEqual([503, 503, 503]);
  for (const { headers } of answers) expect(headers.get('retry-after')).toBe('1');
  expect((await app.call('get', ORGANIZATIONS)).status).toBe(200);
});
