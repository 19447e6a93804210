// Every entry of the audit log has one place in one chain, whoever writes at once and whatever is rolled back; and nobody waits for it but
// while others commit.
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { Pool, PoolClient } from 'pg';
import { type Author, writeAudit } from '../../../services/audit/audit.ts';
import { proveAuditLog } from '../../../services/audit/audit-proof.ts';
import { newId } from '../../../services/platform/ids.ts';
import { createPool, inTransaction } from '../../../services/platform/postgres.ts';
import { oneRow } from '../../support/bare-gateway.ts';
import { ownDatabase } from '../../support/own-database.ts';
import { startThrowawayPostgres } from '../../support/throwaway-postgres.ts';
import { until } from '../../support/until.ts';

const { database, admin } = await ownDatabase();
let worker: Pool;
let orgs: readonly string[];

beforeAll(async () => {
  worker = createPool(database.urlFor('worker'), { name: 'test', maxConnections: 12, statementTimeoutMs: 20_000 });
  const { rows } = await admin.query<{ id: string }>(
    `insert into organizations (name) select 'o' from generate_series(1, 4) returning id`,
  );
  orgs = rows.map(({ id }) => id);
});
afterAll(() => worker.end());
let before: number;
beforeEach(async () => {
  before = await length();
});

async function length(): Promise<number> {
  const { count } = await oneRow<{ count: string }>(admin, 'select count(*) from audit_log');
  return Number(count);
}

const author = (): Author => ({ actor: 'ada', requestId: newId(), clientAddress: '203.0.113.7' });

function changed(tx: PoolClient, orgId: string, reason = 'why') {
  const after = { name: 'b', creditNano: 1_234_567_890_123_456_789n };
  return writeAudit(tx, author(), {
    action: 'organization.changed',
    targetKind: 'organization',
    targetId: orgId,
    before: { name: 'a' },
    after,
    reason,
  });
}

test('of writers at once, some of whom give up, each entry that was committed has a place, and none is left out', async () => {
  const writers = Array.from({ length: 120 }, (_, n) =>
    inTransaction(worker, async (tx) => {
      for (let entry = 0; entry <= n % 3; entry += 1) await changed(tx, orgs[n % 4] ?? '');
      if (n % 5 === 0) throw new Error('given up');
    }).catch(() => 'given up'),
  );
  const outcomes = await Promise.all(writers);

  const { ok, head, checks } = await proveAuditLog(worker);

  expect(outcomes.filter((outcome) => outcome === 'given up')).toHaveLength(24);
  expect([ok, checks.filter((check) => !check.ok)]).toEqual([true, []]);
  expect(head?.seq).toBe(await length());
  expect(await length()).toBe(before + 192);
});

test('who has written an entry and has not committed holds up nobody', async () => {
  const slow = await worker.connect();
  await slow.query('begin');
  await changed(slow, orgs[0] ?? '', 'slow');

  await inTransaction(worker, (tx) => changed(tx, orgs[1] ?? '', 'quick'));
  await slow.query('commit');
  slow.release();

  const { rows } = await admin.query<{ reason: string }>('select reason from audit_log where seq > $1 order by seq', [
    before,
  ]);
  expect(rows.map(({ reason }) => reason)).toEqual(['quick', 'slow']);
});

test('two who hold what the other wants next, after their entries, never wait for each other through the log', async () => {
  const [one, other] = [await worker.connect(), await worker.connect()];
  await Promise.all([one.query('begin'), other.query('begin')]);
  await changed(one, orgs[0] ?? '');
  await other.query('select from organizations where id = $1 for update', [orgs[1]]);
  const waiting = one.query('select from organizations where id = $1 for update', [orgs[1]]);

  await changed(other, orgs[1] ?? '');
  await other.query('commit');
  await waiting;
  await one.query('commit');

  for (const client of [one, other]) client.release();
  expect((await proveAuditLog(worker)).head?.seq).toBe(before + 2);
});

test('an entry says who, what, before, after, why, from where and when, and its hash is that of exactly this and of what came before', async () => {
  await admin.query('insert into billing_clock (ahead) values ($1)', ['3 days']);
  await inTransaction(worker, (tx) => changed(tx, orgs[2] ?? '', 'grüße 你好 \u2028'));

  const { content, hash, previous } = await oneRow<{ content: string; hash: string; previous: string }>(
    admin,
    `select audit_content(a) as content, encode(hash, 'hex') as hash,
            (select encode(p.hash, 'hex') from audit_log p where p.seq = a.seq - 1) as previous
       from audit_log a order by seq desc limit 1`,
  );
  const entry = JSON.parse(content);

  expect(createHash('sha256').update(content).digest('hex')).toBe(hash);
  expect(entry).toEqual({
    seq: before + 1,
    previous,
    previousOfOrg: expect.stringMatching(/^[0-9a-f]{64}$/),
    at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:]+\.\d{6}Z$/),
    billingAt: expect.any(String),
    actor: 'ada',
    action: 'organization.changed',
    targetKind: 'organization',
    targetId: orgs[2],
    orgId: orgs[2],
    before: { name: 'a' },
    after: { name: 'b', creditNano: '1234567890123456789' },
    reason: 'grüße 你好 \u2028',
    requestId: expect.any(String),
    clientAddress: '203.0.113.7',
  });
  const ahead = Date.parse(entry.billingAt) - Date.parse(entry.at);
  expect(Math.round(ahead / 1_000)).toBe(3 * 86_400);
});

test('a database that is killed under its writers has every entry that was acknowledged, and a whole chain', async () => {
  const postgres = await startThrowawayPostgres();
  const own = await postgres.createDatabase();
  const pool = createPool(own.urlFor('worker'), { name: 'test', maxConnections: 8, statementTimeoutMs: 20_000 });
  const acknowledged: string[] = [];
  const write = async () => {
    for (;;) {
      const reason = newId();
      await inTransaction(pool, (tx) => changed(tx, newId(), reason));
      acknowledged.push(reason);
    }
  };
  const writers = Array.from({ length: 8 }, () => write().catch(() => 'killed'));
  try {
    await until(() => acknowledged.length >= 100);

    postgres.kill('SIGKILL');
    await Promise.all(writers);
    await postgres.restart();

    const { rows } = await pool.query<{ reason: string }>('select reason from audit_log');
    expect(rows.map(({ reason }) => reason)).toEqual(expect.arrayContaining(acknowledged));
    expect((await proveAuditLog(pool)).ok).toBe(true);
  } finally {
    await postgres.stop();
    await pool.end();
  }
});

test('a process can choose neither place nor hash nor time of what it writes', async () => {
  for (const column of ['seq', 'hash', 'previous_hash', 'previous_of_org', 'at', 'billing_at']) {
    const sql = `insert into audit_log (actor, action, target_kind, target_id, ${column}) values ('a', 'b', 'c', 'd', null)`;
    expect([column, await refusalOf(sql)]).toEqual([column, '42501']);
  }
  expect(await refusalOf('update audit_head set seq = 0')).toBe('42501');
});

async function refusalOf(sql: string): Promise<unknown> {
  return worker.query(sql).then(
    () => null,
    (error: unknown) => (error instanceof Error && 'code' in error ? error.code : error),
  );
}
