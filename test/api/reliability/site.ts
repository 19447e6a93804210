// A place where gateways live and die: PostgreSQL, the demo provider with its meter, a catalogue of one model, and api/main.ts
// started on it as often as a test wants, each time with the environment that the test wants.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Pool } from 'pg';
import { type DemoProvider, startDemoProvider } from '../../support/demo-provider/server.ts';
import {
  startThrowawayPostgres,
  type ThrowawayDatabase,
  type ThrowawayPostgres,
} from '../../support/throwaway-postgres.ts';
import { until } from '../../support/until.ts';

const PROGRAM = fileURLToPath(new URL('../../../api/main.ts', import.meta.url));

export interface Site {
  /** As its processes were given them. */
  readonly masterKeys: string;
  readonly postgres: ThrowawayPostgres;
  readonly database: ThrowawayDatabase;
  /** As superuser. */
  readonly admin: Pool;
  readonly demo: DemoProvider;
  readonly adminToken: string;
  readonly journalDir: string;
  /** Of every installation that is started here: http://127.0.0.1:<port> */
  readonly url: string;
  /** Resolves when it answers /readyz with 200. */
  start(environment?: NodeJS.ProcessEnv): Promise<Installation>;
  /** Another installation on the same database, as on another machine; resolves when it answers. */
  startBeside(environment?: NodeJS.ProcessEnv): Promise<{ readonly url: string }>;
  /** Does not wait. */
  launch(environment?: NodeJS.ProcessEnv): Installation;
  close(): Promise<void>;
}

export interface Installation {
  readonly supervisor: ChildProcess;
  /** Everything that its processes logged. */
  readonly log: string[];
  /** How many lines hold this text. */
  said(text: string): number;
  /** Resolves with the exit code; null: it was killed. */
  readonly ended: Promise<number | null>;
  /** SIGTERM, and the exit code. */
  stop(): Promise<number | null>;
}

export async function openSite(): Promise<Site> {
  const folder = mkdtempSync(join(tmpdir(), 'site-'));
  const postgres = await startThrowawayPostgres();
  const database = await postgres.createDatabase();
  const demo = await startDemoProvider({ port: 0, dataDir: join(folder, 'demo') });
  const admin = new Pool({ connectionString: database.url });
  admin.on('error', () => {}); // tests kill the server
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const adminToken = randomBytes(24).toString('hex');
  const masterKeys = JSON.stringify({ current: 1, keys: { 1: randomBytes(32).toString('base64') } });
  const journalDir = join(folder, 'journal');
  const environment = {
    PATH: process.env.PATH,
    NODE_ENV: 'test',
    PORT: String(port),
    DATABASE_URL: database.urlFor('gateway'),
    DATABASE_URL_WORKER: database.urlFor('worker'),
    DATABASE_URL_MEMBERS: database.urlFor('members'),
    TOLLGATE_ADMIN_TOKEN: adminToken,
    TOLLGATE_LINK_SECRET: randomBytes(24).toString('hex'),
    TOLLGATE_MASTER_KEYS: masterKeys,
    TOLLGATE_JOURNAL_DIR: journalDir,
    LOG_LEVEL: 'info',
  };
  const installations: Installation[] = [];
  const launch = (more: NodeJS.ProcessEnv = {}) => {
    const installation = launchProduct({ ...environment, ...more });
    installations.push(installation);
    return installation;
  };
  return {
    ...{ postgres, database, admin, demo, adminToken, masterKeys, journalDir, url, launch },
    async start(more) {
      const installation = launch(more);
      await ready(url, installation);
      return installation;
    },
    async startBeside(more) {
      const besidePort = await freePort();
      const beside = { url: `http://127.0.0.1:${besidePort}` };
      const own = { PORT: String(besidePort), TOLLGATE_JOURNAL_DIR: join(journalDir, `beside-${besidePort}`) };
      await ready(beside.url, launch({ ...more, ...own }));
      return beside;
    },
    async close() {
      await Promise.all(installations.map((installation) => installation.stop()));
      await admin.end();
      await demo.close();
      await postgres.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function launchProduct(environment: NodeJS.ProcessEnv): Installation {
  const supervisor = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', PROGRAM], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: environment,
  });
  const log: string[] = [];
  let tail = '';
  supervisor.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (tail + text).split('\n');
    tail = lines.pop() ?? '';
    log.push(...lines);
  });
  const ended = once(supervisor, 'exit').then(([code]) => (typeof code === 'number' ? code : null));
  return {
    supervisor,
    log,
    ended,
    said: (text) => log.filter((line) => line.includes(text)).length,
    stop() {
      if (supervisor.exitCode === null) supervisor.kill('SIGTERM');
      return ended;
    },
  };
}

async function ready(url: string, { supervisor, log }: Installation): Promise<void> {
  await until(async () => {
    if (supervisor.exitCode !== null) throw new Error(`api/main.ts ended:\n${log.join('\n')}`);
    return (await statusOf(`${url}/readyz`)) === 200;
  });
}

/** 0: nobody answered. */
export async function statusOf(url: string): Promise<number> {
  const answer = await fetch(url).catch(() => null);
  await answer?.arrayBuffer().catch(() => null);
  return answer?.status ?? 0;
}

/** Gateways that are not fenced, oldest first. */
export async function gatewaysOf(site: Site): Promise<{ id: string; pid: number }[]> {
  const { rows } = await site.admin.query<{ id: string; pid: number }>(
    'select id, pid from gateway_incarnations where fenced_at is null order by started_at',
  );
  return rows;
}

/** Below the range from which the kernel draws ports of outgoing connections: it stays ours between two installations. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 15_000 + Math.floor(Math.random() * 17_000);
    const probe = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      probe.once('error', () => resolve(false));
      probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
    });
    if (isFree) return port;
  }
}
