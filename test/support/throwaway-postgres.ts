// A real PostgreSQL of its own for a test: up in a fraction of a second, killed and restarted at will, gone without a trace.
// It is as durable as production (fsync on), so what a test sees survive a kill has really survived.
// initdb and the migrations run once per set of migrations; later servers start from a copy of that cluster.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chownSync, existsSync, globSync, mkdtempSync, readFileSync, utimesSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { moveFolder } from '../../scripts/parts/atomic-file.ts';
import { findPostgres, type PostgresBinaries } from '../../scripts/parts/postgres-binaries.ts';
import { type Login, sessionSettings } from '../../scripts/parts/session-settings.ts';
import { serverUser } from '../../services/platform/server-user.ts';
import { freePort } from './free-port.ts';
import { removeStale } from './kept-between-runs.ts';

const ROLES: readonly Login[] = ['gateway', 'worker', 'members', 'readonly', 'backup'];
const TEMPLATE = 'tollgate_template';

const user = serverUser();
/** Spawn options of a process that may not run as root. */
const unprivileged = user === null ? {} : { uid: user.uid, gid: user.gid };

export interface ThrowawayDatabase {
  /** As superuser. */
  readonly url: string;
  /** As a login role that is a member of tollgate_<role> and has nothing but its rights. */
  urlFor(role: Login): string;
  /** Of its server; what a test leaves here goes with it. */
  readonly folder: string;
}

