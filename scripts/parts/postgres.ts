// The PostgreSQL part: DATABASE_URL, else a server of our own on $TOLLGATE_HOME/postgres.
// Our own server is as durable as production: nothing here turns fsync, full_page_writes or synchronous_commit off.
// It listens on 127.0.0.1 only, without unix sockets, and every login needs its scram password.
import { execFile } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  globSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { canEnter, type ServerUser, serverUser } from '../../services/platform/server-user.ts';
import type { Launch } from './home.ts';
import { findPostgres, type PostgresBinaries } from './postgres-binaries.ts';
import { type ProcessPlan, SupervisedProcess } from './supervised-process.ts';

const CONNECT_MS = 2_000;
const OPEN_TO_EVERYBODY = '/var/lib';
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: 300,
  shared_buffers: '128MB',
  fsync: 'on',
  full_page_writes: 'on',
  synchronous_commit: 'on',
  password_encryption: 'scram-sha-256',
  timezone: 'UTC',
};

export interface PostgresServer {
  /** 127.0.0.1:5433 */
  readonly address: string;
  readonly version: string;
  readonly process: SupervisedProcess;
  /** As superuser. */
  urlOf(database: string): string;
}

export async function startPostgres(launch: Launch, port: number, password: string): Promise<PostgresServer> {
  const data = dataFolder(launch.home);
  const user = ownerOf(data);
  const binaries = findPostgres(user, majorOf(data));
  if (majorOf(data) === null) await initialise(binaries, data, user, password);
  const address = `127.0.0.1:${port}`;
  const urlOf = (database: string) => `postgres://postgres:${password}@${address}/${database}`;
  const process = await SupervisedProcess.start(planOf(binaries, data, user, port, urlOf('postgres')), launch);
  const place = data.startsWith(OPEN_TO_EVERYBODY) ? `, data in ${data}` : '';
  return { address, version: `PostgreSQL ${binaries.version}, ${binaries.origin}${place}`, process, urlOf };
}

/**
 * $TOLLGATE_HOME/postgres, or what that links to. Below a folder that the server's user may not enter (a checkout in
 * /root) a link is all that can stand there: the data goes to a folder of its own under /var/lib.
 */
function dataFolder(home: string): string {
  const folder = join(home, 'postgres');
  if (existsSync(folder)) return realpathSync(folder);
  if (lstatSync(folder, { throwIfNoEntry: false }) !== undefined) {
    throw new Error(`${folder} links to data that is gone: remove ${home} to begin with new data`);
  }
  if (canEnter(home, serverUser())) return folder;
  const elsewhere = join(mkdtempSync(join(OPEN_TO_EVERYBODY, 'tollgate-')), 'postgres');
  chmodSync(dirname(elsewhere), 0o711);
  symlinkSync(elsewhere, folder);
  return elsewhere;
}

/** As root the server runs as nobody, or as whoever owned the data before. */
function ownerOf(data: string): ServerUser | null {
  const user = serverUser();
  if (!existsSync(data)) return user;
  const { uid, gid } = statSync(data);
  if (user === null) {
    if (uid === process.getuid?.()) return null;
    throw new Error(
      `${data} belongs to user ${uid}: start as that user (or as root), or set TOLLGATE_HOME to another folder`,
    );
  }
  const owner = uid === 0 || uid === user.uid ? user : { name: `user ${uid}`, uid, gid };
  if (!canEnter(dirname(data), owner)) {
    throw new Error(
      `${owner.name}, who runs PostgreSQL, may not enter ${dirname(data)}: open it (chmod o+x), or set TOLLGATE_HOME`,
    );
  }
  return owner;
}

function majorOf(data: string): number | null {
  const file = join(data, 'PG_VERSION');
  if (existsSync(file)) return Number.parseInt(readFileSync(file, 'utf8'), 10);
  if (existsSync(data)) throw new Error(`${data} is not a PostgreSQL data folder: move it away, or set TOLLGATE_HOME`);
  return null;
}

/** Made in a folder beside and moved into place whole: an interrupted start leaves nothing that looks like data. */
async function initialise(binaries: PostgresBinaries, data: string, user: ServerUser | null, password: string) {
  mkdirSync(dirname(data), { recursive: true });
  for (const abandoned of globSync(`${data}.new-*`)) rmSync(abandoned, { recursive: true });
  const draft = mkdtempSync(`${data}.new-`);
  const passwordFile = join(draft, 'password');
  writeFileSync(passwordFile, password, { mode: 0o600 });
  for (const path of user === null ? [] : [draft, passwordFile]) chownSync(path, user?.uid ?? 0, user?.gid ?? 0);
  const options = ['--encoding=UTF8', '--locale=C', '--data-checksums', '--auth=scram-sha-256', '--username=postgres'];
  await promisify(execFile)(
    join(binaries.folder, 'initdb'),
    [...options, `--pwfile=${passwordFile}`, '-D', join(draft, 'data')],
    { cwd: draft, env: serverEnvironment(), ...(user === null ? {} : { uid: user.uid, gid: user.gid }) },
  );
  renameSync(join(draft, 'data'), data);
  rmSync(draft, { recursive: true });
}

/** Nothing of the caller's: PGDATA, PGPORT or a foreign locale would change what the server does. */
function serverEnvironment(): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, TZ: 'UTC', LC_ALL: 'C' };
}

function planOf(
  binaries: PostgresBinaries,
  data: string,
  user: ServerUser | null,
  port: number,
  url: string,
): ProcessPlan {
  const settings = Object.entries({ ...SETTINGS, port }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  return {
    part: 'postgres',
    command: join(binaries.folder, 'postgres'),
    args: ['-D', data, ...settings],
    env: serverEnvironment(),
    folder: data,
    user,
    input: null,
    stopSignal: 'SIGINT', // "fast": SIGTERM would wait for every client to leave
    graceMs: 30_000,
    readyWithinMs: 60_000,
    missing: () => whyUnreachable(url),
  };
}

/** Null when the database answers. */
export async function whyUnreachable(url: string): Promise<string | null> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: CONNECT_MS });
  client.on('error', () => undefined); // a server that goes away after it answered
  try {
    await client.connect();
    await client.query('select 1');
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await client.end();
  }
}
