// The parts that campaigns of processes have in common, each kept as a service manager would keep it: a neighbour of ours comes back after
// seconds, so that whoever needs it meanwhile finds nobody.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { homeFolder } from '../../scripts/parts/home.ts';
import { declareSearchAttributes, TEMPORAL_NAMESPACE } from '../../scripts/parts/temporal.ts';
import { findOrFetch, TEMPORAL } from '../../scripts/parts/temporal-programs.ts';
import { WORKER_ALLOCATOR, WORKER_V8_FLAGS } from '../../workers/worker-flags.ts';
import { SEARCH_ATTRIBUTES } from '../../workflows/contracts/search-attributes.ts';
import { freePort } from '../support/free-port.ts';
import type { KeptProcess, ProcessYard, Service } from './process-yard.ts';
import { answers } from './product.ts';

const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url));
const OURS_AWAY_MS = 300;
export const NEIGHBOUR_AWAY_MS = 2_500;

export interface Yard {
  readonly folder: string;
  readonly yard: ProcessYard;
}

export interface Served {
  /** Temporal's is host:port. */
  readonly url: string;
  readonly process: KeptProcess;
}

export interface ServedWorker extends Served {
  /** What its part of Temporal's SDK is at. */
  readonly sdkMetrics: string;
}

/** A program of this checkout. */
export function ours(
  name: string,
  file: string,
  env: NodeJS.ProcessEnv,
  comesBackAfterMs: number = OURS_AWAY_MS,
): Service {
  return {
    name,
    command: process.execPath,
    args: ['--disable-warning=ExperimentalWarning', join(CHECKOUT, file)],
    env: () => ({ PATH: process.env.PATH, TZ: 'UTC', NODE_ENV: 'test', LOG_LEVEL: 'info', ...env }),
    comesBackAfterMs,
  };
}

/** `comesBackAfterMs`: where it is killed, too. */
export async function startDemoProvider({ folder, yard }: Yard, comesBackAfterMs?: number): Promise<Served> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const env = { PORT: String(port), DEMO_DATA_DIR: join(folder, 'demo') };
  const process = yard.keep(ours('demo', 'test/support/demo-provider/main.ts', env, comesBackAfterMs));
  await answers(`${url}/livez`);
  return { url, process };
}

export async function startDevServer({ folder, yard }: Yard): Promise<Served> {
  const interrupted = new AbortController().signal;
  const { file } = await findOrFetch(TEMPORAL, { ...homeFolder(), say: () => undefined, interrupted });
  const port = await freePort();
  const settings = {
    ip: '127.0.0.1',
    port,
    namespace: TEMPORAL_NAMESPACE,
    'db-filename': join(folder, 'temporal.sqlite'),
    'log-level': 'warn',
  };
  const args = [
    'server',
    'start-dev',
    '--headless',
    '--dynamic-config-value',
    'frontend.enableServerVersionCheck=false',
  ];
  const process = yard.keep({
    name: 'temporal',
    command: file,
    args: [...args, ...Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)])],
    env: () => ({ PATH: globalThis.process.env.PATH, TZ: 'UTC' }),
    comesBackAfterMs: NEIGHBOUR_AWAY_MS,
  });
  const url = `127.0.0.1:${port}`;
  await untilDone(() => declareSearchAttributes(url, SEARCH_ATTRIBUTES));
  return { url, process };
}

/** A server that has just begun to listen does not know its namespace yet. */
async function untilDone(work: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (tries === 60) throw error;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
}

export async function startWorker(
  { yard }: Pick<Yard, 'yard'>,
  name: string,
  environment: NodeJS.ProcessEnv,
): Promise<ServedWorker> {
  const [port, sdkPort] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${port}`;
  const ports = { WORKER_PORT: String(port), WORKER_SDK_METRICS_PORT: String(sdkPort) };
  const program = ours(name, 'workers/main.ts', { ...environment, ...WORKER_ALLOCATOR, ...ports });
  const process = yard.keep({ ...program, args: [...WORKER_V8_FLAGS, ...program.args] });
  await answers(`${url}/readyz`);
  return { url, process, sdkMetrics: `http://127.0.0.1:${sdkPort}/metrics` };
}
