// What an upstream says no to reaches the customer in its own terms where it is about the request, and never where it is about us: no
// account of ours, no words of a broken machine. What an upstream's silence ends in is told as such (T36 to T40).
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Caller, call } from './caller.ts';
import { chat, messages, PROMPT_TOKENS, type Speech } from './events.ts';
import { type Gateway, openGateway } from './gateway.ts';
import { type ScriptedUpstream, startScriptedUpstream } from './scripted-upstream.ts';
import { type Customer, charge, closedBooks, newCustomer, receiptOf, sell } from './shop.ts';

let gateway: Gateway;
let upstream: ScriptedUpstream;
let customer: Customer;

beforeAll(async () => {
  gateway = await openGateway();
  upstream = await startScriptedUpstream();
  customer = await newCustomer(gateway, 100_000_000_000n);
});
afterAll(async () => {
  await closedBooks(gateway, customer);
  await gateway.close();
  await upstream.close();
});

/** On channels of its own: one that fails is soon left alone. */
async function ask(channels: number, more: object = {}, speech: Speech = chat): Promise<{ answered: Promise<Caller> }> {
  const { modelId } = await sell(
    gateway,
    ...Array.from({ length: channels }, (_, at) => ({ baseUrl: upstream.baseUrl, priority: at + 1 })),
  );
  return call(gateway.url, { path: speech.path, key: customer.key, body: speech.request(modelId, more) });
}

async function refused(status: number, error: object, headers = {}, speech = chat): Promise<[Caller, string]> {
  const { modelId } = await sell(gateway, { baseUrl: upstream.baseUrl });
  const { answered } = call(gateway.url, { path: speech.path, key: customer.key, body: speech.request(modelId) });
  (await upstream.next()).answer(status, { error }, headers);
  const caller = await answered;
  await caller.over();
  return [caller, caller.text];
}

test.each([
  [400, { message: 'No such voice.', type: 'invalid_request_error', param: 'voice', code: 'unknown_voice' }],
  [404, { message: 'No such file.', type: 'invalid_request_error', param: 'file', code: 'file_not_found' }],
  [413, { message: 'Too many images.', type: 'invalid_request_error', param: null, code: 'too_many_images' }],
  [422, { message: 'A schema must be an object.', type: 'unprocessable', param: 'tools', code: 'bad_schema' }],
])('a refusal of the request itself is passed on: %s', async (status, error) => {
  const [caller, text] = await refused(status, error);

  const told = JSON.parse(text).error;
  expect(caller.status).toBe(status);
  expect(told).toEqual({ ...error, message: `${error.message} (request id: ${caller.requestId})` });
  expect(caller.headers['x-should-retry']).toBe('false');
  expect((await receiptOf(gateway, caller.requestId)).charge).toBe(0n);
});

test('an Anthropic refusal keeps its type and status', async () => {
  const error = { type: 'request_too_large', message: 'Too many bytes.' };
  const [caller, text] = await refused(413, error, {}, messages);

  expect([caller.status, JSON.parse(text).error.type]).toEqual([413, 'request_too_large']);
  expect(caller.headers).toHaveProperty('anthropic-ratelimit-input-tokens-remaining');
});

test.each([
  [401, 'Incorrect API key provided: sk-proj-abcdefgh12345678', 'invalid_api_key'],
  [402, 'Your account is not active', 'billing_not_active'],
  [403, 'Your project has no access', 'permission_denied'],
  [400, 'Your organization must be verified', 'organization_unverified'],
])('a refusal of our account is never shown as the customer’s fault: %s', async (status, message, code) => {
  const [caller, text] = await refused(status, { message, type: 'authentication_error', param: null, code });

  if (status !== 400) expect([caller.status, JSON.parse(text).error.code]).toEqual([502, 'upstream_unavailable']);
  if (status !== 400) expect(text).not.toContain(message);
  expect(text).not.toMatch(/authentication_error|sk-proj|organization_unverified/);
  expect((await receiptOf(gateway, caller.requestId)).charge).toBe(0n);
});

