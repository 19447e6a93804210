// The smoke test: requests over every surface and model, streamed and plain, one of them failing over, a pack of credit bought through Stripe's
// page, three months of plans and debts, then a proof of the ledger through Temporal and the oracle's verdict on all the money.
// It fails on a request that fails, on a part that died meanwhile, and on a difference of 1 nano-USD;
// not on what the people of this installation sold at prices of their own (D21).
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { formatUsd } from '../domain/nano.ts';
import { DEMO_MODELS } from '../test/support/demo-provider/catalogue.ts';
import { type CustomerCall, makeBilledRequest } from './billed-request.ts';
import { buyPack } from './buying.ts';
import type { Endpoints } from './endpoints.ts';
import type { Installation } from './installation.ts';
import type { Launch } from './parts/home.ts';
import { liveThroughMonths } from './smoke-billing.ts';
import { reconcileOnce } from './smoke-reconciliation.ts';
import { Staff } from './staff.ts';

export interface SmokeVerdict {
  /** Null when all is well. */
  readonly problem: string | null;
  readonly requests: number;
}

/** The first attempt meets an error of the demo provider; what the customer sees is the second. */
const FAILS_FIRST = '[[demo:status=503,first]]';

export async function smokeTest(
  launch: Launch,
  { endpoints, restarted }: Installation,
  endpointsFile: string,
): Promise<SmokeVerdict> {
  const calls = callsFor(endpoints.models);
  for (const call of calls) {
    launch.interrupted.throwIfAborted();
    const { status, attempts, charge } = await makeBilledRequest(endpoints, call);
    launch.say('request', `${call.name}: ${status}, attempts: ${attempts}, charged ${formatUsd(charge)} USD`);
    if (attempts < (call.name.startsWith('failing over') ? 2 : 1)) {
      return { problem: `${call.name}: ${attempts} attempts on the receipt`, requests: calls.length };
    }
  }
  await proveBuying(launch, endpoints);
  await liveThroughMonths(launch, endpoints);
  const finding = (await reconcileOnce(launch, endpoints)) ?? (await askOracle(launch, endpointsFile));
  const died = restarted();
  const problem = died.length === 0 ? finding : `${died.join(', ')} died and was started again`;
  return { problem, requests: calls.length };
}

async function proveBuying(launch: Launch, endpoints: Endpoints): Promise<void> {
  const { creditNano, gainNano } = await buyPack(new Staff(endpoints), 'pack_50');
  if (gainNano !== creditNano) throw new Error(`a pack of ${creditNano} nano-USD brought ${gainNano}`);
  launch.say('payment', `a pack bought: ${formatUsd(creditNano)} USD of credit`);
}

function callsFor(sold: readonly string[]): CustomerCall[] {
  const models = DEMO_MODELS.filter(({ id }) => sold.includes(id));
  const chatModels = models.filter(({ kind }) => kind === 'chat').map(({ id }) => id);
  const embeddingModels = models.filter(({ kind }) => kind === 'embedding').map(({ id }) => id);
  const [first = '', ...others] = chatModels;
  const last = others.at(-1) ?? first;
  return [
    ...chatModels.flatMap((modelId) => [chat(modelId, true, 'chat'), chat(modelId, false, 'chat')]),
    chat(first, true, 'failing over', FAILS_FIRST),
    chat(first, false, 'failing over', FAILS_FIRST),
    ...[last, first].flatMap((modelId) => [messages(modelId, true), messages(modelId, false)]),
    ...[first, last].flatMap((modelId) => [responses(modelId, true), responses(modelId, false)]),
    ...embeddingModels.flatMap((modelId) => [embedding(modelId, 'one text'), embedding(modelId, ['two', 'texts'])]),
  ];
}

function nameOf(surface: string, modelId: string, stream: boolean): string {
  return `${surface}, ${stream ? 'streamed' : 'plain'}, ${modelId}`;
}

function chat(modelId: string, stream: boolean, surface: string, words = 'Tell me about tolls.'): CustomerCall {
  const body = { model: modelId, stream, messages: [{ role: 'user', content: words }] };
  return { name: nameOf(surface, modelId, stream), path: '/chat/completions', body };
}

function messages(modelId: string, stream: boolean): CustomerCall {
  const body = {
    model: modelId,
    stream,
    max_tokens: 200,
    messages: [{ role: 'user', content: 'Tell me about gates.' }],
  };
  return { name: nameOf('messages', modelId, stream), path: '/messages', body };
}

function responses(modelId: string, stream: boolean): CustomerCall {
  const body = { model: modelId, stream, input: 'Tell me about roads.' };
  return { name: nameOf('responses', modelId, stream), path: '/responses', body };
}

function embedding(modelId: string, input: string | string[]): CustomerCall {
  return { name: nameOf('embeddings', modelId, false), path: '/embeddings', body: { model: modelId, input } };
}

/** Null when it found nothing, and saw every error that it planted in a copy of the data to prove that it sees. */
async function askOracle(launch: Launch, endpointsFile: string): Promise<string | null> {
  const program = join(launch.checkout, 'test/oracle/main.ts');
  const oracle = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', program, '--endpoints', endpointsFile, '--prove'],
    { stdio: ['ignore', 'pipe', 'inherit'], signal: launch.interrupted },
  );
  const ended = once(oracle, 'close');
  let verdict = '';
  for await (const line of createInterface(oracle.stdout)) {
    launch.say('oracle', line.replace(/^oracle: /, ''));
    verdict = line;
  }
  const [code] = await ended;
  if (code === 0 && /difference 0 nano-USD$/.test(verdict)) return null;
  return code === 0 ? `the oracle gave no verdict: ${verdict}` : `the oracle found errors (exit ${code}): ${verdict}`;
}
