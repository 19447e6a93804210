// The chaos campaign believes that a fault it asked for happened. Each fault model is shown to do what it says, at the byte.
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { parseFault } from '../support/demo-provider/fault-grammar.ts';
import {
  begin,
  type Call,
  endedAttempt,
  eventsIn,
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

const WHOLE = { model: 'demo-chat', messages: HELLO };
const STREAM = { ...WHOLE, stream: true, stream_options: { include_usage: true } };
const SURFACES: readonly Call[] = [
  { path: '/v1/chat/completions', body: STREAM },
  { path: '/v1/chat/completions', body: WHOLE },
  { path: '/v1/completions', body: { model: 'demo-mini', prompt: 'hello', stream: true } },
  { path: '/v1/messages', body: { model: 'demo-claude', max_tokens: 300, messages: HELLO, stream: true } },
  { path: '/v1/messages', body: { model: 'demo-claude', max_tokens: 300, messages: HELLO } },
  { path: '/v1/responses', body: { model: 'demo-chat', input: 'hello', stream: true } },
  { path: '/v1/responses', body: { model: 'demo-chat', input: 'hello' } },
  { path: '/v1/embeddings', body: { model: 'demo-embed', input: 'hello' } },
];
const STREAMS = SURFACES.filter(({ body }) => 'stream' in body);

test('a fault can be asked for by header, by key, in the prompt, or set for a key prefix and cleared again', async () => {
  const inPrompt = { model: 'demo-chat', messages: [{ role: 'user', content: 'please [[demo:status=503]] "now"' }] };
  expect((await send(provider.url, { body: WHOLE, fault: 'status=500' })).status).toBe(500);
  expect((await send(provider.url, { body: WHOLE, apiKey: 'demo-a~status=502' })).status).toBe(502);
  expect((await send(provider.url, { body: inPrompt })).status).toBe(503);

  await setKeyFault('demo-east', 'status=529');
  await setKeyFault('demo-east-2', 'status=404');
  expect((await send(provider.url, { body: WHOLE, apiKey: 'demo-east-1' })).status).toBe(529);
  expect((await send(provider.url, { body: WHOLE, apiKey: 'demo-east-2' })).status).toBe(404);
  expect((await send(provider.url, { body: WHOLE, apiKey: 'demo-west' })).status).toBe(200);
  await setKeyFault('demo-east', null);
  expect((await send(provider.url, { body: WHOLE, apiKey: 'demo-east-1' })).status).toBe(200);
});

async function setKeyFault(keyPrefix: string, spec: string | null): Promise<number> {
  const body = JSON.stringify({ keyPrefix, spec });
  return (await fetch(`${provider.url}/_demo/faults`, { method: 'POST', body })).status;
}

test('a misspelled fault is refused wherever it stands: it never silently does nothing', async () => {
  const answer = await send(provider.url, { body: WHOLE, fault: 'statsu=500' });
  expect(answer.status).toBe(400);
  expect(answer.text).toContain('statsu');
  for (const spec of ['status=418', 'cut', 'cut=-1', 'absurd-usage=odd', 'p=2', 'latency=soon', 'constructor']) {
    expect(() => parseFault(spec)).toThrow(RangeError);
    expect(await setKeyFault('demo-x', spec)).toBe(400);
  }
  expect(await setKeyFault('sk-x', 'empty')).toBe(400);
});

test('a date in retry-after keeps its comma', () => {
  const { effect } = parseFault('status=429, retry-after=Wed, 21 Oct 2026 07:28:00 GMT,jitter=3');
  expect(effect).toEqual({ status: 429, retryAfter: 'Wed, 21 Oct 2026 07:28:00 GMT', jitterMs: 3 });
});

test('first: only the first attempt of a request meets the fault, so that a failover succeeds', async () => {
  const fault = 'status=500,first';
  expect((await send(provider.url, { body: WHOLE, fault, attemptId: 'req.1' })).status).toBe(500);
  expect((await send(provider.url, { body: WHOLE, fault, attemptId: 'req.2' })).status).toBe(200);
});

test('p: a share of the attempts meets the fault, and each of them always', async () => {
  const fault = 'status=500,p=0.3';
  const statuses = async () => {
    const answers = Array.from({ length: 200 }, (_, number) =>
      send(provider.url, { body: WHOLE, fault, attemptId: `share-${number}.1` }),
    );
    return (await Promise.all(answers)).map((answer) => answer.status);
  };
  const once = await statuses();
  const failed = once.filter((status) => status === 500).length;
  expect(failed).toBeGreaterThan(30);
  expect(failed).toBeLessThan(90);
  expect(await statuses()).toEqual(once);
});

test('cut: exactly N body bytes arrive, then the connection breaks', async () => {
  for (const [number, surface] of SURFACES.entries()) {
    for (const afterBytes of [0, 1, 137]) {
      const attemptId = `cut-${number}-${afterBytes}.1`;
      const answer = await send(provider.url, { ...surface, fault: `tokens=200,cut=${afterBytes}`, attemptId });
      expect({ bytes: answer.bytes.length, complete: answer.complete }).toEqual({ bytes: afterBytes, complete: false });
      expect((await endedAttempt(provider.url, attemptId)).usage.input).toBeGreaterThan(0);
    }
  }
});

test('cut: generation stops there, so the meter knows only what was generated', async () => {
  const body = { model: 'demo-chat', stream: true, messages: HELLO };
  await send(provider.url, { body, attemptId: 'cut-early.1', fault: 'tokens=5000,cut=2000' });
  const { usage } = await endedAttempt(provider.url, 'cut-early.1');
  expect(usage.output).toBeGreaterThan(0);
  expect(usage.output).toBeLessThan(200);
});

test('end: the body stops after N bytes and looks complete', async () => {
  for (const surface of SURFACES) {
    const answer = await send(provider.url, { ...surface, fault: 'tokens=200,end=150' });
    expect({ bytes: answer.bytes.length, complete: answer.complete }).toEqual({ bytes: 150, complete: true });
  }
});

test('stall: after N bytes nothing more comes, until the client leaves', async () => {
  for (const [number, surface] of STREAMS.entries()) {
    const answer = await begin(provider.url, {
      ...surface,
      fault: 'tokens=200,stall=300',
      attemptId: `stall-${number}.1`,
    });
    let bytes = 0;
    await new Promise<void>((resolve) => {
      answer.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes === 300) resolve();
      });
    });
    expect((await meter(provider.url))[`stall-${number}.1`]?.ended).toBe(false);
    answer.destroy();
    await endedAttempt(provider.url, `stall-${number}.1`);
    expect(bytes).toBe(300);
  }
});

