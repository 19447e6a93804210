// The official SDKs, unmodified, against the running product: what they are told is what they understand, and each answer is
// charged once.
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import Anthropic from '@anthropic-ai/sdk';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import OpenAI from 'openai';
import { oneRow } from '../../support/bare-gateway.ts';
import { type RunningProduct, startRunningProduct } from '../../support/running-product.ts';
import { until } from '../../support/until.ts';

const run = promisify(execFile);
const PYPI_OPENAI = 'openai==3.57.0';
const PYTHON_CLIENT = fileURLToPath(new URL('pypi-client.py', import.meta.url));

let product: RunningProduct;
let openai: OpenAI;
let anthropic: Anthropic;

beforeAll(async () => {
  product = await startRunningProduct();
  openai = new OpenAI({ apiKey: product.customerKey, baseURL: `${product.api}/v1` });
  anthropic = new Anthropic({ apiKey: product.customerKey, baseURL: product.api });
});
// A drain has patience with connections that SDKs keep for two minutes.
afterAll(() => product.stop(), 150_000);

const hello = [{ role: 'user' as const, content: 'Tell me about tolls.' }];

async function chargeOf(requestId: string | null | undefined): Promise<bigint> {
  const { charge } = await oneRow<{ charge: string }>(
    product.admin,
    'select charge_nano as charge from usage_records where request_id = $1',
    [requestId],
  );
  return BigInt(charge);
}

test('openai: a plain chat is answered and charged by its usage', async () => {
  const { data, response } = await openai.chat.completions
    .create({ model: 'demo-chat', messages: hello })
    .withResponse();
  const usage = data.usage;

  expect(data.choices[0]?.message.content?.length).toBeGreaterThan(0);
  const cached = usage?.prompt_tokens_details?.cached_tokens ?? 0;
  const pico =
    BigInt((usage?.prompt_tokens ?? 0) - cached) * 2_500_000n +
    BigInt(cached) * 250_000n +
    BigInt(usage?.completion_tokens ?? 0) * 10_000_000n;
  expect(await chargeOf(response.headers.get('x-request-id'))).toBe((pico + 999n) / 1_000n);
});

test('openai: a streamed chat ends with its finish reason, and shows usage only to who asked', async () => {
  const kinds: string[] = [];
  for await (const chunk of await openai.chat.completions.create({
    model: 'demo-chat',
    messages: hello,
    stream: true,
  })) {
    kinds.push(chunk.choices.length === 0 ? 'usage' : (chunk.choices[0]?.finish_reason ?? 'content'));
  }
  expect(kinds).not.toContain('usage');
  expect(kinds.at(-1)).toBe('stop');

  const asked = await openai.chat.completions.create({
    model: 'demo-chat',
    messages: hello,
    stream: true,
    stream_options: { include_usage: true },
  });
  let seen = 0;
  for await (const chunk of asked) if (chunk.usage) seen = chunk.usage.completion_tokens;
  expect(seen).toBeGreaterThan(0);
});

test('openai: streamed tool calls arrive as valid JSON', async () => {
  const stream = await openai.chat.completions.create({
    model: 'demo-chat',
    messages: hello,
    stream: true,
    tools: [
      {
        type: 'function',
        function: { name: 'price_of', parameters: { type: 'object', properties: { road: { type: 'string' } } } },
      },
    ],
  });
  let text = '';
  for await (const chunk of stream) text += chunk.choices[0]?.delta.tool_calls?.[0]?.function?.arguments ?? '';
  expect(() => JSON.parse(text)).not.toThrow();
});

test('openai: embeddings, responses and models work', async () => {
  const embedding = await openai.embeddings.create({ model: 'demo-embed', input: ['one', 'two'] });
  expect(embedding.data).toHaveLength(2);
  const response = await openai.responses.create({ model: 'demo-chat', input: 'Tell me about roads.' });
  expect(response.output_text.length).toBeGreaterThan(0);
  const ids: string[] = [];
  for await (const listed of openai.models.list()) ids.push(listed.id);
  expect(ids).toEqual(expect.arrayContaining(['demo-chat', 'demo-embed']));
});

