// A database that dies, hangs or comes back must neither end the process nor hand out a connection that is not usable.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createPool, inTransaction } from '../../../services/platform/postgres.ts';
import { startThrowawayPostgres, type ThrowawayPostgres } from '../../support/throwaway-postgres.ts';
import { until } from '../../support/until.ts';

let server: ThrowawayPostgres;
let url: string;

beforeAll(async () => {
  server = await startThrowawayPostgres();
  url = (await server.createDatabase()).url;
});
afterAll(() => server.stop());

const settings = { name: 'postgres test', maxConnections: 2, statementTimeoutMs: 1_000 };

test('sessions live in UTC under their own name, and 8-byte numbers arrive as exact strings', async () => {
  await using db = closing(createPool(`${url}?application_name=other`, settings));
  await using named = closing(createPool(url, settings));

  const { rows } = await named.pool.query(
    `select current_setting('timezone') as zone, current_setting('application_name') as name, 9007199254740993 as big`,
  );

  expect(rows).toEqual([{ zone: 'UTC', name: 'postgres test', big: '9007199254740993' }]);
  expect((await db.pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
});

test('a statement that takes too long is cancelled by the server', async () => {
  await using db = closing(createPool(url, { ...settings, statementTimeoutMs: 50 }));

  await expect(db.pool.query('select pg_sleep(60)')).rejects.toMatchObject({ code: '57014' });
});

test('a statement with parameters is parsed once per connection, and each time run with its own', async () => {
  await using db = closing(createPool(url, { ...settings, maxConnections: 1 }));
  const text = 'select $1::int + 1 as next';

  const { rows: first } = await db.pool.query(text, [1]);
  const { rows: second } = await db.pool.query(text, [2]);
  const { rows: kept } = await db.pool.query(
    'select statement, generic_plans + custom_plans as runs from pg_prepared_statements',
  );

  expect([first, second]).toEqual([[{ next: 2 }], [{ next: 3 }]]);
  expect(kept).toEqual([{ statement: text, runs: '2' }]);
});

test('a connection that knows a statement from before a migration fails once with it, and no more', async () => {
  await using db = closing(createPool(url, { ...settings, maxConnections: 1 }));
  await db.pool.query('create table migrated (id integer)');
  const ask = () => inTransaction(db.pool, (tx) => tx.query('select * from migrated where id = $1', [1]));
  await ask();

  await db.pool.query('alter table migrated add column more integer');
  await expect(ask()).rejects.toMatchObject({ code: '0A000' });

  expect((await ask()).rows).toEqual([]);
});

test('a transaction is kept whole or not at all', async () => {
  await using db = closing(createPool(url, settings));
  await db.pool.query('create table marks (name text)');

  await inTransaction(db.pool, (tx) => tx.query(`insert into marks values ('kept')`));
  const failing = inTransaction(db.pool, async (tx) => {
    await tx.query(`insert into marks values ('lost')`);
    throw new Error('changed my mind');
  });

  await expect(failing).rejects.toThrow('changed my mind');
  expect((await db.pool.query('select name from marks')).rows).toEqual([{ name: 'kept' }]);
});

test('a transaction whose failed statement was swallowed is not reported as committed', async () => {
  await using db = closing(createPool(url, settings));

  const swallowing = inTransaction(db.pool, async (tx) => {
    await tx.query('select 1 / 0').catch(() => {});
  });

  await expect(swallowing).rejects.toThrow('rolled back');
});

test('the loss of idle connections neither ends the process nor reaches the next query', async () => {
  await using db = closing(createPool(url, settings));
  await db.pool.query('select 1');

  server.kill('SIGKILL');
  await until(() => db.pool.totalCount === 0);
  await expect(db.pool.query('select 1')).rejects.toThrow();

  await server.restart();
  expect((await db.pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
});

test('a silent server fails queries and leaves no connection behind that still waits for it', async () => {
  await using db = closing(createPool(url, { ...settings, statementTimeoutMs: 100 }));
  await db.pool.query('select 1');

  server.kill('SIGSTOP');
  await expect(db.pool.query('select 1')).rejects.toThrow('timeout');
  await expect(inTransaction(db.pool, (tx) => tx.query('select 1'))).rejects.toThrow('timeout');

  server.kill('SIGCONT');
  expect((await db.pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
});

function closing(pool: ReturnType<typeof createPool>) {
  return { pool, [Symbol.asyncDispose]: () => pool.end() };
}