test('wrong-length: the head promises more than ever comes', async () => {
  for (const surface of SURFACES) {
    const answer = await send(provider.url, { ...surface, fault: 'wrong-length' });
    expect(Number(answer.headers['content-length'])).toBeGreaterThan(answer.bytes.length);
    expect(answer.complete).toBe(false);
  }
});

test('garbage: a 200 whose body is nothing, paid for its input alone', async () => {
  for (const [number, surface] of SURFACES.entries()) {
    const attemptId = `garbage-${number}.1`;
    const answer = await send(provider.url, { ...surface, fault: 'garbage', attemptId });
    expect(answer.status).toBe(200);
    expect(() => JSON.parse(answer.text)).toThrow(SyntaxError);
    expect(answer.text).not.toContain('data: {');
    expect((await endedAttempt(provider.url, attemptId)).usage).toMatchObject({ output: 0, input: expect.any(Number) });
  }
});

test('garbage-mid: one broken event in the middle, and the rest of the stream as ever', async () => {
  for (const surface of STREAMS) {
    const call = { ...surface, attemptId: 'broken.1' };
    const { text: plain } = await send(provider.url, { ...call, fault: 'tokens=40' });
    const { text } = await send(provider.url, { ...call, fault: 'tokens=40,garbage-mid' });
    const broken = text.split(/\r?\n/).filter((line) => line === 'data: {"broken":"js');
    expect(broken).toHaveLength(1);
    expect(text.split(/\r?\n\r?\n/).length).toBe(plain.split(/\r?\n\r?\n/).length + 1);
  }
});

test('big-line: one event of more than 1 MB that carries no token', async () => {
  for (const surface of STREAMS) {
    const { text } = await send(provider.url, { ...surface, fault: 'big-line' });
    const lengths = text.split('\n').map((line) => line.length);
    expect(lengths.filter((length) => length > 1_048_576)).toHaveLength(1);
    expect(() => eventsIn(text)).not.toThrow();
  }
});

test('empty: a clean answer without content, and no output on the meter', async () => {
  const { text } = await send(provider.url, { body: WHOLE, fault: 'empty', attemptId: 'empty.1' });
  expect(JSON.parse(text).choices[0]).toMatchObject({ message: { content: '' }, finish_reason: 'stop' });
  expect((await endedAttempt(provider.url, 'empty.1')).usage.output).toBe(0);
  for (const [number, surface] of STREAMS.entries()) {
    const attemptId = `empty-${number}.1`;
    const answer = await send(provider.url, { ...surface, fault: 'empty', attemptId });
    expect(answer.complete).toBe(true);
    expect((await endedAttempt(provider.url, attemptId)).usage.output).toBe(0);
  }
});

