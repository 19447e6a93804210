// The bell is heard by the name of its outbox, and again after its connection was lost.
import { expect, test } from '@jest/globals';
import { OutboxBell } from '../../../services/platform/outbox-bell.ts';
import { ownDatabase } from '../../support/own-database.ts';
import { until } from '../../support/until.ts';

const { database, admin } = await ownDatabase();

test('who listens is told which outbox has news, also after the connection was cut', async () => {
  const rung: string[] = [];
  const bell = new OutboxBell(database.urlFor('worker'), (outbox) => rung.push(outbox));
  await bell.start();

  await admin.query(`notify tollgate_outbox, 'poke'`);
  await until(() => rung.includes('poke'));
  await admin.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'tollgate outbox bell'`,
  );
  await until(async () => {
    await admin.query(`notify tollgate_outbox, 'after'`);
    return rung.includes('after');
  });

  expect(new Set(rung)).toEqual(new Set(['poke', 'after']));
  await bell.stop();
});
