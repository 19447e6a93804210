// A secret that a migration gives a new place to is rotated with all others: nothing sealed stands where the rotation does not look.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { SAMPLED } from '../../../services/master-keys/samples.ts';
import { sealedTables } from '../../../services/master-keys/sealed-rows.ts';
import { type ManagementApp, startManagementApp } from '../../api/routes/management-app.ts';
import { startMockUpstream } from '../../api/routes/mock-upstream.ts';
import { oneOfEverything } from '../../api/routes/one-of-everything.ts';

const ROOT = join(import.meta.dirname, '../../..');
const WHERE_SEALED = /table: '([\w.]+)', rowId: \w+, column: 'sealed'/g;

let app: ManagementApp;
let tables: string[];
beforeAll(async () => {
  app = await startManagementApp();
  const upstream = await startMockUpstream();
  await oneOfEverything(app, upstream);
  upstream.close();
  tables = (await sealedTables(app.worker)).map(({ table }) => table).sort();
});
afterAll(() => app.close());

test('each column that is called sealed is kept as such, by a UUID of its row, and some of each are opened in the end', async () => {
  const { rows } = await app.db.query<{ name: string }>(
    `select c.table_schema || '.' || c.table_name as name from information_schema.columns c
      where c.table_schema in ('public', 'auth') and c.column_name = 'sealed' and c.data_type = 'jsonb'`,
  );
  const { rows: ids } = await app.db.query(
    `select from sealed_tables() s join pg_attribute a on a.attrelid = s.of_table::regclass and a.attname = s.id_column where a.atttypid = 'uuid'::regtype`,
  );

  expect(rows.map(({ name }) => name.replace(/^public\./, '')).sort()).toEqual(tables);
  expect(ids).toHaveLength(tables.length);
  expect(SAMPLED.map(({ table }) => table).sort()).toEqual(tables);
});

/** What lies outside of the database: backups keep the key that they were sealed under (D140). */
const OUTSIDE = /^services\/backups\//;

test('whatever services seal in the database, they seal for one of these tables', () => {
  const files = globSync('services/**/*.ts', { cwd: ROOT }).filter((file) => !OUTSIDE.test(file));
  const texts = files.map((file) => readFileSync(join(ROOT, file), 'utf8'));
  const named = texts.flatMap((text) => [...text.matchAll(WHERE_SEALED)].map(([, table]) => table));
  const contexts = texts.join('\n').match(/: SealContext \{/g) ?? [];

  expect(named.toSorted()).toEqual(tables);
  expect(contexts).toHaveLength(tables.length);
});

test('after one of everything was done, no other column of any table holds anything sealed', async () => {
  const { rows: columns } = await app.db.query<{ name: string; column: string }>(
    `select format('%I.%I', table_schema, table_name) as name, column_name as column from information_schema.columns
      where table_schema in ('public', 'auth') and data_type = 'jsonb'`,
  );
  const found: string[] = [];
  for (const { name, column } of columns) {
    const { rows } = await app.db.query(`select from ${name} where ${column}::text like '%"wrapTag"%' limit 1`);
    if (rows.length > 0) found.push(`${name.replace('public.', '')}.${column}`);
  }

  expect(found.sort()).toEqual(tables.map((table) => `${table}.sealed`));
});
