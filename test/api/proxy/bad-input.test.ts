// Everything a caller can do wrong gets an answer in its own format, with a request id and what to do, and costs nothing.
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { newCredential } from '../../../services/api-keys/credential.ts';
import { oneRow } from '../../support/bare-gateway.ts';
import { type RunningProduct, startRunningProduct } from '../../support/running-product.ts';

let product: RunningProduct;
let chargedBefore: string;

beforeAll(async () => {
  product = await startRunningProduct();
  chargedBefore = await charged();
});
afterAll(async () => {
  try {
    expect(await charged()).toBe(chargedBefore);
  } finally {
    await product.stop();
  }
});

async function charged(): Promise<string> {
  return (
    await oneRow<{ sum: string }>(product.admin, 'select coalesce(sum(charge_nano), 0)::text as sum from usage_records')
  ).sum;
}

interface Sent {
  readonly path?: string;
  readonly key?: string | null;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
}

async function send({ path = '/v1/chat/completions', key = product.customerKey, headers = {}, body = chat({}) }: Sent) {
  const answer = await fetch(product.api + path, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(key === null ? {} : { authorization: `Bearer ${key}` }),
      ...headers,
    },
    body: body as string,
  });
  const json = (await answer.json()) as {
    error: { message: string; type: string; code?: string; param?: string | null };
  };
  return {
    status: answer.status,
    headers: answer.headers,
    error: json.error,
    requestId: answer.headers.get('x-request-id'),
  };
}

function chat(change: Record<string, unknown>): string {
  return JSON.stringify({ model: 'demo-chat', messages: [{ role: 'user', content: 'hi' }], ...change });
}

async function manage(method: string, path: string, body: object): Promise<Record<string, string>> {
  const answer = await fetch(`${product.api}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${product.adminToken}`, 'content-type': 'application/json', 'if-match': '*' },
    body: JSON.stringify(body),
  });
  return (await answer.json()) as Record<string, string>;
}

async function newKey(settings: object, orgId?: string): Promise<{ id: string; credential: string }> {
  const owner = orgId ?? (await oneRow<{ id: string }>(product.admin, 'select id from organizations limit 1')).id;
  const made = await manage('POST', '/api-keys', { orgId: owner, ...settings });
  return { id: made.id ?? '', credential: made.credential ?? '' };
}

const wrongRequests: [string, () => Sent, number, string][] = [
  ['no API key', () => ({ key: null }), 401, 'missing_api_key'],
  ['a key that nobody made', () => ({ key: newCredential().credential }), 401, 'invalid_api_key'],
  ['a key with a typing error', () => ({ key: `${product.customerKey.slice(0, -1)}!` }), 401, 'invalid_api_key'],
  [
    'a key in another header',
    () => ({ key: null, headers: { 'api-key': product.customerKey } }),
    401,
    'api_key_in_wrong_header',
  ],
  [
    'a key in the URL',
    () => ({ key: null, path: `/v1/chat/completions?key=${product.customerKey}` }),
    401,
    'api_key_in_wrong_header',
  ],
  [
    'a key without Bearer',
    () => ({ key: null, headers: { authorization: product.customerKey } }),
    401,
    'api_key_in_wrong_header',
  ],
  ['an unknown model', () => ({ body: chat({ model: 'gpt-nothing' }) }), 404, 'model_not_found'],
  ['a priced model without a channel', () => ({ body: chat({ model: 'gpt-5.4' }) }), 404, 'model_not_found'],
  [
    'a chat model for embeddings',
    () => ({ path: '/v1/embeddings', body: JSON.stringify({ model: 'demo-chat', input: 'hi' }) }),
    404,
    'model_not_found',
  ],
  ['an embedding model for a chat', () => ({ body: chat({ model: 'demo-embed' }) }), 404, 'model_not_found'],
  ['malformed JSON', () => ({ body: '{"model": "demo-chat", ' }), 400, 'invalid_json'],
  ['an empty body', () => ({ body: '' }), 400, 'body_empty'],
  ['an array', () => ({ body: '[]' }), 400, 'invalid_json'],
  [
    'bytes that are not UTF-8',
    () => ({ body: Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]) }),
    400,
    'body_not_utf8',
  ],
  [
    'JSON nested 200 deep',
    () => ({ body: chat({ metadata: JSON.parse('['.repeat(200) + ']'.repeat(200)) }) }),
    400,
    'body_too_deep',
  ],
  ['a body beyond 32 MB', () => ({ body: chat({ user: 'x'.repeat(33 * 1024 * 1024) }) }), 413, 'body_too_large'],
  ['another content type', () => ({ headers: { 'content-type': 'text/plain' } }), 415, 'unsupported_content_type'],
  ['max_tokens 0', () => ({ body: chat({ max_tokens: 0 }) }), 400, 'invalid_value'],
  ['max_tokens -1', () => ({ body: chat({ max_tokens: -1 }) }), 400, 'invalid_value'],
  ['max_tokens 1e18', () => ({ body: chat({ max_tokens: 1e18 }) }), 400, 'invalid_value'],
  ['max_tokens "100"', () => ({ body: chat({ max_tokens: '100' }) }), 400, 'invalid_value'],
  ['n 1000', () => ({ body: chat({ n: 1000 }) }), 400, 'invalid_value'],
  [
    'two models in one body',
    () => ({ body: '{"model":"demo-mini","model":"demo-chat","messages":[]}' }),
    400,
    'invalid_value',
  ],
  [
    'a refusal of the upstream itself',
    () => ({ body: chat({ messages: [{ role: 'user', content: '[[demo:status=400]]' }] }) }),
    400,
    'invalid_value', // the provider's own code
  ],
];

