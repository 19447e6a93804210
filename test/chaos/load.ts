// The load of a campaign: every surface, half of it streamed, with the faults of real providers and clients that hang up.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { AnswerLine } from '../support/load-driver/exchange.ts';
import type { LoadPlan, NewCredential } from '../support/load-driver/plan.ts';

const DRIVER = fileURLToPath(new URL('../support/load-driver/main.ts', import.meta.url));
const ENDLESS = 1_000_000_000;
const LOOK_EVERY_MS = 200;
const ENOUGH_WITHIN_MS = 20_000;

// `first`: the next attempt is answered, so the client must not notice. The others are the client's to see.
const FAULTS: LoadPlan['faults'] = [
  { spec: '', weight: 18 },
  { spec: 'chunk-delay=4', weight: 8 },
  // Providers take their time. Without it a gateway that has just started answers before it has requests enough to be killed among.
  { spec: 'latency=200,jitter=800', weight: 48 },
  { spec: 'status=503,first', weight: 4 },
  { spec: 'error-first,first', weight: 2 },
  { spec: 'empty,first', weight: 1 },
  { spec: 'garbage,first', weight: 1 },
  { spec: 'no-usage', weight: 6 },
  { spec: 'null-usage', weight: 2 },
  { spec: 'cut=1500', weight: 3 },
  { spec: 'end=1200', weight: 1 },
  { spec: 'error-mid', weight: 2 },
  { spec: 'no-done', weight: 1 },
  { spec: 'wrong-length', weight: 1 },
  { spec: 'status=400', weight: 1 },
  { spec: 'absurd-usage=huge', weight: 1 },
];

const CHAT_SURFACES = ['chat', 'chat', 'completions', 'responses', 'messages'] as const;

/** The load driver while it runs. */
export class Load {
  readonly logFile: string;
  readonly #driver: ChildProcess;
  #inFlight = 0;

  /** `folder`: where its plan is written. */
  constructor(plan: LoadPlan, folder: string) {
    const planFile = join(folder, 'plan.json');
    writeFileSync(planFile, JSON.stringify(plan));
    writeFileSync(plan.logFile, '');
    this.logFile = plan.logFile;
    this.#driver = spawn(process.execPath, [DRIVER, '--plan', planFile], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.#driver.on('message', (report: { readonly inFlight: number }) => {
      this.#inFlight = report.inFlight;
    });
  }

  answers(): AnswerLine[] {
    const lines = readFileSync(this.logFile, 'utf8').split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line) as AnswerLine);
  }

  async answered(requests: number): Promise<void> {
    while (this.answers().length < requests) await wait(LOOK_EVERY_MS);
  }

  /** A blow that hits nobody proves nothing: it waits until so many requests are under way. */
  async inFlight(requests: number): Promise<void> {
    const deadlineMs = performance.now() + ENOUGH_WITHIN_MS;
    while (this.#inFlight < requests && performance.now() < deadlineMs) await wait(LOOK_EVERY_MS / 10);
  }

  replaceCredential(told: NewCredential): void {
    if (this.#driver.connected) this.#driver.send(told);
  }

  async stop(): Promise<void> {
    this.#driver.kill('SIGTERM');
    if (this.#driver.exitCode === null) await once(this.#driver, 'exit');
  }
}

export interface WantedLoad {
  readonly apis: readonly string[];
  readonly apiKeys: LoadPlan['apiKeys'];
  readonly concurrency: number;
  readonly seed: number;
  readonly logFile: string;
  readonly faults?: LoadPlan['faults'];
}

/** Every surface of the demo provider, and as many faults as real ones have, where no others are wanted. */
export function loadPlan({ apis, apiKeys, concurrency, seed, logFile, faults = FAULTS }: WantedLoad): LoadPlan {
  return {
    apiBaseUrls: apis.map((url) => `${url}/v1`),
    apiKeys,
    models: [
      { id: 'demo-chat', weight: 40, surfaces: CHAT_SURFACES },
      { id: 'demo-mini', weight: 25, surfaces: CHAT_SURFACES },
      { id: 'demo-reasoner', weight: 10, surfaces: CHAT_SURFACES },
      { id: 'demo-claude', weight: 15, surfaces: ['messages', 'chat'] },
      { id: 'demo-embed', weight: 10, surfaces: ['embeddings'] },
    ],
    streamedPercent: 56,
    faults,
    abortPercent: 5,
    concurrency,
    totalRequests: ENDLESS,
    seed,
    timeoutMs: 15_000,
    logFile,
  };
}
