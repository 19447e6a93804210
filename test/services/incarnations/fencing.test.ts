// Only who is dead or silent is fenced: not who could not be looked at, and not who could not reach PostgreSQL.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { Client } from 'pg';
import { processStartedAt } from '../../../services/incarnations/process-identity.ts';
import { newId } from '../../../services/platform/ids.ts';
import { startThrowawayPostgres } from '../../support/throwaway-postgres.ts';

const IDENTITY = fileURLToPath(new URL('../../../services/incarnations/process-identity.ts', import.meta.url));

/** Uses up its file descriptors, and then looks for itself. */
const BLIND = `
  import { openSync } from 'node:fs';
  import { processStartedAt } from ${JSON.stringify(IDENTITY)};
  try { for (;;) openSync('/dev/null', 'r'); } catch {}
  let seen;
  try { seen = processStartedAt(process.pid); } catch (error) { seen = error.code; }
  process._rawDebug(seen);`;

test('a process that could not be looked at is not taken for dead', () => {
  const seen = execFileSync(
    'sh',
    ['-c', 'ulimit -n 64; exec "$0" --input-type=module --eval "$1" 2>&1', process.execPath, BLIND],
    { encoding: 'utf8' },
  );

  expect(seen).toContain('EMFILE');
  expect(processStartedAt(2 ** 30)).toBeNull();
});

test('nobody is fenced for silence within 90 s of a promotion of PostgreSQL', async () => {
  const postgres = await startThrowawayPostgres();
  const client = new Client({ connectionString: (await postgres.createDatabase()).url });
  await client.connect();
  try {
    // A server that has been up for an hour, as a standby is when it is promoted.
    await client.query(`
      create schema up_for_long;
      create function up_for_long.pg_postmaster_start_time() returns timestamptz language sql
        return clock_timestamp() - interval '1 hour';
      alter function fence_incarnations(uuid) set search_path = up_for_long, pg_catalog, public, pg_temp`);
    const silent = newId();
    await client.query(
      `insert into gateway_incarnations (id, host, pid, process_started, journal_path, renewed_at)
       values ($1, 'there', 1, '1', '/', clock_timestamp() - interval '5 minutes')`,
      [silent],
    );
    const fenced = async () => (await client.query('select fence_incarnations(null) as id')).rows;

    expect(await fenced()).toEqual([]);
    await client.query(`update server_timelines set first_seen_at = clock_timestamp() - interval '91 seconds'`);

    expect(await fenced()).toEqual([{ id: silent }]);
  } finally {
    await client.end();
    await postgres.stop();
  }
});
