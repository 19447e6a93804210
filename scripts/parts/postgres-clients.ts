// pg_dump and pg_restore, which embedded-postgres lacks: PG_BIN, what is installed, Debian's package when root, else the wheel that PyPI
// carries for people who have pip, of which the programs and the libraries beside them are kept.
import { dirname } from 'node:path';
import { dumpProgramsFor, programFolders } from '../../services/backups/postgres-programs.ts';
import { installFromDebian } from './debian-package.ts';
import type { Launch } from './home.ts';
import { onPath } from './on-path.ts';
import type { PinnedFile } from './package-index.ts';
import { keepProgram, keptProgram, placeOf } from './program-cache.ts';
import { fetchFolders } from './wheel.ts';

export const INSTALL_POSTGRES_CLIENT = 'apt-get install -y --no-install-recommends postgresql-client';

/** PostgreSQL 16.2, built by its publisher (Apache-2.0); for other platforms there is Debian's or Homebrew's. */
const WHEELS: Readonly<Record<string, PinnedFile>> = {
  'linux-x64': {
    project: 'pgserver',
    name: 'pgserver-0.1.4-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl',
    sha256: 'd595789b47624a3d963aa9aa6359da9be31beb7e61f1a45541953242068b8813',
  },
};
const WANTED = /^(pgserver\/pginstall\/bin\/(pg_dump|pg_restore)|pgserver\.libs\/.*)$/;

type Fetching = Pick<Launch, 'home' | 'say' | 'interrupted'>;

/** The folder with both. Null: there are none for such a server, and none can be had. */
export async function findOrFetchPostgresClients(serverMajor: number, fetching: Fetching): Promise<string | null> {
  return (
    (await installed(serverMajor)) ?? (await byDebian(serverMajor, fetching)) ?? (await byWheel(serverMajor, fetching))
  );
}

async function installed(serverMajor: number, more: readonly string[] = []): Promise<string | null> {
  const folders = [...programFolders(process.env.PG_BIN ?? null, process.env.PATH ?? ''), ...more];
  return await dumpProgramsFor(serverMajor, folders).then(
    ({ pgDump }) => dirname(pgDump),
    () => null,
  );
}

async function byDebian(serverMajor: number, { say }: Fetching): Promise<string | null> {
  if (process.getuid?.() !== 0 || onPath(['apt-get']) === null) return null;
  await installFromDebian(INSTALL_POSTGRES_CLIENT, (text) => say('backups', `pg_dump ${text}`));
  return await installed(serverMajor);
}

async function byWheel(serverMajor: number, { home, say, interrupted }: Fetching): Promise<string | null> {
  const wheel = WHEELS[`${process.platform}-${process.arch}`];
  if (wheel === undefined) return null;
  const place = { ...placeOf(home, 'pgserver', '0.1.4'), program: 'pgserver/pginstall/bin/pg_dump' };
  try {
    const kept = await keptProgram(place);
    const file =
      kept ??
      (await keepProgram(place, async (draft) => {
        say('backups', `pg_dump from ${await fetchFolders(wheel, WANTED, draft, interrupted)}`);
      }));
    return await installed(serverMajor, [dirname(file)]);
  } catch (error) {
    say('backups', `pg_dump could not be fetched: ${error instanceof Error ? error.message : error}`);
    return null;
  }
}
