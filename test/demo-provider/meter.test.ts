// The oracle judges by this meter: it never says less than what a client has received, and never more than what was generated.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { demoModel } from '../support/demo-provider/catalogue.ts';
import type { MeteredUsage, MeterLine } from '../support/demo-provider/meter-file.ts';
import { until } from '../support/until.ts';
import {
  begin,
  type Call,
  endedAttempt,
  eventsIn,
  exportPage,
  HELLO,
  meter,
  type RunningProvider,
  runProvider,
  send,
} from './demo-client.ts';

let provider: RunningProvider;
beforeAll(async () => {
  provider = await runProvider();
});
afterAll(() => provider.close());

interface ChatEvent {
  readonly choices: readonly { readonly delta: { readonly content?: string; readonly reasoning_content?: string } }[];
  readonly usage?: ChatUsage | null;
}

interface ChatUsage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly prompt_tokens_details: { readonly cached_tokens: number };
  readonly completion_tokens_details: { readonly reasoning_tokens: number };
}

function linesOf(attemptId: string): MeterLine[] {
  const lines = readFileSync(join(provider.dataDir, 'meter.jsonl'), 'utf8').trimEnd().split('\n');
  return lines.map((line): MeterLine => JSON.parse(line)).filter((line) => line.attemptId === attemptId);
}

function outputOf(usage: MeteredUsage | undefined): number {
  return (usage?.output ?? 0) + (usage?.reasoning ?? 0);
}

test('at every moment of a stream the meter file holds at least what the client has been given', async () => {
  const body = { model: 'demo-chat', stream: true, messages: HELLO };
  const answer = await begin(provider.url, { body, attemptId: 'ahead.1', fault: 'tokens=60,chunk-delay=1' });
  let text = '';
  let moments = 0;
  for await (const chunk of answer) {
    text += String(chunk);
    const whole = text.slice(0, text.lastIndexOf('\n\n') + 1);
    const given = eventsIn<ChatEvent>(whole).flatMap((event) =>
      event.choices.map((choice) => choice.delta.content ?? ''),
    );
    expect(outputOf(linesOf('ahead.1').at(-1)?.usage) * 4).toBeGreaterThanOrEqual(Buffer.byteLength(given.join('')));
    moments++;
  }
  expect(moments).toBeGreaterThan(10);
});

test('what an OpenAI answer states and the bytes of its text agree with the meter, streamed or not, for every model', async () => {
  for (let number = 0; number < 60; number++) {
    const modelId = ['demo-chat', 'demo-mini', 'demo-reasoner'][number % 3] ?? '';
    const attemptId = `agree-${number}.1`;
    const streamed = number % 2 === 0;
    const body = { model: modelId, stream: streamed, stream_options: { include_usage: true }, messages: HELLO };
    const { text, complete } = await send(provider.url, { body, attemptId });
    expect(complete).toBe(true);
    const { usage, textBytes } = streamed ? readStream(text) : readWhole(text);
    const metered = (await endedAttempt(provider.url, attemptId)).usage;
    expect(usage.prompt_tokens - usage.prompt_tokens_details.cached_tokens).toBe(metered.input);
    expect(usage.prompt_tokens_details.cached_tokens).toBe(metered.cachedInput);
    expect(usage.completion_tokens).toBe(outputOf(metered));
    expect(usage.completion_tokens_details.reasoning_tokens).toBe(metered.reasoning);
    expect(textBytes).toBe(outputOf(metered) * (demoModel(modelId)?.bytesPerToken ?? 0));
  }
});

function readStream(text: string): { usage: ChatUsage; textBytes: number } {
  const events = eventsIn<ChatEvent>(text);
  const pieces = events.flatMap(({ choices }) =>
    choices.map(({ delta }) => delta.content ?? delta.reasoning_content ?? ''),
  );
  const usage = events.findLast((event) => event.usage)?.usage;
  if (!usage) throw new Error('the stream stated no usage');
  return { usage, textBytes: Buffer.byteLength(pieces.join('')) };
}

function readWhole(text: string): { usage: ChatUsage; textBytes: number } {
  const { choices, usage } = JSON.parse(text);
  const { content, reasoning_content = '' } = choices[0].message;
  return { usage, textBytes: Buffer.byteLength(content + reasoning_content) };
}

