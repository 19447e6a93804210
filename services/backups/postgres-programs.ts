// PostgreSQL's own programs, by which backups are taken and restored: looked for in PG_BIN, where Debian, Red Hat and Homebrew install them,
// and on PATH. Debian's own commands on PATH choose a version by themselves, so they come last.
import { execFile } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { BackupRejected } from './rejection.ts';

const INSTALLED = ['/usr/lib/postgresql/*/bin', '/usr/pgsql-*/bin', '/{opt/homebrew,usr/local}/opt/postgresql*/bin'];

export interface DumpPrograms {
  readonly pgDump: string;
  readonly pgRestore: string;
  /** pg_dump (PostgreSQL) 15.18 */
  readonly version: string;
}

export interface ServerPrograms {
  readonly initdb: string;
  readonly postgres: string;
}

/** Folders of programs, the first to be asked first. */
export function programFolders(pgBin: string | null, path: string): string[] {
  const named = (pgBin ?? '').split(delimiter).filter(Boolean);
  return [...new Set([...named, ...globSync(INSTALLED).sort(), ...path.split(delimiter).filter(Boolean)])];
}

/**
 * An older pg_dump refuses a newer server, and what a newer one writes an older server need not take: the oldest that will do.
 * @throws BackupRejected when there is none
 */
export async function dumpProgramsFor(serverMajor: number, folders: readonly string[]): Promise<DumpPrograms> {
  const found: (DumpPrograms & { readonly major: number })[] = [];
  for (const folder of folders) {
    const [pgDump, pgRestore] = [join(folder, 'pg_dump'), join(folder, 'pg_restore')];
    const version = existsSync(pgRestore) ? await versionOf(pgDump) : null;
    if (version !== null && majorIn(version) >= serverMajor)
      found.push({ pgDump, pgRestore, version, major: majorIn(version) });
  }
  const [oldest] = found.toSorted((a, b) => a.major - b.major);
  if (oldest !== undefined) return oldest;
  throw new BackupRejected(
    `there is no pg_dump of PostgreSQL ${serverMajor} or newer here: install it (Debian: apt-get install postgresql-client), or set PG_BIN`,
  );
}

/** @throws BackupRejected when there is none of this major */
export async function serverProgramsOf(major: number, folders: readonly string[]): Promise<ServerPrograms> {
  for (const folder of folders) {
    const [initdb, postgres] = [join(folder, 'initdb'), join(folder, 'postgres')];
    const version = existsSync(initdb) ? await versionOf(postgres) : null;
    if (version !== null && majorIn(version) === major) return { initdb, postgres };
  }
  throw new BackupRejected(
    `there is no PostgreSQL ${major} here on which the backup could be restored: install it, or set PG_BIN`,
  );
}

/** 15 of 15.18 and of pg_dump (PostgreSQL) 15.18 */
export function majorIn(version: string): number {
  return Number(/(\d+)\.\d+/.exec(version)?.[1] ?? Number.NaN);
}

async function versionOf(program: string): Promise<string | null> {
  if (!existsSync(program)) return null;
  return await promisify(execFile)(program, ['--version'], { cwd: '/' }).then(
    ({ stdout }) => stdout.trim(),
    () => null,
  );
}
