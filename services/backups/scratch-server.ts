// A server on which a backup is restored to see whether it can be, and that is gone afterwards, with all it held: whether the work went well,
// failed, or died with its process. It listens on a socket in a folder that its user alone may enter, and is durable in nothing (D145).
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chownSync, globSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Client } from 'pg';
import { canEnter, serverUser } from '../platform/server-user.ts';
import { runProgram, startNiced } from './niced-program.ts';
import type { ServerPrograms } from './postgres-programs.ts';
import { BackupRejected, reasonOf } from './rejection.ts';

const PREFIX = 'tollgate-scratch-';
const DATABASE = 'restored';
const SUPERUSER = 'postgres';
const READY_MS = 60_000;
const POLL_MS = 50;
/** Longer than any restore takes: what is older belongs to nobody. */
const ABANDONED_MS = 24 * 3_600_000;
/** Of a server that nobody else sees and that nobody misses. */
const SETTINGS = {
  listen_addresses: '',
  max_connections: 10,
  shared_buffers: '64MB',
  maintenance_work_mem: '64MB',
  max_wal_size: '1GB',
  fsync: 'off',
  full_page_writes: 'off',
  synchronous_commit: 'off',
  autovacuum: 'off',
  timezone: 'UTC',
};

export interface ScratchServer {
  /** As libpq and node-postgres have it: the socket's folder. */
  readonly host: string;
  readonly user: string;
  readonly database: string;
}

/** `temporary`: the folder in which its own is made. */
export async function withScratchServer<T>(
  { initdb, postgres }: ServerPrograms,
  temporary: string,
  work: (server: ScratchServer) => Promise<T>,
): Promise<T> {
  removeAbandoned(temporary);
  const user = serverUser();
  if (!canEnter(temporary, user))
    throw new BackupRejected(
      `${user?.name}, who runs PostgreSQL, may not enter ${temporary}: set TOLLGATE_BACKUP_SCRATCH`,
    );
  const folder = join(temporary, `${PREFIX}${randomBytes(4).toString('hex')}`);
  // Before there is anything to remove: a death in between leaves nothing.
  const farewell = beginFarewell(folder);
  const begun = (pid: number) => void farewell.stdin.write(`${pid}\n`);
  try {
    mkdirSync(folder, { mode: 0o700 });
    if (user !== null) chownSync(folder, user.uid, user.gid);
    const data = join(folder, 'data');
    const options = ['--encoding=UTF8', '--locale=C', '--auth=trust', '--no-sync', `--username=${SUPERUSER}`];
    await runProgram({ command: initdb, args: [...options, '-D', data], as: user, folder, begun });
    const settings = Object.entries({ ...SETTINGS, unix_socket_directories: folder });
    const args = ['-D', data, ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`])];
    const process = startNiced({ command: postgres, args, as: user, folder, begun });
    await createDatabase(process, folder);
    return await work({ host: folder, user: SUPERUSER, database: DATABASE });
  } finally {
    farewell.stdin.end();
    await once(farewell, 'exit');
  }
}

async function createDatabase(server: ReturnType<typeof startNiced>, folder: string): Promise<void> {
  let log = '';
  server.stdout.resume();
  server.stderr.setEncoding('utf8').on('data', (text: string) => {
    log = (log + text).slice(-2_000);
  });
  const startedAtMs = performance.now();
  while (performance.now() - startedAtMs < READY_MS && isRunning(server)) {
    const client = new Client({ host: folder, user: SUPERUSER, database: 'postgres' });
    try {
      await client.connect();
      await client.query(`create database ${DATABASE} template template0`);
      return;
    } catch (error) {
      log = log || reasonOf(error);
      await wait(POLL_MS);
    } finally {
      await client.end().catch(() => undefined);
    }
  }
  throw new BackupRejected(`the scratch server did not start: ${log.trim().split('\n').at(-1)}`);
}

function isRunning({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null;
}

// A shell that is told the processes, and waits for the end of its input, which comes when the work is done or ours dies, even by kill -9. A pid
// is believed only when its command line names the folder: numbers are used again.
const FAREWELL = `
  while read -r pid; do pids="$pids $pid"; done
  is_ours() {
    case "$(tr '\\0' ' ' <"/proc/$1/cmdline" 2>/dev/null || ps -o command= -p "$1" 2>/dev/null)" in *"$2"*) true ;; *) false ;; esac
  }
  for pid in $pids; do
    is_ours "$pid" "$1" && kill -QUIT "$pid"
    tries=0
    while is_ours "$pid" "$1" && [ $tries -lt 250 ]; do sleep 0.02; tries=$((tries + 1)); done
    is_ours "$pid" "$1" && kill -KILL "$pid"
  done
  tries=0
  while rm -rf "$1"; [ -e "$1" ] && [ $tries -lt 50 ]; do sleep 0.1; tries=$((tries + 1)); done`;

function beginFarewell(folder: string) {
  return spawn('sh', ['-c', FAREWELL, 'farewell', folder], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
}

/** Of a machine that lost power: everything else says farewell. */
function removeAbandoned(temporary: string): void {
  for (const folder of globSync(join(temporary, `${PREFIX}*`))) {
    const { mtimeMs } = statSync(folder, { throwIfNoEntry: false }) ?? { mtimeMs: Date.now() };
    if (Date.now() - mtimeMs > ABANDONED_MS) rmSync(folder, { recursive: true, force: true });
  }
}
