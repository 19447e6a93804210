// workers/main.ts as production starts it, for a test's own Temporal and PostgreSQL. It says what it logged, and dies as told.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { PayloadCodec } from '../../services/vault/payload-codec.ts';
import { parseKeyring } from '../../services/vault/vault.ts';
import { WORKER_ALLOCATOR, WORKER_V8_FLAGS } from '../../workers/worker-flags.ts';
import { freePort } from './free-port.ts';
import { workflowBundle } from './workflow-bundle.ts';

const PROGRAM = fileURLToPath(new URL('../../workers/main.ts', import.meta.url));

/** One keyring for all workers of a test file. */
const KEYRING = JSON.stringify({ current: 1, keys: { 1: randomBytes(32).toString('base64') } });
/** The master keys of workers that no gateway belongs to. */
const MASTER_KEYS = JSON.stringify({ current: 1, keys: { 1: randomBytes(32).toString('base64') } });
export const WORKERS_ADMIN_TOKEN = randomBytes(24).toString('hex');
export const workersCodec = new PayloadCodec(parseKeyring('Payload', KEYRING));

export interface WorkerProcess {
  /** http://127.0.0.1:<port> */
  readonly url: string;
  readonly sdkMetricsUrl: string;
  readonly child: ChildProcess;
  /** Its log so far. */
  readonly output: readonly string[];
  /** 503 with the reasons until it takes work. */
  readiness(): Promise<number>;
  ready(): Promise<void>;
  /** SIGTERM; its exit code. */
  stop(): Promise<number | null>;
}

function mailThrough(smtpUrl: string): Record<string, string> {
  return {
    SMTP_URL: smtpUrl,
    MAIL_FROM: 'Tollgate <billing@tollgate.example>',
    MAIL_STAFF: 'staff@tollgate.example',
    TOLLGATE_PUBLIC_URL: 'https://tollgate.example',
  };
}

export async function startWorkerProcess(place: {
  readonly temporalAddress: string;
  readonly namespace: string;
  readonly databaseUrl: string;
  /** Without it mails are not sent. */
  readonly smtpUrl?: string;
  readonly environment?: Readonly<Record<string, string>>;
}): Promise<WorkerProcess> {
  const [port, sdkMetricsPort] = [await freePort(), await freePort()];
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...WORKER_V8_FLAGS, PROGRAM], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      PATH: process.env.PATH,
      TZ: 'UTC',
      ...WORKER_ALLOCATOR,
      WORKER_PORT: String(port),
      WORKER_SDK_METRICS_PORT: String(sdkMetricsPort),
      DATABASE_URL_WORKER: place.databaseUrl,
      TEMPORAL_ADDRESS: place.temporalAddress,
      TEMPORAL_NAMESPACE: place.namespace,
      TOLLGATE_ADMIN_TOKEN: WORKERS_ADMIN_TOKEN,
      TOLLGATE_LINK_SECRET: randomBytes(24).toString('hex'),
      TOLLGATE_PAYLOAD_KEYS: KEYRING,
      TOLLGATE_MASTER_KEYS: MASTER_KEYS,
      TOLLGATE_WORKFLOW_BUNDLE: await workflowBundle(),
      ...(place.smtpUrl === undefined ? {} : mailThrough(place.smtpUrl)),
      ...place.environment,
    },
  });
  const output: string[] = [];
  child.stdout.setEncoding('utf8').on('data', (text: string) => output.push(text));
  const url = `http://127.0.0.1:${port}`;
  const readiness = async () => (await fetch(`${url}/readyz`).catch(() => null))?.status ?? 0;
  return {
    url,
    sdkMetricsUrl: `http://127.0.0.1:${sdkMetricsPort}/metrics`,
    child,
    output,
    readiness,
    async ready() {
      while ((await readiness()) !== 200) {
        if (child.exitCode !== null) throw new Error(`the worker ended with ${child.exitCode}: ${output.join('')}`);
        await wait(50);
      }
    },
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        const gone = once(child, 'exit');
        child.kill('SIGTERM');
        await gone;
      }
      return child.exitCode;
    },
  };
}
