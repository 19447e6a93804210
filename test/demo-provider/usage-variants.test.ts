// A gateway's usage scanner is only tested by what it meets, so all variants must really occur, and always say the same figures.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { JsonObject } from '../support/demo-provider/json-body.ts';
import { wireStyle } from '../support/demo-provider/wire-style.ts';
import { endedAttempt, eventsIn, HELLO, type RunningProvider, runProvider, send } from './demo-client.ts';

let provider: RunningProvider;
beforeAll(async () => {
  provider = await runProvider();
});
afterAll(() => provider.close());

interface Chunk {
  readonly choices: readonly { readonly finish_reason: string | null }[];
  readonly usage?: { readonly prompt_tokens: number; readonly completion_tokens: number } | null;
}

function attemptWith(wanted: (style: ReturnType<typeof wireStyle>) => boolean): string {
  for (let number = 0; ; number++) if (wanted(wireStyle(`styled-${number}.1`))) return `styled-${number}.1`;
}

async function streamOf(attemptId: string, asked: boolean): Promise<{ text: string; chunks: Chunk[] }> {
  const options = asked ? { stream_options: { include_usage: true } } : {};
  const body = { model: 'demo-chat', stream: true, messages: HELLO, ...options };
  const { text } = await send(provider.url, { body, attemptId });
  return { text, chunks: eventsIn<Chunk>(text) };
}

test('a stream that was not asked for usage has none, and no chunk without choices', async () => {
  for (let number = 0; number < 20; number++) {
    const { text, chunks } = await streamOf(`unasked-${number}.1`, false);
    expect(chunks.filter((chunk) => 'usage' in chunk || chunk.choices.length === 0)).toEqual([]);
    expect(text.trimEnd()).toMatch(/data: \[DONE\]$/);
  }
});

test('usage in the last chunk: null on all others, no choices on that one', async () => {
  const { chunks } = await streamOf(
    attemptWith((style) => style.usage === 'last-chunk'),
    true,
  );
  expect(chunks.slice(0, -1).map((chunk) => chunk.usage)).toEqual(chunks.slice(1).map(() => null));
  expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: expect.any(Number) } });
});

test('running usage: on every chunk, growing to the figures of the last one', async () => {
  const { chunks } = await streamOf(
    attemptWith((style) => style.usage === 'running'),
    true,
  );
  const running = chunks.map((chunk) => chunk.usage?.completion_tokens ?? -1);
  expect(running).toEqual([...running].sort((one, other) => one - other));
  expect(running[0]).toBe(0);
  expect(chunks.at(-1)?.choices).toEqual([]);
});

test('usage in the chunk that carries finish_reason, which is then the last one', async () => {
  const { chunks } = await streamOf(
    attemptWith((style) => style.usage === 'with-finish'),
    true,
  );
  expect(chunks.at(-1)).toMatchObject({ choices: [{ finish_reason: 'stop' }], usage: { prompt_tokens: 6 } });
  expect(chunks.slice(0, -1).filter((chunk) => chunk.usage !== null)).toEqual([]);
});

test('the same event comes spaced and tight, escaped and raw, with CRLF and LF, with a comment in front and without', async () => {
  const spaced = await streamOf(
    attemptWith((style) => style.spaced),
    true,
  );
  expect(spaced.text).toContain('"choices": [{"index": 0, ');
  const escaped = await streamOf(
    attemptWith((style) => style.escaped),
    true,
  );
  expect(Buffer.byteLength(escaped.text)).toBe(escaped.text.length);
  expect(escaped.text).toMatch(/\\u[0-9a-f]{4}/);
  const crlf = await streamOf(
    attemptWith((style) => style.crlf),
    true,
  );
  expect(crlf.text.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
  const commented = await streamOf(
    attemptWith((style) => style.comment),
    true,
  );
  expect(commented.text).toMatch(/^: processing\r?\n\r?\n/);
  const plain = await streamOf(
    attemptWith((style) => !Object.values(style).includes(true)),
    true,
  );
  expect(plain.text).toMatch(/^data: \{"id":"chatcmpl-[^\r]*$/);
});

interface MessageEvent {
  readonly type: string;
  readonly message?: { readonly usage: JsonObject };
  readonly usage?: JsonObject;
}

test('messages: cache classes lie outside input_tokens, output is cumulative and contains the first event', async () => {
  const seen = { cached: 0, fiveMinutes: 0, oneHour: 0, noSplit: 0, shortEnd: 0, fullEnd: 0 };
  const prompt = [{ role: 'user', content: 'a long prompt '.repeat(100) }];
  for (let number = 0; number < 40; number++) {
    const attemptId = `claude-${number}.1`;
    const body = { model: 'demo-claude', stream: true, max_tokens: 400, messages: prompt };
    const { text } = await send(provider.url, { path: '/v1/messages', body, attemptId });
    const events = eventsIn<MessageEvent>(text);
    const start = events[0]?.message?.usage ?? {};
    const last = events.find((event) => event.type === 'message_delta')?.usage ?? {};
    const { usage } = await endedAttempt(provider.url, attemptId);

    expect(start).toMatchObject({
      input_tokens: usage.input,
      cache_read_input_tokens: usage.cachedInput,
      cache_creation_input_tokens: usage.cacheWrite5m + usage.cacheWrite1h,
      output_tokens: 1,
    });
    expect(last).toMatchObject({ output_tokens: usage.output });
    const split = start.cache_creation;
    const classes = { ephemeral_5m_input_tokens: usage.cacheWrite5m, ephemeral_1h_input_tokens: usage.cacheWrite1h };
    expect(split ?? classes).toEqual(classes);
    if (split === undefined) expect(usage.cacheWrite1h).toBe(0);

    seen.cached += Math.sign(usage.cachedInput);
    seen.fiveMinutes += Math.sign(usage.cacheWrite5m);
    seen.oneHour += Math.sign(usage.cacheWrite1h);
    seen.noSplit += split === undefined ? 1 : 0;
    seen.shortEnd += 'input_tokens' in last ? 0 : 1;
    seen.fullEnd += 'input_tokens' in last ? 1 : 0;
  }
  expect(Object.entries(seen).filter(([, count]) => count === 0 || count === 40)).toEqual([]);
});

test('a share of OpenAI requests finds input in the cache, and none ever writes to it', async () => {
  const prompt = [{ role: 'user', content: 'a long prompt '.repeat(100) }];
  let cached = 0;
  for (let number = 0; number < 30; number++) {
    const attemptId = `cached-${number}.1`;
    await send(provider.url, { body: { model: 'demo-chat', messages: prompt }, attemptId });
    const { usage } = await endedAttempt(provider.url, attemptId);
    expect(usage.input + usage.cachedInput).toBe(1400 / 4 + 3);
    expect(usage.cacheWrite5m + usage.cacheWrite1h).toBe(0);
    cached += Math.sign(usage.cachedInput);
  }
  expect(cached).toBeGreaterThan(0);
  expect(cached).toBeLessThan(30);
});
