// The whole product for a test: PostgreSQL, the demo provider and api/main.ts as production starts it, with the seed's data.
// No Redis: the gateway says so and counts rates alone.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Pool } from 'pg';
import { seed } from '../../scripts/seed.ts';
import { startDemoProvider } from './demo-provider/server.ts';
import { freePort } from './free-port.ts';
import { startThrowawayPostgres, type ThrowawayDatabase, type ThrowawayPostgres } from './throwaway-postgres.ts';

const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url));

export interface RunningProduct {
  /** http://127.0.0.1:<port> */
  readonly api: string;
  readonly adminToken: string;
  /** Of the seeded customer, with $25. */
  readonly customerKey: string;
  readonly demoProvider: string;
  readonly postgres: ThrowawayPostgres;
  readonly database: ThrowawayDatabase;
  /** As superuser. */
  readonly admin: Pool;
  readonly supervisor: ChildProcess;
  /** What its processes wrote to stdout and stderr: nothing below the LOG_LEVEL that the test asked for. */
  readonly output: readonly string[];
  readonly journalDir: string;
  /** What it was started with and must tell nobody, besides the admin token. */
  readonly secrets: { readonly masterKey: string; readonly databasePasswords: readonly string[] };
  stop(): Promise<void>;
}

export async function startRunningProduct(environment: NodeJS.ProcessEnv = {}): Promise<RunningProduct> {
  const folder = mkdtempSync(join(tmpdir(), 'product-'));
  const postgres = await startThrowawayPostgres();
  const database = await postgres.createDatabase();
  const demo = await startDemoProvider({ port: 0, dataDir: join(folder, 'demo') });
  const [adminToken = '', ...databasePasswords] = Array.from({ length: 4 }, () => randomBytes(24).toString('hex'));
  const masterKey = randomBytes(32).toString('base64');
  const journalDir = join(folder, 'journal');
  const port = await freePort();
  const supervisor = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', join(CHECKOUT, 'api/main.ts')], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH,
      PORT: String(port),
      DATABASE_URL: withPassword(database.urlFor('gateway'), databasePasswords[0]),
      DATABASE_URL_WORKER: withPassword(database.urlFor('worker'), databasePasswords[1]),
      DATABASE_URL_MEMBERS: withPassword(database.urlFor('members'), databasePasswords[2]),
      TOLLGATE_ADMIN_TOKEN: adminToken,
      TOLLGATE_LINK_SECRET: randomBytes(24).toString('hex'),
      TOLLGATE_MASTER_KEYS: JSON.stringify({ current: 1, keys: { 1: masterKey } }),
      TOLLGATE_JOURNAL_DIR: journalDir,
      LOG_LEVEL: 'silent',
      ...environment,
    },
  });
  const output: string[] = [];
  supervisor.stdout.setEncoding('utf8').on('data', (text: string) => output.push(text));
  supervisor.stderr.setEncoding('utf8').on('data', (text: string) => {
    output.push(text);
    process.stderr.write(text);
  });
  const api = `http://127.0.0.1:${port}`;
  await ready(api, supervisor);
  const { customerKey } = await seed({ api, adminToken, demoProvider: demo.url, customerKey: null });
  const admin = new Pool({ connectionString: database.url });
  admin.on('error', () => {}); // tests kill the server
  return {
    api,
    adminToken,
    customerKey,
    demoProvider: demo.url,
    postgres,
    database,
    admin,
    supervisor,
    output,
    journalDir,
    secrets: { masterKey, databasePasswords },
    async stop() {
      const gone = once(supervisor, 'exit');
      if (supervisor.exitCode === null) {
        supervisor.kill('SIGTERM');
        await gone;
      }
      await admin.end();
      await demo.close();
      await postgres.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function ready(api: string, supervisor: ChildProcess): Promise<void> {
  while (supervisor.exitCode === null) {
    const answer = await fetch(`${api}/readyz`).catch(() => null);
    if (answer?.status === 200) return;
    await wait(50);
  }
  throw new Error(`api/main.ts ended with ${supervisor.exitCode} before it was ready`);
}

/** The server trusts whom it sees; production refuses a URL without a password, and a test looks where it went. */
function withPassword(url: string, password = ''): string {
  const changed = new URL(url);
  changed.password = password;
  return changed.href;
}