test.each([500, 502, 503])('the words of a broken upstream stay here: %s', async (status) => {
  const [caller, text] = await refused(status, { message: 'stack trace at db-7.internal', type: 'server_error' });

  expect([caller.status, JSON.parse(text).error.code]).toEqual([503, 'overloaded']);
  expect(text).not.toContain('db-7');
  expect(caller.headers).toMatchObject({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
});

test('a busy upstream that names a short wait is asked once more', async () => {
  const { answered } = await ask(1);
  (await upstream.next()).answer(
    429,
    { error: { message: 'busy', type: 'rate_limit_error' } },
    { 'retry-after': '0.05' },
  );
  const again = await upstream.next();
  again.send(chat.opening, chat.content('Toll'), chat.finish(PROMPT_TOKENS, 1), chat.end);
  again.end();

  const caller = await answered;
  expect([caller.status, await caller.over()]).toEqual([200, 'clean']);
  expect((await receiptOf(gateway, caller.requestId)).charge).toBe(charge(PROMPT_TOKENS, 1));
});

test('a busy upstream that names a long wait is left for another at once', async () => {
  const { answered } = await ask(2);
  (await upstream.next()).answer(
    429,
    { error: { message: 'busy', type: 'rate_limit_error' } },
    { 'retry-after': '120' },
  );
  const other = await upstream.next();
  other.send(chat.opening, chat.content('Toll'), chat.finish(PROMPT_TOKENS, 1), chat.end);
  other.end();

  const caller = await answered;
  await caller.over();
  expect([caller.status, caller.headers['x-tollgate-channel-attempts']]).toEqual([200, '2']);
});

test('where nobody is left for more than a minute, the client is told how long and not to try by itself', async () => {
  const { modelId } = await sell(gateway, { baseUrl: upstream.baseUrl });
  const send = () => call(gateway.url, { path: chat.path, key: customer.key, body: chat.request(modelId) }).answered;
  const first = send();
  (await upstream.next()).answer(
    429,
    { error: { message: 'busy', type: 'rate_limit_error' } },
    { 'retry-after': '120' },
  );
  await (await first).over();

  const caller = await send();
  await caller.over();

  expect([caller.status, JSON.parse(caller.text).error.code]).toEqual([503, 'no_channel']);
  expect(Number(caller.headers['retry-after'])).toBeGreaterThan(60);
  expect(caller.headers['x-should-retry']).toBe('false');
});

test.each([
  ['a stream', true, 60_001],
  ['a plain answer', false, 600_001],
])(
  'an upstream that does not begin %s is given up, and told as a timeout that costs nothing',
  async (_, stream, ms) => {
    const { answered } = await ask(1, { stream });
    const arrival = await upstream.next();
    gateway.attempts.pass(ms);
    await arrival.closed;

    const caller = await answered;
    await caller.over();
    expect([caller.status, JSON.parse(caller.text).error.code]).toEqual([504, 'upstream_timeout']);
    expect(await receiptOf(gateway, caller.requestId)).toMatchObject({
      charge: 0n,
      attempts: [{ outcome: 'timed_out', failureClass: 'timeout', cost: null }],
    });
  },
);

test.each([
  ['OpenAI', chat, ': keep-alive\n\n'],
  ['Anthropic', messages, 'event: ping\ndata: {"type": "ping"}\n\n'],
])(
  'a client that waits for the first word hears that we live, and may still get it from another: %s',
  async (_, speech, sign) => {
    const { answered } = await ask(2, {}, speech);
    const silent = await upstream.next();
    silent.send(speech.opening);
    await new Promise((resolve) => silent.response.write('', resolve));
    for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    gateway.attempts.pass(10_001);
    const caller = await answered;
    await caller.sees(sign);
    gateway.attempts.pass(60_001);
    await silent.closed;
    const other = await upstream.next();
    other.send(speech.opening, speech.content('Toll'), speech.finish(PROMPT_TOKENS, 1), speech.end);
    other.end();

    expect(await caller.over()).toBe('clean');
    expect(caller.text.replaceAll(sign, '')).toBe(
      speech.opening +
        speech.content('Toll') +
        speech.finish(PROMPT_TOKENS, 1).replace(/data: [^\n]*"choices":\[\][^\n]*\n\n/, '') +
        speech.end,
    );
    expect((await receiptOf(gateway, caller.requestId)).charge).toBe(charge(PROMPT_TOKENS, 1));
  },
);

test('who is refused for his rate reads the rate in the headers', async () => {
  const { credential } = await gateway.manage('POST', '/api-keys', { orgId: customer.orgId, requestsPerMinute: 1 });
  const { modelId } = await sell(gateway, { baseUrl: upstream.baseUrl });
  const send = () =>
    call(gateway.url, { path: chat.path, key: String(credential), body: chat.request(modelId) }).answered;
  const first = send();
  (await upstream.next()).answer(400, { error: { message: 'no', type: 'invalid_request_error' } });
  await (await first).over();

  const caller = await send();
  await caller.over();

  expect(caller.status).toBe(429);
  expect(caller.headers).toMatchObject({ 'x-ratelimit-limit-requests': '1', 'x-ratelimit-remaining-requests': '0' });
});
