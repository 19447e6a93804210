// A disabled key stops within a second, and a lost notification delays that by one poll, not for ever.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Pool } from 'pg';
import { ApiKeyCache } from '../../../services/api-keys/api-key-cache.ts';
import { ChangeFeed } from '../../../services/api-keys/change-feed.ts';
import { createLog } from '../../../services/platform/log.ts';
import { createPool } from '../../../services/platform/postgres.ts';
import { payUrlOf } from '../../support/overdue.ts';
import { startThrowawayPostgres, type ThrowawayPostgres } from '../../support/throwaway-postgres.ts';
import { until } from '../../support/until.ts';
import { newApiKey, newCustomer } from './customers.ts';

const silent = createLog({ name: 'test', level: 'silent' });
const settings = { name: 'feed test', maxConnections: 4, statementTimeoutMs: 1_000 };
let server: ThrowawayPostgres;
let staff: Pool;
let url: string;

beforeAll(async () => {
  server = await startThrowawayPostgres();
  const database = await server.createDatabase();
  staff = createPool(database.url, settings);
  url = database.urlFor('gateway');
});
afterAll(async () => {
  await staff.end();
  await server.stop();
});

async function listening() {
  const heard: string[] = [];
  const events: string[] = [];
  const count = (event: string) => events.filter((seen) => seen === event).length;
  const log = createLog({ name: 'test', level: 'info' }, { write: (line) => void events.push(JSON.parse(line).msg) });
  const feed = new ChangeFeed(
    url,
    {
      changed: (kind, id) => void heard.push(`${kind}:${id}`),
      upToDate: () => void events.push('up_to_date'),
      reconnected: () => void events.push('reconnected'),
    },
    log,
  );
  await feed.start();
  return { heard, count, [Symbol.asyncDispose]: () => feed.stop() };
}

test('a committed change is told to every gateway', async () => {
  await using feed = await listening();

  const { orgId } = await newCustomer(staff);

  await until(() => feed.heard.includes(`organization:${orgId}`));
});

test('grants and recalls come over the same channel, with ids that contain colons', async () => {
  await using feed = await listening();

  await staff.query(
    `select pg_notify('tollgate_config', 'grant:some-org'), pg_notify('tollgate_config', 'recall:a:b')`,
  );

  await until(() => feed.heard.includes('recall:a:b'));
  expect(feed.heard).toContain('grant:some-org');
});

test('a change whose notification was lost is found by reading', async () => {
  await using feed = await listening();
  const target = randomUUID();

  await staff.query(`insert into config_changes (kind, target_id) values ('api_key', $1)`, [target]);

  await until(() => feed.heard.includes(`api_key:${target}`));
});

test('the feed survives a restart of the database, and says that changes may have been missed', async () => {
  await using feed = await listening();
  expect(feed.count('reconnected')).toBe(1);

  server.kill('SIGKILL');
  await server.restart();
  await until(() => feed.count('reconnected') === 2);
  const { orgId } = await newCustomer(staff);

  await until(() => feed.heard.includes(`organization:${orgId}`));
});

test('a feed that starts while the database is down begins when it is up', async () => {
  server.kill('SIGKILL');
  await using feed = await listening();
  expect(feed.count('reconnected')).toBe(0);

  await server.restart();

  await until(() => feed.count('up_to_date') === 1);
});

test('a silent database is noticed, and heard again when it wakes', async () => {
  await using feed = await listening();

  server.kill('SIGSTOP');
  await until(() => feed.count('change_feed_lost') === 1);
  server.kill('SIGCONT');
  await until(() => feed.count('reconnected') === 2);
  const { orgId } = await newCustomer(staff);

  await until(() => feed.heard.includes(`organization:${orgId}`));
});

test('a key that is disabled stops working in a gateway that had it in memory', async () => {
  const pool = createPool(url, settings);
  const cache = new ApiKeyCache(pool, () => performance.now(), payUrlOf);
  const feed = new ChangeFeed(
    url,
    {
      changed: (kind, id) => cache.forget(kind, id),
      upToDate: () => cache.confirm(),
      reconnected: () => cache.suspectAll(),
    },
    silent,
  );
  await feed.start();
  const { id, digest } = await newApiKey(staff, await newCustomer(staff));
  await until(async () => (await cache.load(digest)) !== 'unknown' && cache.cached(digest) !== undefined);

  await staff.query('update api_keys set disabled_at = now() where id = $1', [id]);

  await until(() => cache.cached(digest) === undefined);
  expect(await cache.load(digest)).toMatchObject({ disabled: 'key' });
  await feed.stop();
  await pool.end();
});