test('anthropic: messages, streamed and plain, and token counting', async () => {
  const plain = await anthropic.messages.create({ model: 'demo-claude', max_tokens: 100, messages: hello });
  expect(plain.content.length).toBeGreaterThan(0);
  const streamed = await anthropic.messages
    .stream({ model: 'demo-claude', max_tokens: 100, messages: hello })
    .finalMessage();
  expect(streamed.stop_reason).not.toBeNull();
  const { input_tokens: inputTokens } = await anthropic.messages.countTokens({ model: 'demo-claude', messages: hello });
  expect(inputTokens).toBeGreaterThan(0);
});

test('a stream that the upstream cuts throws in both SDKs and is never taken for a whole answer', async () => {
  const cut = [{ role: 'user' as const, content: '[[demo:cut=900]] Tell me about tolls.' }];
  const openaiCut = (async () => {
    for await (const _ of await openai.chat.completions.create({ model: 'demo-chat', messages: cut, stream: true }));
  })();
  await expect(openaiCut).rejects.toThrow();
  await expect(
    anthropic.messages.stream({ model: 'demo-claude', max_tokens: 100, messages: cut }).finalMessage(),
  ).rejects.toThrow();
});

// Python is no part of what the product needs: where there is none, there is no such test.
const hasPython = spawnSync('python3', ['-c', 'import ensurepip, venv']).status === 0;
if (hasPython) {
  test('PyPI openai: chat, stream, embeddings and models', async () => {
    const python = installedPython();

    const { stdout } = await run(python, [PYTHON_CLIENT, product.api, product.customerKey]);

    const heard = JSON.parse(stdout) as { requestId: string; streamedTokens: number };
    expect(heard).toMatchObject({ said: true, finishReasons: ['stop'], embeddings: 2 });
    expect(heard).toHaveProperty('models', expect.arrayContaining(['demo-chat', 'demo-embed']));
    expect(heard.streamedTokens).toBeGreaterThan(0);
    expect(await chargeOf(heard.requestId)).toBeGreaterThan(0n);
  }, 300_000);
}

async function codeOf(refused: Response): Promise<string> {
  return ((await refused.json()) as { error: { code: string } }).error.code;
}

test('an Idempotency-Key is charged once: its repetition is told the first request', async () => {
  const send = (body: object) =>
    fetch(`${product.api}/v1/chat/completions`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${product.customerKey}`,
        'content-type': 'application/json',
        'idempotency-key': 'order-1',
      },
      body: JSON.stringify(body),
    });
  const first = await send({ model: 'demo-chat', messages: hello });
  await first.text();
  // A charge that a slow commit sent through the journal is in PostgreSQL a moment later: until then the first one counts as running.
  await until(
    async () => (await codeOf(await send({ model: 'demo-chat', messages: hello }))) !== 'request_in_progress',
  );
  const second = await send({ model: 'demo-chat', messages: hello });
  const other = await send({ model: 'demo-mini', messages: hello });

  expect([first.status, second.status, other.status]).toEqual([200, 409, 409]);
  const told = (await second.json()) as { error: { code: string; message: string } };
  expect(told.error.code).toBe('already_charged');
  expect(told.error.message).toContain(first.headers.get('x-request-id') ?? 'no id');
  expect(await codeOf(other)).toBe('idempotency_mismatch');
});

/** Made once for this version and kept beside the clusters of throwaway-postgres.ts. */
function installedPython(): string {
  const folder = join(tmpdir(), `tollgate-${PYPI_OPENAI}-${process.getuid?.() ?? 'user'}`);
  const python = join(folder, 'bin/python');
  if (spawnSync(python, ['-c', 'import openai']).status === 0) return python;
  execFileSync('python3', ['-m', 'venv', '--clear', folder]);
  execFileSync(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', PYPI_OPENAI]);
  return python;
}