test('usage that is metered never shrinks while an answer is whole, and its last line is the end', async () => {
  const body = { model: 'demo-reasoner', stream: true, n: 3, messages: HELLO };
  await send(provider.url, { body, attemptId: 'growing.1' });
  await endedAttempt(provider.url, 'growing.1');
  const lines = linesOf('growing.1');
  const totals = lines.map((line) => outputOf(line.usage));
  expect(totals).toEqual([...totals].sort((one, other) => one - other));
  expect(lines.map((line) => line.ended)).toEqual([...lines.slice(1).map(() => false), true]);
});

test('a client that leaves is metered for what was generated until then', async () => {
  const body = { model: 'demo-chat', stream: true, messages: HELLO };
  const answer = await begin(provider.url, { body, attemptId: 'left.1', fault: 'tokens=100000,chunk-delay=1' });
  await new Promise((resolve) => answer.once('data', resolve));
  answer.destroy();
  const { usage } = await endedAttempt(provider.url, 'left.1');
  expect(usage.input).toBeGreaterThan(0);
  expect(usage.output).toBeLessThan(100_000);
});

test('a client that leaves before the answer starts is not metered', async () => {
  const body = { model: 'demo-chat', messages: HELLO };
  const left = new AbortController();
  const headers = {
    authorization: 'Bearer demo-a',
    'x-tollgate-attempt-id': 'early.1',
    'x-demo-fault': 'latency=999999',
  };
  const url = `${provider.url}/v1/chat/completions`;
  const asked = fetch(url, { method: 'POST', headers, body: JSON.stringify(body), signal: left.signal });
  await until(async () => (await underWay()) !== null);
  left.abort();
  await expect(asked).rejects.toThrow('aborted');
  await until(async () => (await underWay()) === null);
  expect(await meter(provider.url)).not.toHaveProperty(['early.1']);
});

async function underWay(): Promise<number | null> {
  return (await exportPage(provider.url, '0', 1)).oldestOpenAt;
}

test('a slow reader stops the generation instead of filling our memory', async () => {
  const body = { model: 'demo-chat', stream: true, messages: HELLO };
  const answer = await begin(provider.url, { body, attemptId: 'slow.1', fault: 'tokens=3000000' });
  await new Promise((resolve) => answer.once('readable', resolve));
  const generated = await settledOutput('slow.1');
  expect(generated).toBeLessThan(1_000_000);
  answer.destroy();
  await endedAttempt(provider.url, 'slow.1');
});

/** The output of an open attempt once it has stopped growing. */
async function settledOutput(attemptId: string): Promise<number> {
  for (let before = -1; ; ) {
    const now = outputOf((await meter(provider.url))[attemptId]?.usage);
    if (now === before && now > 0) return now;
    before = now;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test('an attempt that was refused is not metered', async () => {
  const refused: readonly Call[] = [
    { body: { model: 'demo-chat', messages: HELLO }, attemptId: 'refused-fault.1', fault: 'status=503' },
    { body: { model: 'demo-chat', messages: HELLO }, attemptId: 'refused-quota.1', fault: 'quota' },
    { body: { model: 'demo-chat', messages: HELLO }, attemptId: 'refused-first.1', fault: 'error-first' },
    { body: { model: 'demo-chat', messages: HELLO }, attemptId: 'refused-key.1', apiKey: 'sk-other' },
    { body: { model: 'no-such', messages: HELLO }, attemptId: 'refused-model.1' },
    { body: { model: 'demo-chat', messages: [] }, attemptId: 'refused-body.1' },
  ];
  for (const call of refused) await send(provider.url, call);
  const attempts = Object.keys(await meter(provider.url));
  expect(attempts.filter((attemptId) => attemptId.startsWith('refused'))).toEqual([]);
});

test('an attempt id that is sent twice is metered twice', async () => {
  const call = { body: { model: 'demo-chat', messages: HELLO }, attemptId: 'twice.1' };
  await send(provider.url, call);
  const once = await endedAttempt(provider.url, 'twice.1');
  await send(provider.url, call);
  let twice = once;
  while (twice.usage.output === once.usage.output) twice = await endedAttempt(provider.url, 'twice.1');
  expect(twice.usage.output).toBe(2 * once.usage.output);
  expect(twice.usage.input + twice.usage.cachedInput).toBe(2 * (once.usage.input + once.usage.cachedInput));
});

test('requests without an attempt id are metered under one of our own', async () => {
  await send(provider.url, { body: { model: 'demo-chat', messages: HELLO } });
  expect(Object.keys(await meter(provider.url)).some((attemptId) => attemptId.startsWith('direct-'))).toBe(true);
});
