// Where tests find PostgreSQL's programs for backups: PG_BIN, PATH, what is installed, and the server that the other tests run on.
import { findPostgres } from '../../scripts/parts/postgres-binaries.ts';
import { programFolders } from '../../services/backups/postgres-programs.ts';
import { serverUser } from '../../services/platform/server-user.ts';

export function postgresPrograms(): string[] {
  const { folder } = findPostgres(serverUser(), null);
  return [...programFolders(process.env.PG_BIN ?? null, process.env.PATH ?? ''), folder];
}