export interface ThrowawayPostgres {
  readonly adminUrl: string;
  /** A new database with all migrations, cloned from the template. */
  createDatabase(): Promise<ThrowawayDatabase>;
  /** SIGKILL, SIGSTOP and SIGCONT hit every process of the server, other signals the postmaster. */
  kill(signal: NodeJS.Signals): void;
  /** Same data, same port, after any kind of kill. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

type Settings = Readonly<Record<string, string | number>>;

/** `more`: settings that a test wants otherwise. */
export async function startThrowawayPostgres(more: Settings = {}): Promise<ThrowawayPostgres> {
  const binaries = findPostgres(user, null);
  const template = await templateCluster(binaries);
  const folder = newFolder();
  const guardian = guard(folder);
  execFileSync('cp', ['-a', template, join(folder, 'data')]);
  const port = await freePort();
  let server = await boot(binaries, folder, port, more);
  let databases = 0;

  return {
    adminUrl: urlOf(port, 'postgres', 'postgres'),
    async createDatabase() {
      databases += 1;
      const name = `test_${databases}`;
      await run(urlOf(port, 'postgres', 'postgres'), `create database ${name} template ${TEMPLATE}`);
      return {
        url: urlOf(port, 'postgres', name),
        urlFor: (role) => urlOf(port, `tollgate_${role}_login`, name),
        folder,
      };
    },
    kill: (signal) => signalServer(server, signal),
    async restart() {
      await shutDown(server);
      server = await boot(binaries, folder, port, more);
    },
    async stop() {
      guardian.ref();
      const gone = once(guardian, 'exit');
      guardian.stdin.end();
      await gone;
    },
  };
}

function urlOf(port: number, user: string, database: string): string {
  return `postgres://${user}@127.0.0.1:${port}/${database}`;
}

async function run(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

/** The folder of a stopped, migrated cluster; made again when the server, a migration, what sessions may do or this file has changed. */
async function templateCluster(binaries: PostgresBinaries): Promise<string> {
  const migrations = globSync(fileURLToPath(new URL('../../migrations/*.sql', import.meta.url))).sort();
  const digest = createHash('sha256').update(binaries.folder).update(binaries.version);
  const settings = fileURLToPath(new URL('../../scripts/parts/session-settings.ts', import.meta.url));
  for (const file of [fileURLToPath(import.meta.url), settings, ...migrations])
    digest.update(readFileSync(file)).update('\0');
  const prefix = join(tmpdir(), `tollgate-postgres-template-${process.getuid?.() ?? 'user'}-`);
  const template = `${prefix}${digest.digest('hex').slice(0, 16)}`;
  if (!existsSync(template)) {
    removeStale(prefix);
    await buildTemplate(binaries, migrations, template);
  }
  utimesSync(template, new Date(), new Date());
  return template;
}

async function buildTemplate(binaries: PostgresBinaries, migrations: string[], template: string): Promise<void> {
  const folder = newFolder();
  const guardian = guard(folder);
  const settings = ['--encoding=UTF8', '--locale=C', '--username=postgres', '--auth=trust', '--no-sync'];
  execFileSync(join(binaries.folder, 'initdb'), [...settings, '-D', join(folder, 'data')], {
    ...unprivileged,
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const port = await freePort();
  const server = await boot(binaries, folder, port);
  try {
    await run(urlOf(port, 'postgres', 'postgres'), `create database ${TEMPLATE}`);
    for (const file of migrations) await migrate(urlOf(port, 'postgres', TEMPLATE), file);
    await run(urlOf(port, 'postgres', 'postgres'), ROLES.map(loginOf).join(';'));
    await shutDown(server);
    moveFolder(join(folder, 'data'), template);
  } finally {
    guardian.stdin.end();
  }
}

function loginOf(role: Login): string {
  const login = `tollgate_${role}_login`;
  return `create role ${login} login in role tollgate_${role}; ${sessionSettings(login, role)}`;
}

async function migrate(url: string, file: string): Promise<void> {
  const [up = ''] = readFileSync(file, 'utf8').split(/^-- Down Migration/m);
  try {
    await run(url, up);
  } catch (error) {
    throw new Error(`${basename(file)}: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
}

/** Starts the server on its folder and waits until it accepts connections; recovery after a kill is part of the wait. */
async function boot(
  binaries: PostgresBinaries,
  folder: string,
  port: number,
  more: Settings = {},
): Promise<ChildProcess> {
  for (let attempt = 1; ; attempt += 1) {
    const outcome = await launch(binaries, folder, port, more);
    if (typeof outcome !== 'string') return outcome;
    // Children of a killed postmaster need a moment to die; until then the next one refuses the folder.
    const isHeldByChildren = /shared memory block|lock file/.test(outcome);
    if (!isHeldByChildren || attempt === 100) throw new Error(`PostgreSQL did not start:\n${outcome}`);
    await wait(50);
  }
}

/** The running server, or what it said before it gave up. */
async function launch(
  binaries: PostgresBinaries,
  folder: string,
  port: number,
  more: Settings,
): Promise<ChildProcess | string> {
  const settings = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '',
    max_connections: 200,
    shared_buffers: '32MB',
    timezone: 'UTC',
    ...more,
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const server = spawn(join(binaries.folder, 'postgres'), ['-D', join(folder, 'data'), ...flags], {
    ...unprivileged,
    cwd: folder,
    detached: true, // Ctrl-C reaches the guardian's pipe, not the server in the middle of its work
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  const ready = new Promise<'ready'>((resolve) => {
    server.stderr.setEncoding('utf8').on('data', (lines: string) => {
      log = (log + lines).slice(-8_000);
      if (log.includes('ready to accept connections')) resolve('ready');
    });
  });
  const outcome = await Promise.race([ready, once(server, 'close')]);
  if (outcome !== 'ready') return log;
  server.unref(); // a test that forgets stop() must still be able to end
  if (server.stderr instanceof Socket) server.stderr.unref();
  return server;
}

function signalServer(server: ChildProcess, signal: NodeJS.Signals): void {
  if (signal === 'SIGKILL' || signal === 'SIGSTOP') server.kill('SIGSTOP'); // so that it makes no child meanwhile
  if (signal === 'SIGKILL' || signal === 'SIGSTOP' || signal === 'SIGCONT') {
    for (const child of childrenOf(server)) signalIfAlive(child, signal);
  }
  if (signal !== 'SIGSTOP') server.kill(signal);
}

function childrenOf({ pid }: ChildProcess): number[] {
  const file = `/proc/${pid}/task/${pid}/children`;
  const isLinux = process.platform === 'linux';
  if (isLinux && !existsSync(file)) return [];
  const text = isLinux ? readFileSync(file, 'utf8') : execFileSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' });
  return text.split(/\s+/).filter(Boolean).map(Number);
}

function signalIfAlive(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

async function shutDown(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  server.ref();
  const gone = once(server, 'exit');
  signalServer(server, 'SIGCONT');
  server.kill('SIGINT');
  await gone;
}

// A shell that waits for the end of its input, which comes by stop() or by the death of this process, even by kill -9.
// A pid is believed only when its command line names the folder: numbers are used again.
const FAREWELL = `
  cat >/dev/null
  pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null)
  case "$(tr '\\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null || ps -o command= -p "$pid")" in *"$1"*)
    kill -CONT $pid $(cat "/proc/$pid/task/$pid/children" 2>/dev/null)
    kill -QUIT $pid
    tries=0
    while kill -0 $pid && [ $tries -lt 500 ]; do sleep 0.02; tries=$((tries + 1)); done
  esac
  rm -rf "$1"`;

function guard(folder: string) {
  const guardian = spawn('sh', ['-c', FAREWELL, 'guardian', folder], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  guardian.unref();
  if (guardian.stdin instanceof Socket) guardian.stdin.unref();
  return guardian;
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-postgres-'));
  if (user !== null) chownSync(folder, user.uid, user.gid);
  return folder;
}
