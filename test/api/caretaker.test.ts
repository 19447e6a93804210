// The caretaker goes when it is told to, whatever PostgreSQL does.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { Client } from 'pg';
import { Caretaker } from '../../api/caretaker.ts';
import { readConfig } from '../../services/platform/config.ts';
import { createLog } from '../../services/platform/log.ts';
import { startThrowawayPostgres } from '../support/throwaway-postgres.ts';
import { until } from '../support/until.ts';

test('a supervisor that is told to go does not wait for a recovery that hangs, nor for rounds that piled up behind it', async () => {
  const postgres = await startThrowawayPostgres();
  const database = await postgres.createDatabase();
  const journalDir = mkdtempSync(join(tmpdir(), 'journal-'));
  const secret = () => randomBytes(32).toString('base64');
  const config = readConfig({
    DATABASE_URL: database.urlFor('gateway'),
    DATABASE_URL_WORKER: database.urlFor('worker'),
    DATABASE_URL_MEMBERS: database.urlFor('members'),
    TOLLGATE_ADMIN_TOKEN: secret(),
    TOLLGATE_LINK_SECRET: secret(),
    TOLLGATE_MASTER_KEYS: JSON.stringify({ current: 1, keys: { 1: secret() } }),
    TOLLGATE_JOURNAL_DIR: journalDir,
  });
  const caretaker = new Caretaker(config, createLog({ name: 'test', level: 'silent' }));
  await caretaker.begin();
  const other = new Client({ connectionString: database.url });
  await other.connect();
  const waiting = async () => (await other.query(WAITS_FOR_LOCK)).rowCount ?? 0;

  await other.query('begin');
  await other.query('lock table gateway_incarnations in access exclusive mode');
  await until(async () => (await waiting()) > 0);
  await caretaker.end();

  expect(await waiting()).toBe(1); // the one that hung, and nothing behind it
  await other.query('rollback');
  await other.end();
  await postgres.stop();
  rmSync(journalDir, { recursive: true });
});

const WAITS_FOR_LOCK = `select from pg_stat_activity where wait_event_type = 'Lock' and application_name = 'tollgate caretaker'`;
