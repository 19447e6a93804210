// Killed in the middle, the demo provider has metered at least what its clients received: else a kill would look like a false
// charge.
import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { until } from '../support/until.ts';
import { begin, eventsIn, exportPage, HELLO, meter, send } from './demo-client.ts';

const MAIN = join(import.meta.dirname, '../support/demo-provider/main.ts');

interface ProviderProcess {
  readonly url: string;
  readonly child: ChildProcess;
  readonly stdout: () => string;
}

let dataDir: string;
let started: ChildProcess[];
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'demo-provider-'));
  started = [];
});
afterEach(async () => {
  for (const child of started) child.kill('SIGKILL');
  await rm(dataDir, { recursive: true });
});

async function startProcess(): Promise<ProviderProcess> {
  const env = { ...process.env, DEMO_DATA_DIR: dataDir, PORT: '0' };
  const child = spawn(process.execPath, [MAIN], { env, stdio: ['ignore', 'pipe', 'ignore'] });
  started.push(child);
  let stdout = '';
  await new Promise<void>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the demo provider ended with ${code}`)));
    child.stdout.on('data', (chunk) => {
      stdout += String(chunk);
      if (stdout.endsWith('\n')) resolve();
    });
  });
  return { url: stdout.trim().split(' ').at(-1) ?? '', child, stdout: () => stdout };
}

async function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  const exit = new Promise<number | null>((resolve) => child.once('exit', resolve));
  child.kill(signal);
  return exit;
}

interface TextEvent {
  readonly type?: string;
  readonly choices?: readonly { readonly delta: { readonly content?: string } }[];
  readonly delta?: { readonly text?: string } | string;
}

/** A stream that is read until the connection breaks; says how many bytes of text have come so far. */
function reading(
  url: string,
  path: string,
  body: object,
  attemptId: string,
): { given: () => number; over: Promise<void> } {
  let received = '';
  const over = (async () => {
    const answer = await begin(url, { path, body, attemptId, fault: 'tokens=100000,chunk-delay=1' });
    answer.on('data', (chunk) => {
      received += String(chunk);
    });
    answer.on('error', () => {});
    await new Promise((resolve) => answer.on('close', resolve));
  })();
  return { given: () => Buffer.byteLength(textIn(received)), over };
}

function textIn(received: string): string {
  const whole = received.slice(0, received.lastIndexOf('\n') + 1);
  const lastEvent = Math.max(whole.lastIndexOf('\n\n'), whole.lastIndexOf('\r\n\r\n'));
  return eventsIn<TextEvent>(whole.slice(0, lastEvent + 1))
    .map((event) => {
      if (typeof event.delta === 'string') return event.delta;
      return event.delta?.text ?? event.choices?.[0]?.delta.content ?? '';
    })
    .join('');
}

const STREAMS = [
  { path: '/v1/chat/completions', body: { model: 'demo-chat', stream: true, messages: HELLO } },
  { path: '/v1/messages', body: { model: 'demo-claude', stream: true, max_tokens: 30_000, messages: HELLO } },
  { path: '/v1/responses', body: { model: 'demo-chat', stream: true, input: 'hello world!' } },
] as const;

test('killed with -9 in mid stream, it has metered at least what its clients received, and says so after a restart', async () => {
  const first = await startProcess();
  const streams = Array.from({ length: 12 }, (_, number) => {
    const { path, body } = STREAMS[number % 3] ?? STREAMS[0];
    return { attemptId: `killed-${number}.1`, ...reading(first.url, path, body, `killed-${number}.1`) };
  });
  await until(() => streams.every(({ given }) => given() >= 400));
  await stop(first.child, 'SIGKILL');
  await Promise.all(streams.map(({ over }) => over));

  const second = await startProcess();
  const attempts = await meter(second.url);
  for (const { attemptId, given } of streams) {
    const attempt = attempts[attemptId];
    expect(attempt?.ended).toBe(true);
    expect((attempt?.usage.output ?? 0) * 4).toBeGreaterThanOrEqual(given());
  }
});

test('a whole answer that was received before a kill -9 is metered to the token', async () => {
  const first = await startProcess();
  const body = { model: 'demo-chat', messages: HELLO };
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, number) => send(first.url, { body, attemptId: `whole-${number}.1` })),
  );
  await stop(first.child, 'SIGKILL');

  const second = await startProcess();
  const attempts = await meter(second.url);
  for (const [number, { text }] of answers.entries()) {
    const attempt = attempts[`whole-${number}.1`];
    expect(attempt?.ended).toBe(true);
    expect(attempt?.usage.output).toBe(JSON.parse(text).usage.completion_tokens);
  }
});

test('a torn last line is dropped at the restart, and what was metered before it stays', async () => {
  const first = await startProcess();
  await send(first.url, { body: { model: 'demo-chat', messages: HELLO }, attemptId: 'before.1' });
  await stop(first.child, 'SIGKILL');
  const path = join(dataDir, 'meter.jsonl');
  appendFileSync(path, '{"call":99,"attemptId":"torn.1","model":"demo-ch');

  const second = await startProcess();
  await send(second.url, { body: { model: 'demo-chat', messages: HELLO }, attemptId: 'after.1' });
  expect(Object.keys(await meter(second.url))).toEqual(['before.1', 'after.1']);
  expect(readFileSync(path, 'utf8')).not.toContain('torn');
});

test('an importer that read on from its cursor over a kill -9 has seen every attempt once', async () => {
  const body = { model: 'demo-chat', messages: HELLO };
  const seen: string[] = [];
  let cursor = '0';
  for (let round = 0; round < 3; round++) {
    const { url, child } = await startProcess();
    for (let number = 0; number < 4; number++) await send(url, { body, attemptId: `round-${round}-${number}.1` });
    const open = reading(url, STREAMS[0].path, STREAMS[0].body, `open-${round}.1`);
    await until(() => open.given() > 0);
    for (let page = await exportPage(url, cursor, 3); page.rows.length > 0; page = await exportPage(url, cursor, 3)) {
      seen.push(...page.rows.map((row) => row.attemptId));
      cursor = page.cursor;
    }
    await stop(child, 'SIGKILL');
    await open.over;
  }
  const { url } = await startProcess();
  const last = await exportPage(url, cursor, 1000);
  seen.push(...last.rows.map((row) => row.attemptId));
  expect(new Set(seen).size).toBe(seen.length);
  expect(seen.toSorted()).toEqual(Object.keys(await meter(url)).toSorted());
});

test('stdout is one line that says where it listens, and TERM ends it with its calls ended', async () => {
  const { url, child, stdout } = await startProcess();
  const open = reading(url, STREAMS[0].path, STREAMS[0].body, 'open.1');
  await until(() => open.given() > 0);
  expect(await stop(child, 'SIGTERM')).toBe(0);
  await open.over;
  expect(stdout()).toMatch(/^demo provider listening on http:\/\/127\.0\.0\.1:\d+\n$/);
  expect(readFileSync(join(dataDir, 'meter.jsonl'), 'utf8').trimEnd().split('\n').at(-1)).toMatch(/"ended":true\}$/);
});
