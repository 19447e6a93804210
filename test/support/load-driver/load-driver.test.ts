// The load driver against the demo provider itself: what it logs is what really came.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type DemoProvider, startDemoProvider } from '../demo-provider/server.ts';
import type { AnswerLine } from './exchange.ts';
import { type LoadPlan, plannedRequest, SURFACES } from './plan.ts';

const BYTES_PER_TOKEN = 4;

let folder: string;
let provider: DemoProvider;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'load-driver-'));
  provider = await startDemoProvider({ port: 0, dataDir: folder });
});
afterAll(async () => {
  await provider.close();
  rmSync(folder, { recursive: true });
});

test('the content that clients count is what the provider metered, on every surface', async () => {
  const lines = await drive({ seed: 1, totalRequests: 80 });

  expect(lines).toHaveLength(80);
  expect(lines.filter(({ terminatorSeen, errorCode }) => !terminatorSeen || errorCode !== null)).toEqual([]);
  expect(new Set(lines.map(({ surface }) => surface))).toEqual(new Set(SURFACES));
  expect(sum(lines, ({ contentBytes }) => contentBytes)).toBe((await outputTokens()) * BYTES_PER_TOKEN);
});

test('an answer that is cut off has no end, whether it was streamed or not', async () => {
  const lines = await drive({ seed: 2, totalRequests: 20, faults: [{ spec: 'cut=120', weight: 1 }] });

  expect(lines.filter(({ terminatorSeen, errorCode }) => terminatorSeen || errorCode === null)).toEqual([]);
});

test('an error answer is logged with its status and code', async () => {
  const faults = [{ spec: 'status=429', weight: 1 }];
  const [line] = await drive({ seed: 3, totalRequests: 1, faults, models: [chatModel(['chat'])] });

  expect(line).toMatchObject({
    status: 429,
    errorCode: 'rate_limit_exceeded',
    faultAsked: 'status=429',
    terminatorSeen: true,
  });
});

test('a client that hangs up says so and saw no end', async () => {
  const lines = await drive({
    seed: 4,
    totalRequests: 40,
    abortPercent: 100,
    faults: [{ spec: 'drip=20', weight: 1 }],
  });

  const left = lines.filter(({ abortedByClient }) => abortedByClient);
  expect(left.length).toBeGreaterThan(10);
  expect(left.filter(({ terminatorSeen }) => terminatorSeen)).toEqual([]);
});

test('told to stop, it finishes what is under way and begins nothing new', async () => {
  const plan = planFor({ seed: 5, totalRequests: 1_000_000, concurrency: 4 });
  const driver = start(plan);
  await waitForLine(plan.logFile);
  driver.kill('SIGTERM');
  await ended(driver);

  expect(linesOf(plan.logFile).every(({ terminatorSeen }) => terminatorSeen)).toBe(true);
});

test('the same seed and index make the same request', () => {
  const plan = planFor({ seed: 6, faults: [{ spec: 'p=0.5,status=500', weight: 1 }] });
  const prompts = (seed: number) => [0, 1, 2].map((index) => plannedRequest({ ...plan, seed }, index).prompt);

  expect(prompts(6)).toEqual(prompts(6));
  expect(prompts(7)).not.toEqual(prompts(6));
  expect(new Set(prompts(6)).size).toBe(3);
});

async function drive(wishes: Partial<LoadPlan>): Promise<AnswerLine[]> {
  const plan = planFor(wishes);
  await ended(start(plan));
  return linesOf(plan.logFile);
}

function planFor(wishes: Partial<LoadPlan>): LoadPlan {
  const embeddings = { id: 'demo-embed', weight: 1, surfaces: ['embeddings'] } as const;
  return {
    apiBaseUrls: [`${provider.url}/v1`],
    apiKeys: [{ credential: 'demo-key', weight: 1 }],
    models: [chatModel(['chat', 'completions', 'messages', 'responses']), embeddings],
    streamedPercent: 50,
    faults: [{ spec: '', weight: 1 }],
    abortPercent: 0,
    concurrency: 10,
    totalRequests: 10,
    seed: 1,
    timeoutMs: 20_000,
    logFile: join(folder, `answers-${wishes.seed}.jsonl`),
    ...wishes,
  };
}

function chatModel(surfaces: LoadPlan['models'][number]['surfaces']) {
  return { id: 'demo-chat', weight: 4, surfaces };
}

function start(plan: LoadPlan): ChildProcess {
  const planFile = `${plan.logFile}.plan`;
  writeFileSync(planFile, JSON.stringify(plan));
  writeFileSync(plan.logFile, '');
  const program = fileURLToPath(new URL('main.ts', import.meta.url));
  return spawn(process.execPath, [program, '--plan', planFile], { stdio: ['ignore', 'ignore', 'inherit'] });
}

async function ended(driver: ChildProcess): Promise<void> {
  if (driver.exitCode === null) await once(driver, 'exit');
  expect(driver.exitCode).toBe(0);
}

async function waitForLine(file: string): Promise<void> {
  while (readFileSync(file, 'utf8') === '') await new Promise((resolve) => setImmediate(resolve));
}

function linesOf(file: string): AnswerLine[] {
  return readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as AnswerLine);
}

async function outputTokens(): Promise<number> {
  const { attempts }: { attempts: Record<string, { usage: { output: number; reasoning: number } }> } = JSON.parse(
    await (await fetch(`${provider.url}/meter`)).text(),
  );
  return sum(Object.values(attempts), ({ usage }) => usage.output + usage.reasoning);
}

function sum<Row>(rows: readonly Row[], amountOf: (row: Row) => number): number {
  return rows.reduce((total, row) => total + amountOf(row), 0);
}
