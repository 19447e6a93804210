// Throwaway databases are migrated by hand; an installation's know what has run, and a restored one goes on from there.
import { globSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { ClientBase, Pool } from 'pg';

const MIGRATIONS = join(import.meta.dirname, '../../migrations');

export async function noteMigrations(admin: Pool | ClientBase): Promise<void> {
  await admin.query(
    'create table pgmigrations (id serial primary key, name varchar(255) not null, run_on timestamp not null)',
  );
  const names = globSync(join(MIGRATIONS, '*.sql')).map((file) => basename(file, '.sql'));
  await admin.query('insert into pgmigrations (name, run_on) select unnest($1::text[]), now()', [names.sort()]);
}
