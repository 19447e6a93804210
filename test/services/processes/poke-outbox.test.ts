// News for workflows between those who have it and those who deliver it: nobody stops the other, and none is lost.
import { afterAll, expect, test } from '@jest/globals';
import { newId } from '../../../services/platform/ids.ts';
import { createPool, inTransaction } from '../../../services/platform/postgres.ts';
import { pokeProcess } from '../../../services/processes/poke.ts';
import { PokeOutbox } from '../../../services/processes/poke-outbox.ts';
import { ownDatabase } from '../../support/own-database.ts';
import { until } from '../../support/until.ts';

const { database, admin } = await ownDatabase();
const db = createPool(database.urlFor('worker'), { name: 'pokes', maxConnections: 4, statementTimeoutMs: 10_000 });
afterAll(() => db.end());

async function isSomebodyWaiting(): Promise<boolean> {
  const { rowCount } = await admin.query(
    `select from pg_stat_activity where application_name = 'pokes' and wait_event_type = 'Lock'`,
  );
  return rowCount === 1;
}

test('a turn that has news for what is being delivered is not stopped by it, and all of its news is delivered again', async () => {
  const workflowIds = Array.from({ length: 20 }, (_, n) => `subscription:${n}`);
  const poke = (id: string) => inTransaction(db, (tx) => pokeProcess(tx, id, 'subscription', newId()));
  await Promise.all(workflowIds.map(poke));
  const outbox = new PokeOutbox(db);
  const claimed = await outbox.claim(50);

  const delivered = await inTransaction(db, async (tx) => {
    await pokeProcess(tx, 'subscription:7', 'subscription', newId());
    const delivering = outbox.delivered(claimed);
    await until(isSomebodyWaiting);
    for (const id of workflowIds) await pokeProcess(tx, id, 'subscription', newId());
    return { delivering };
  });
  await delivered.delivering;

  expect((await outbox.claim(50)).map(({ workflowId }) => workflowId).toSorted()).toEqual(workflowIds.toSorted());
});

test('a worker that says very late what it delivered takes no news away that came since', async () => {
  const poke = () => inTransaction(db, (tx) => pokeProcess(tx, 'subscription:late', 'subscription', newId()));
  const outbox = new PokeOutbox(db);
  await poke();
  const late = await outbox.claim(50);
  await admin.query(`update process_pokes set due_at = clock_timestamp()`); // its claim has run out
  await outbox.delivered(await outbox.claim(50));
  await poke();

  await outbox.delivered(late);

  expect(await outbox.claim(50)).toMatchObject([{ workflowId: 'subscription:late' }]);
});

/** What autovacuum left of a quiet night: it believes in one row. */
async function newsAfterAQuietNight(count: number): Promise<void> {
  await admin.query('truncate process_pokes');
  await admin.query(`select poke_process('subscription:done', 'subscription', gen_random_uuid()::text)`);
  await admin.query('delete from process_pokes');
  await admin.query('analyze process_pokes');
  await admin.query(
    `select poke_process('subscription:' || n, 'subscription', gen_random_uuid()::text) from generate_series(1, $1::int) n`,
    [count],
  );
}

test('no more news is claimed than was asked for, whatever PostgreSQL takes the table for', async () => {
  await newsAfterAQuietNight(500);
  const outbox = new PokeOutbox(db);

  const claimed = [await outbox.claim(50), await outbox.claim(50)];

  expect(claimed.map(({ length }) => length)).toEqual([50, 50]);
});