test.each(wrongRequests)(
  '%s is refused with status, code, request id and a way out',
  async (_what, sent, status, code) => {
    const { error, headers, ...answer } = await send(sent());

    expect(answer.status).toBe(status);
    expect(error.code).toBe(code);
    expect(answer.requestId).toMatch(/^[0-9a-f-]{36}$/);
    expect(error.message).toContain(answer.requestId);
    expect(headers.get('x-should-retry')).toBe('false');
  },
);

test('disabled, expired, model-bound and address-bound keys say which of these they are', async () => {
  const disabled = await newKey({});
  await manage('POST', `/api-keys/${disabled.id}/disable`, { reason: 'test' });
  // The API takes no expiry in the past, and a test does not wait for one to come.
  const expired = await newKey({});
  await product.admin.query(`update api_keys set expires_at = '2020-01-01' where id = $1`, [expired.id]);
  const bound = await newKey({ allowedModels: ['demo-mini'] });
  const elsewhere = await newKey({ allowedAddresses: ['203.0.113.7'] });

  expect((await send({ key: disabled.credential })).error.code).toBe('api_key_disabled');
  expect((await send({ key: expired.credential })).error.code).toBe('api_key_expired');
  expect((await send({ key: bound.credential })).error.code).toBe('model_not_allowed');
  const refused = await send({ key: elsewhere.credential, headers: { 'x-forwarded-for': '203.0.113.7' } });
  expect([refused.status, refused.error.code]).toEqual([403, 'ip_not_allowed']);
});

test('no money and a cap that is reached are 402 on chat, and 429 insufficient_quota on responses', async () => {
  const organization = await manage('POST', '/organizations', { name: 'poor' });
  const poor = await newKey({}, organization.id);
  const refused = await send({ key: poor.credential });
  expect([refused.status, refused.error.code]).toEqual([402, 'insufficient_quota']);
  const onResponses = await send({
    key: poor.credential,
    path: '/v1/responses',
    body: JSON.stringify({ model: 'demo-chat', input: 'hi' }),
  });
  expect([onResponses.status, onResponses.error.code]).toEqual([429, 'insufficient_quota']);
  expect(onResponses.headers.get('x-should-retry')).toBe('false');

  await manage('POST', '/grants', { orgId: organization.id, amountNano: '1000000000' });
  const capped = await newKey({ caps: [{ period: 'total', amountNano: '1' }] }, organization.id);
  const atCap = await send({ key: capped.credential });
  expect([atCap.status, atCap.error.code]).toEqual([402, 'insufficient_quota']);
  expect(atCap.error.message).toMatch(/total cap of the api key/);
});

test('an Anthropic client is refused in Anthropic words', async () => {
  const answer = await fetch(`${product.api}/v1/messages`, {
    method: 'POST',
    headers: {
      'x-api-key': newCredential().credential,
      'anthropic-version': '2023-06-01',
      'content-type': 'application/json',
    },
    body: JSON.stringify({ model: 'demo-claude', max_tokens: 10, messages: [{ role: 'user', content: 'hi' }] }),
  });
  expect(answer.status).toBe(401);
  expect(await answer.json()).toMatchObject({
    type: 'error',
    error: { type: 'authentication_error' },
    request_id: answer.headers.get('request-id'),
  });
});

test('Content-Length beside Transfer-Encoding is refused and the connection closed', async () => {
  const { hostname, port } = new URL(product.api);
  const answer = await new Promise<string>((resolve) => {
    let text = '';
    const socket = connect(Number(port), hostname, () =>
      socket.write(
        'POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /livez HTTP/1.1\r\nhost: x\r\n\r\n',
      ),
    );
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('close', () => resolve(text));
  });
  expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  expect(answer).toContain('malformed_http');
  expect(answer.match(/^HTTP\/1\.1 /gm)).toHaveLength(1);
});