test('error-first: a 200 that is an error, and an attempt that costs nothing', async () => {
  for (const [number, surface] of SURFACES.entries()) {
    const attemptId = `error-first-${number}.1`;
    const { status, text } = await send(provider.url, { ...surface, fault: 'error-first', attemptId });
    expect(status).toBe(200);
    const [first] = 'stream' in surface.body ? eventsIn<object>(text) : [JSON.parse(text)];
    expect(JSON.stringify(first)).toMatch(/"(server_error|overloaded_error)"/);
    expect(await meter(provider.url)).not.toHaveProperty([attemptId]);
  }
});

test('error-mid: some content, then the error event of the family, and no end', async () => {
  for (const [number, surface] of STREAMS.entries()) {
    const attemptId = `error-mid-${number}.1`;
    const { text } = await send(provider.url, { ...surface, fault: 'error-mid,tokens=50', attemptId });
    expect(JSON.stringify(eventsIn<object>(text).at(-1))).toMatch(/server_error|overloaded_error/);
    expect(text).not.toMatch(/data: \[DONE\]\s*$|message_stop|response\.completed|"finish_reason": ?"/);
    const { usage } = await endedAttempt(provider.url, attemptId);
    expect(usage.output).toBeGreaterThan(0);
    expect(usage.output).toBeLessThan(50);
  }
});

test('no-usage, null-usage, zero-usage: the answer says it, the meter knows better', async () => {
  const stated = async (fault: string) => JSON.parse((await send(provider.url, { body: WHOLE, fault })).text).usage;
  expect(await stated('no-usage')).toBeUndefined();
  expect(await stated('null-usage')).toBeNull();
  expect(await stated('zero-usage')).toMatchObject({ prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 });
  for (const [number, surface] of SURFACES.entries()) {
    const attemptId = `silent-${number}.1`;
    const { text } = await send(provider.url, { ...surface, fault: 'no-usage', attemptId });
    expect(text).not.toMatch(/[^\\]"usage": ?\{/);
    expect((await endedAttempt(provider.url, attemptId)).usage.input).toBeGreaterThan(0);
  }
});

test('absurd-usage: figures that nobody may bill', async () => {
  const stated = async (kind: string) => {
    const { text } = await send(provider.url, { body: WHOLE, fault: `tokens=8,absurd-usage=${kind}` });
    return JSON.parse(text).usage.completion_tokens;
  };
  expect(await stated('huge')).toBe(1e15);
  expect(await stated('negative')).toBe(-9);
  expect(await stated('fraction')).toBe(8.5);
  expect(await stated('string')).toBe('8');
});

test('no-done: the last event is missing, the connection ends cleanly', async () => {
  for (const surface of STREAMS) {
    const { text, complete } = await send(provider.url, { ...surface, fault: 'no-done' });
    expect(text).not.toMatch(/data: \[DONE\]\s*$|event: message_stop/);
    expect(complete).toBe(true);
  }
});

test('gzip: one valid gzip body, streamed or not, that unpacks to the same answer', async () => {
  for (const surface of SURFACES) {
    const packed = await send(provider.url, { ...surface, fault: 'gzip', attemptId: 'gzip.1' });
    const plain = await send(provider.url, { ...surface, attemptId: 'gzip.1' });
    const same = (text: string) => text.replaceAll(/"created(_at)?": ?\d+/g, '');
    expect(packed.headers['content-encoding']).toBe('gzip');
    expect(same(gunzipSync(packed.bytes).toString())).toBe(same(plain.text));
  }
});

test('drip: one token an event', async () => {
  const { text } = await send(provider.url, { body: STREAM, fault: 'tokens=12,drip=1', attemptId: 'drip.1' });
  const deltas = eventsIn<{ choices: { delta: { content?: string } }[] }>(text)
    .map(({ choices }) => choices[0]?.delta.content ?? '')
    .filter((content) => content !== '');
  expect(deltas).toHaveLength(12);
});

test('tokens: exactly that many output tokens, on every surface that has output', async () => {
  for (const [number, surface] of SURFACES.slice(0, -1).entries()) {
    const attemptId = `exact-${number}.1`;
    await send(provider.url, { ...surface, fault: 'tokens=33', attemptId });
    expect((await endedAttempt(provider.url, attemptId)).usage.output).toBe(33);
  }
});

test('redirect: points at a place that tells whoever followed it', async () => {
  const { status, headers } = await send(provider.url, { body: WHOLE, fault: 'redirect' });
  expect(status).toBe(307);
  expect(await (await fetch(String(headers.location))).json()).toEqual({ followed: true });
});
