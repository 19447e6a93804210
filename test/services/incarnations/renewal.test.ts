// A gateway stops before others may fence it: it counts from when it asked, not from when it was answered.
import { afterEach, expect, jest, test } from '@jest/globals';
import { Pool } from 'pg';
import { Incarnation } from '../../../services/incarnations/incarnation.ts';
import { newId } from '../../../services/platform/ids.ts';
import { ownDatabase } from '../../support/own-database.ts';
import { until } from '../../support/until.ts';

const { database, admin } = await ownDatabase();

afterEach(() => {
  jest.useRealTimers();
});

/** Only the monotonic clock stands still until a test lets it go on; everything else runs. */
function holdTheClock(): void {
  jest.useFakeTimers({
    doNotFake: [
      ...(['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'setImmediate', 'clearImmediate'] as const),
      ...(['Date', 'hrtime', 'nextTick', 'queueMicrotask'] as const),
    ],
  });
}

test('a gateway admits for 60 s after the sending of its last confirmed renewal, however late the answer came', async () => {
  const id = newId();
  await admin.query(
    `insert into gateway_incarnations (id, host, pid, process_started, journal_path) values ($1, 'here', 1, '1', '/')`,
    [id],
  );
  const lock = await admin.connect();
  await lock.query('begin');
  await lock.query('select from gateway_incarnations where id = $1 for update', [id]);
  holdTheClock();
  const gateway = new Pool({ connectionString: database.urlFor('gateway') });
  const incarnation = new Incarnation(gateway, id, () => {});

  const begun = incarnation.begin('/');
  await until(async () => (await admin.query(WAITS_TO_RENEW)).rowCount === 1);
  jest.advanceTimersByTime(30_000);
  await lock.query('rollback');
  lock.release();
  await begun;

  jest.advanceTimersByTime(29_999);
  expect(incarnation.mayAdmit()).toBe(true);
  jest.advanceTimersByTime(1);
  expect(incarnation.mayAdmit()).toBe(false);
  incarnation.stop();
  await gateway.end();
});

const WAITS_TO_RENEW = `select from pg_stat_activity where wait_event_type = 'Lock' and query like '%renew_incarnation%'`;
