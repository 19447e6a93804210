// A product of the campaign's own, on ports and folders of its own: PostgreSQL behind a link that can be made bad, Redis, the demo
// provider, and two installations of the gateway that share the database, as two machines behind a load balancer do.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { CrashPoint } from '../../services/platform/crash-points.ts';
import { freePort } from '../support/free-port.ts';
import {
  startThrowawayPostgres,
  type ThrowawayDatabase,
  type ThrowawayPostgres,
} from '../support/throwaway-postgres.ts';
import { redisProgram } from '../support/throwaway-redis.ts';
import { type KeptProcess, ProcessYard } from './process-yard.ts';
import { openSlowLink, type SlowLink } from './slow-link.ts';

const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url));
const READY_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 100;

export interface Product {
  readonly folder: string;
  readonly postgres: ThrowawayPostgres;
  /** Straight to PostgreSQL, past the link. */
  readonly database: ThrowawayDatabase;
  readonly link: SlowLink;
  readonly redis: KeptProcess;
  readonly redisUrl: string;
  readonly demo: KeptProcess;
  readonly demoUrl: string;
  readonly installations: readonly Installation[];
  readonly adminToken: string;
  /** Crash points that were passed: one JSON line {point, pid, atMs} each. */
  readonly crashLog: string;
  readonly endpointsFile: string;
  close(): Promise<void>;
}

export interface Installation {
  readonly url: string;
  readonly process: KeptProcess;
  /** What its gateways die of from the next start on. */
  armed: { readonly [P in CrashPoint]?: number };
}

export async function startProduct(gatewayProcesses: number): Promise<Product> {
  await using stack = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-chaos-'));
  mkdirSync(join(folder, 'journal'));
  const postgres = stack.adopt(await startThrowawayPostgres(), (one) => one.stop());
  const database = await postgres.createDatabase();
  const { hostname: host, port } = new URL(database.url);
  const link = stack.adopt(await openSlowLink({ host, port: Number(port) }), (one) => one.close());
  const yard = stack.adopt(new ProcessYard(folder), (one) => one.close());

  const redisPort = await freePort();
  const redisUrl = `redis://127.0.0.1:${redisPort}`;
  const redis = yard.keep({
    ...at('redis', redisProgram()),
    args: redisArguments(folder, redisPort),
    env: () => process.env,
  });
  const demoPort = await freePort();
  const demo = yard.keep({
    ...at('demo', process.execPath),
    args: [join(CHECKOUT, 'test/support/demo-provider/main.ts')],
    env: () => ({ ...process.env, PORT: String(demoPort), DEMO_DATA_DIR: join(folder, 'demo') }),
  });
  const demoUrl = `http://127.0.0.1:${demoPort}`;
  await answers(`${demoUrl}/livez`);

  const site = {
    folder,
    gatewayProcesses,
    adminToken: `chaos-${randomBytes(32).toString('hex')}`,
    crashLog: join(folder, 'crashes.jsonl'),
  };
  writeFileSync(site.crashLog, '');
  const environment = environmentOf(site, database, link, redisUrl);
  const installations = [await install(yard, 'api-a', environment), await install(yard, 'api-b', environment)];
  const endpointsFile = join(folder, 'endpoints.json');
  writeFileSync(
    endpointsFile,
    JSON.stringify({ postgresUrl: database.urlFor('readonly'), demoMeter: `${demoUrl}/meter` }),
  );

  const belongings = stack.move();
  const { adminToken, crashLog } = site;
  const close = () => belongings.disposeAsync();
  return {
    folder,
    postgres,
    database,
    link,
    redis,
    redisUrl,
    demo,
    demoUrl,
    installations,
    adminToken,
    crashLog,
    endpointsFile,
    close,
  };
}

function at(name: string, command: string) {
  return { name, command, comesBackAfterMs: 300 };
}

/** Nothing of Redis must survive, so nothing is written to disk. */
function redisArguments(folder: string, port: number): string[] {
  return ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder];
}

interface Site {
  readonly folder: string;
  readonly gatewayProcesses: number;
  readonly adminToken: string;
  readonly crashLog: string;
}

function environmentOf(site: Site, database: ThrowawayDatabase, link: SlowLink, redisUrl: string): NodeJS.ProcessEnv {
  const throughLink = (url: string) => Object.assign(new URL(url), { port: String(link.port) }).href;
  return {
    ...process.env,
    NODE_ENV: 'test',
    LOG_LEVEL: 'warn',
    GATEWAY_PROCESSES: String(site.gatewayProcesses),
    DATABASE_URL: throughLink(database.urlFor('gateway')),
    DATABASE_URL_WORKER: throughLink(database.urlFor('worker')),
    DATABASE_URL_MEMBERS: throughLink(database.urlFor('members')),
    REDIS_URL: redisUrl,
    TOLLGATE_ADMIN_TOKEN: site.adminToken,
    TOLLGATE_LINK_SECRET: randomBytes(24).toString('hex'),
    TOLLGATE_MASTER_KEYS: JSON.stringify({ current: 1, keys: { 1: randomBytes(32).toString('base64') } }),
    TOLLGATE_JOURNAL_DIR: join(site.folder, 'journal'),
    TOLLGATE_CRASH_LOG: site.crashLog,
  };
}

async function install(yard: ProcessYard, name: string, environment: NodeJS.ProcessEnv): Promise<Installation> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  let armed: Installation['armed'] = {};
  const kept = yard.keep({
    ...at(name, process.execPath),
    args: ['--disable-warning=ExperimentalWarning', join(CHECKOUT, 'api/main.ts')],
    env: () => ({ ...environment, PORT: String(port), TOLLGATE_CRASH_POINTS: JSON.stringify(armed) }),
  });
  await answers(`${url}/readyz`);
  return {
    url,
    process: kept,
    get armed() {
      return armed;
    },
    set armed(points) {
      armed = points;
    },
  };
}

/** Resolves with the first 200. */
export async function answers(url: string): Promise<void> {
  const deadlineMs = performance.now() + READY_WITHIN_MS;
  for (let last = 'nothing'; ; await wait(LOOK_EVERY_MS)) {
    try {
      const { status } = await fetch(url, { signal: AbortSignal.timeout(2_000) });
      if (status === 200) return;
      last = String(status);
    } catch (error) {
      last = error instanceof Error ? error.message : String(error);
    }
    if (performance.now() > deadlineMs) throw new Error(`${url} does not answer 200 but ${last}`);
  }
}

/** Commit of the checkout, or how it is not one yet; a campaign is repeated from what it prints. */
export function versionOfCheckout(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
      cwd: CHECKOUT,
      encoding: 'utf8',
      stdio: 'pipe',
    }).trim();
  } catch {
    return 'no commit';
  }
}
