// The clock of billing: moved by one role, never back, the same for everybody, and free of the time zones of sessions.
import { expect, test } from '@jest/globals';
import { Client } from 'pg';
import { oneRow } from '../../support/bare-gateway.ts';
import { ownDatabase } from '../../support/own-database.ts';

const { database, admin } = await ownDatabase();

async function aheadSeconds(): Promise<number> {
  const { seconds } = await oneRow<{ seconds: number }>(
    admin,
    'select extract(epoch from billing_now() - now())::float8 as seconds',
  );
  return seconds;
}

/** As one role, and in a transaction of its own. */
async function as(role: 'gateway' | 'worker' | 'readonly', statement: string): Promise<unknown> {
  const client = new Client({ connectionString: database.urlFor(role) });
  await client.connect();
  try {
    return (await client.query(statement)).rows;
  } finally {
    await client.end();
  }
}

test('nobody moved it: it shows the time that it is, and has no row', async () => {
  const { rows } = await admin.query(
    'select billing_now() = now() as same, (select count(*)::int from billing_clock) as rows',
  );

  expect(rows).toEqual([{ same: true, rows: 0 }]);
});

test('moved to a moment it shows that moment within the transaction, and later ones afterwards', async () => {
  const moment = new Date(Date.now() + 3 * 86_400_000);

  const { rows } = await admin.query('select advance_billing_clock($1) as shows', [moment]);

  expect(rows).toEqual([{ shows: moment }]);
  const { later } = await oneRow<{ later: boolean }>(admin, 'select billing_now() > $1 as later', [moment]);
  expect(later).toBe(true);
});

test('it never goes back: less than it shows moves nothing, and no role can shrink or forget it', async () => {
  const before = await aheadSeconds();

  await admin.query(`select advance_billing_clock(now() + interval '1 minute')`);

  for (const statement of [
    `update billing_clock set ahead = ahead - interval '1 second'`,
    'delete from billing_clock',
    'truncate billing_clock',
  ]) {
    await expect(admin.query(statement)).rejects.toThrow('the clock of billing only goes forward');
  }
  expect(await aheadSeconds()).toBe(before);
});

test('everybody reads it, and tollgate_worker alone moves it', async () => {
  const move = `select advance_billing_clock(billing_now() + interval '1 hour')`;

  for (const role of ['gateway', 'readonly'] as const) {
    await as(role, 'select billing_now()');
    await expect(as(role, move)).rejects.toThrow('permission denied');
  }
  await expect(as('worker', 'update billing_clock set ahead = ahead')).rejects.toThrow('permission denied');
  const before = await aheadSeconds();
  await as('worker', move);

  expect((await aheadSeconds()) - before).toBeCloseTo(3_600, 0);
});

test('moved over a change of summer time it is the same instant in every time zone', async () => {
  await admin.query(`select advance_billing_clock(billing_now() + interval '4000 hours')`);

  const { rows } = await admin
    .query(`
    begin;
    set local time zone 'America/New_York';
    create temporary table seen on commit drop as select billing_now() as at;
    set local time zone 'UTC';
    insert into seen select billing_now();
    select count(distinct at)::int as instants from seen;
    commit`)
    .then((results) => (Array.isArray(results) ? results[5] : results));

  expect(rows).toEqual([{ instants: 1 }]);
});

test('many who move it at once leave it at the furthest', async () => {
  const now = await oneRow<{ at: Date }>(admin, 'select billing_now() as at');
  const days = [3, 1, 5, 2, 4];

  await Promise.all(
    days.map((day) => admin.query('select advance_billing_clock($1)', [new Date(now.at.getTime() + day * 86_400_000)])),
  );

  const { passed } = await oneRow<{ passed: number }>(
    admin,
    `select extract(epoch from billing_now() - $1::timestamptz)::float8 / 86400 as passed`,
    [now.at],
  );
  expect(passed).toBeGreaterThanOrEqual(5);
  expect(passed).toBeLessThan(5.01);
});
