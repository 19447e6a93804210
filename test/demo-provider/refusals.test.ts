// Refusals have the bodies and headers of the real providers, judged by their official clients: failure classes are tested on them.
import Anthropic from '@anthropic-ai/sdk';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import OpenAI from 'openai';
import { FAULT_STATUSES } from '../support/demo-provider/fault-grammar.ts';
import { type Call, HELLO, type RunningProvider, runProvider, send } from './demo-client.ts';

let provider: RunningProvider;
beforeAll(async () => {
  provider = await runProvider();
});
afterAll(() => provider.close());

const CHAT = { body: { model: 'demo-chat', messages: HELLO } };
const MESSAGES = { path: '/v1/messages', body: { model: 'demo-claude', max_tokens: 50, messages: HELLO } };

async function refusal(call: Call): Promise<{ status: number; error: Record<string, unknown> }> {
  const { status, text } = await send(provider.url, call);
  return { status, error: JSON.parse(text).error };
}

test('every status comes with the body and the headers of its family', async () => {
  for (const status of FAULT_STATUSES.filter((one) => one !== 502)) {
    const openai = await send(provider.url, { ...CHAT, fault: `status=${status}` });
    expect(openai.status).toBe(status);
    const { error } = JSON.parse(openai.text);
    expect(Object.keys(error)).toEqual(['message', 'type', 'param', 'code']);
    expect(error).toMatchObject({ message: expect.any(String), type: expect.any(String), param: null });
    expect(openai.headers['x-request-id']).toMatch(/^req_/);

    const anthropic = await send(provider.url, { ...MESSAGES, fault: `status=${status}` });
    expect(anthropic.status).toBe(status);
    expect(JSON.parse(anthropic.text)).toEqual({
      type: 'error',
      error: { type: expect.any(String), message: expect.any(String) },
      request_id: anthropic.headers['request-id'],
    });
  }
});

test('a 502 is the page of the proxy in front, not JSON', async () => {
  const { text, headers } = await send(provider.url, { ...CHAT, fault: 'status=502' });
  expect(headers['content-type']).toBe('text/html');
  expect(text).toContain('<h1>502 Bad Gateway</h1>');
});

test('a rate limit names its window, and retry-after is whatever was asked for', async () => {
  const plain = await send(provider.url, { ...CHAT, fault: 'status=429' });
  expect(plain.headers['x-ratelimit-remaining-requests']).toBe('0');
  expect(plain.headers['retry-after']).toBeUndefined();
  for (const retryAfter of ['2', '120', 'junk', 'Wed, 21 Oct 2026 07:28:00 GMT']) {
    const { headers } = await send(provider.url, { ...MESSAGES, fault: `status=429,retry-after=${retryAfter}` });
    expect(headers['retry-after']).toBe(retryAfter);
  }
});

test('quota is insufficient_quota for OpenAI and billing_error for Anthropic', async () => {
  expect(await refusal({ ...CHAT, fault: 'quota' })).toMatchObject({
    status: 429,
    error: { code: 'insufficient_quota' },
  });
  expect(await refusal({ ...MESSAGES, fault: 'quota' })).toMatchObject({
    status: 402,
    error: { type: 'billing_error' },
  });
});

test('a key that is not ours is refused as the real providers do, before anything else', async () => {
  const fault = 'status=500';
  expect(await refusal({ ...CHAT, fault, apiKey: 'sk-1' })).toMatchObject({
    status: 401,
    error: { code: 'invalid_api_key' },
  });
  expect(await refusal({ ...MESSAGES, fault, apiKey: '' })).toMatchObject({
    status: 401,
    error: { type: 'authentication_error' },
  });
});

test('what a client got wrong is refused with the parameter', async () => {
  const chat = (more: object) => refusal({ body: { ...CHAT.body, ...more } });
  expect(await chat({ model: 'gpt-4o' })).toMatchObject({ status: 404, error: { code: 'model_not_found' } });
  expect(await chat({ model: 'demo-embed' })).toMatchObject({ status: 404, error: { code: 'model_not_found' } });
  expect(await chat({ messages: [] })).toMatchObject({
    status: 400,
    error: { param: 'messages', code: 'missing_required_parameter' },
  });
  expect(await chat({ messages: ['hello'] })).toMatchObject({ status: 400, error: { param: 'messages' } });
  for (const value of [0, -1, 1.5, '100', 1e18]) {
    expect(await chat({ max_tokens: value })).toMatchObject({ status: 400, error: { param: 'max_tokens' } });
  }
  expect(await chat({ n: 0 })).toMatchObject({ status: 400, error: { param: 'n' } });
  const { max_tokens: _without, ...uncapped } = MESSAGES.body;
  expect(await refusal({ ...MESSAGES, body: uncapped })).toMatchObject({
    status: 400,
    error: { type: 'invalid_request_error' },
  });
});

test('more than the model can read is refused in the words that agents look for', async () => {
  const body = { ...CHAT.body, messages: [{ role: 'user', content: 'x'.repeat(4 * 200_000) }] };
  expect(await refusal({ body })).toMatchObject({
    status: 400,
    error: { code: 'context_length_exceeded', message: 'prompt is too long: 200003 tokens > 200000 maximum' },
  });
});

test('a body that is no JSON object, and a path that is none, are refused', async () => {
  const headers = { authorization: 'Bearer demo-a' };
  for (const body of ['', '{', '[]', '"text"', 'null']) {
    expect((await fetch(`${provider.url}/v1/chat/completions`, { method: 'POST', headers, body })).status).toBe(400);
  }
  expect((await fetch(`${provider.url}/v1/chat/completions`, { headers })).status).toBe(404);
  expect((await fetch(`${provider.url}/v1/other`, { method: 'POST', headers })).status).toBe(404);
  expect((await fetch(`${provider.url}/other`)).status).toBe(404);
  expect((await fetch(`${provider.url}/livez`)).status).toBe(200);
});

test('the official clients read the refusals as what they are', async () => {
  const openai = new OpenAI({ apiKey: 'demo-a~status=429', baseURL: `${provider.url}/v1`, maxRetries: 0 });
  await expect(openai.chat.completions.create({ model: 'demo-chat', messages: [...HELLO] })).rejects.toThrow(
    OpenAI.RateLimitError,
  );
  const anthropic = new Anthropic({ apiKey: 'demo-a~error-mid', baseURL: provider.url, maxRetries: 0 });
  const stream = anthropic.messages.stream({ model: 'demo-claude', max_tokens: 90, messages: [...HELLO] });
  await expect(stream.finalMessage()).rejects.toThrow('Overloaded');
});
