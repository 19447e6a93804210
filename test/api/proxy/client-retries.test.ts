// What the official SDKs do with each of our refusals, counted where their requests arrive: what waiting cannot help is asked once,
// what passes is asked again (ecosystem.md 2.3). Who hammers a revoked key, or gives up on a passing fault, was told wrong.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Anthropic from '@anthropic-ai/sdk';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import OpenAI from 'openai';
import { newCredential } from '../../../services/api-keys/credential.ts';
import { type RunningProduct, startRunningProduct } from '../../support/running-product.ts';

/** Both SDKs: once, and twice more. */
const AGAIN = 3;

let product: RunningProduct;
let counter: Server;
let counterUrl: string;
let tries = 0;

beforeAll(async () => {
  product = await startRunningProduct();
  counter = createServer(async (req, res) => {
    tries += 1;
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk);
    const { connection: _, 'content-length': __, host: ___, ...headers } = req.headers as Record<string, string>;
    const answer = await fetch(product.api + req.url, { method: 'POST', headers, body: Buffer.concat(chunks) });
    const passed = [...answer.headers].filter(([name]) => !/^(connection|transfer-encoding)$/.test(name));
    res.writeHead(answer.status, Object.fromEntries(passed));
    res.end(Buffer.from(await answer.arrayBuffer()));
  }).listen(0, '127.0.0.1');
  await new Promise((listening) => counter.once('listening', listening));
  counterUrl = `http://127.0.0.1:${(counter.address() as AddressInfo).port}`;
});
afterAll(async () => {
  counter.closeAllConnections();
  counter.close();
  await product.stop();
});

interface Asked {
  readonly apiKey: string;
  readonly model?: string;
  readonly maxTokens?: number;
  readonly text?: string;
}

type Ask = (asked: Asked) => Promise<unknown>;

const OPENAI_MODEL = 'demo-chat';
const ANTHROPIC_MODEL = 'demo-claude';

const openaiChat: Ask = ({ apiKey, model = OPENAI_MODEL, maxTokens = 50, text = 'hi' }) =>
  new OpenAI({ apiKey, baseURL: `${counterUrl}/v1` }).chat.completions.create({
    ...{ model, max_tokens: maxTokens, messages: [{ role: 'user', content: text }] },
  });
const openaiResponses: Ask = ({ apiKey, model = OPENAI_MODEL, maxTokens = 50, text = 'hi' }) =>
  new OpenAI({ apiKey, baseURL: `${counterUrl}/v1` }).responses.create({
    ...{ model, max_output_tokens: maxTokens, input: text },
  });
const anthropicMessages: Ask = ({ apiKey, model = ANTHROPIC_MODEL, maxTokens = 50, text = 'hi' }) =>
  new Anthropic({ apiKey, baseURL: counterUrl }).messages.create({
    ...{ model, max_tokens: maxTokens, messages: [{ role: 'user', content: text }] },
  });

async function manage(path: string, body: object): Promise<Record<string, string>> {
  const answer = await fetch(`${product.api}/api/v1${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${product.adminToken}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return (await answer.json()) as Record<string, string>;
}

async function newKey(settings: object = {}, usd = 1): Promise<string> {
  const { id: orgId } = await manage('/organizations', { name: 'a client' });
  if (usd > 0) await manage('/grants', { orgId, amountNano: String(usd * 1_000_000_000) });
  return (await manage('/api-keys', { orgId, ...settings })).credential ?? '';
}

/** The status that the SDK threw, and how often it had asked for it. */
async function heard(ask: Ask, asked: Asked): Promise<{ status: number | undefined; tries: number }> {
  tries = 0;
  const error: unknown = await ask(asked).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof OpenAI.APIError) && !(error instanceof Anthropic.APIError)) throw error;
  return { status: error.status, tries };
}

const clients = [
  ['openai, chat', openaiChat, 402],
  ['openai, responses', openaiResponses, 429],
  ['anthropic, messages', anthropicMessages, 402],
] as const;

describe.each(clients)('%s', (_client, ask, unpaid) => {
  test('400: a value that cannot be is sent once', async () => {
    expect(await heard(ask, { apiKey: product.customerKey, maxTokens: -1 })).toEqual({ status: 400, tries: 1 });
  });

  test('401: a key that nobody made is tried once', async () => {
    expect(await heard(ask, { apiKey: newCredential().credential })).toEqual({ status: 401, tries: 1 });
  });

  test('no credit is told once, with the status that this surface takes for final', async () => {
    expect(await heard(ask, { apiKey: await newKey({}, 0) })).toEqual({ status: unpaid, tries: 1 });
  });

  test('403: a model that the key may not use is asked for once', async () => {
    const apiKey = await newKey({ allowedModels: ['demo-mini'] });
    expect(await heard(ask, { apiKey })).toEqual({ status: 403, tries: 1 });
  });

  test('404: a model that is not there is asked for once', async () => {
    expect(await heard(ask, { apiKey: product.customerKey, model: 'nothing' })).toEqual({ status: 404, tries: 1 });
  });

  test('429: a rate is waited for', async () => {
    const apiKey = await newKey({ concurrentRequests: 1 });
    const occupied = new AbortController();
    const first = await fetch(`${product.api}/v1/chat/completions`, {
      method: 'POST',
      signal: occupied.signal,
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        ...{ model: OPENAI_MODEL, stream: true },
        messages: [{ role: 'user', content: '[[demo:tokens=100,drip=200]]' }],
      }),
    });
    expect(first.status).toBe(200);

    expect(await heard(ask, { apiKey })).toEqual({ status: 429, tries: AGAIN });
    occupied.abort();
  });
});

// Last, because it opens breakers: what comes after finds no channel.
test.each(clients)('%s: an upstream that is overloaded is asked again', async (_client, ask, _unpaid) => {
  const { status, tries: count } = await heard(ask, {
    ...{ apiKey: product.customerKey, text: '[[demo:status=503]]' },
  });
  expect([503, 529]).toContain(status);
  expect(count).toBe(AGAIN);
});
