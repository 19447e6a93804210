// A proof that finds nothing proves nothing: whatever a superuser does to the audit log past its triggers is found, and what only somebody
// finds who has kept an anchor elsewhere is said here, too.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Pool } from 'pg';
import { writeAudit } from '../../../services/audit/audit.ts';
import {
  type Anchor,
  type AuditProof,
  keepAnchor,
  lastAnchor,
  proveAuditLog,
} from '../../../services/audit/audit-proof.ts';
import { newId } from '../../../services/platform/ids.ts';
import { createPool, inTransaction } from '../../../services/platform/postgres.ts';
import { onPlantedCopy } from '../../support/planted-copy.ts';
import {
  startThrowawayPostgres,
  type ThrowawayDatabase,
  type ThrowawayPostgres,
} from '../../support/throwaway-postgres.ts';

const ENTRIES = 24;
const ANCHORED = 20;

let postgres: ThrowawayPostgres;
let database: ThrowawayDatabase;
let admin: Pool;
let anchor: Anchor;

// Twenty entries of two organizations and the installation, a proof, and four more.
beforeAll(async () => {
  postgres = await startThrowawayPostgres();
  database = await postgres.createDatabase();
  admin = createPool(database.url, { name: 'test', maxConnections: 4, statementTimeoutMs: 10_000 });
  await admin.query(`insert into billing_clock (ahead) values ('3 days')`);
  const orgs = await admin.query<{ id: string }>(`insert into organizations (name) values ('a'), ('b') returning id`);
  for (let entry = 1; entry <= ENTRIES; entry += 1) {
    const orgId = [...orgs.rows.map(({ id }) => id), null][entry % 3] ?? null;
    await write(orgId, entry);
    if (entry === ANCHORED) anchor = await proven();
  }
});
afterAll(async () => {
  await admin.end();
  await postgres.stop();
});

async function write(orgId: string | null, entry: number): Promise<void> {
  const author = { actor: 'ada', requestId: newId(), clientAddress: '203.0.113.7', workflowId: 'w' };
  const target =
    orgId === null
      ? ({ targetKind: 'model', targetId: 'm' } as const)
      : ({ targetKind: 'organization', targetId: orgId } as const);
  await inTransaction(admin, (tx) =>
    writeAudit(tx, author, {
      action: 'thing.changed',
      ...target,
      before: { entry },
      after: { entry: entry + 1 },
      reason: 'why',
    }),
  );
}

async function proven(): Promise<Anchor> {
  const { head } = await proveAuditLog(admin);
  if (head === null) throw new Error('there is nothing to prove');
  await keepAnchor(admin, head);
  return head;
}

/** Hashes, links and head as they would be, had the log been written as it stands. */
const REBUILT = `
  do $$ declare e audit_log; v_hash bytea; begin
    for e in select * from audit_log order by seq loop
      e.previous_hash := v_hash;
      e.previous_of_org := (select a.hash from audit_log a where a.org_id = e.org_id and a.seq < e.seq order by a.seq desc limit 1);
      v_hash := audit_hash(e);
      update audit_log set previous_hash = e.previous_hash, previous_of_org = e.previous_of_org, hash = v_hash where id = e.id;
    end loop;
    update audit_head set (seq, hash) = (select seq, hash from audit_log order by seq desc limit 1);
  end $$`;
const FORGED = `insert into audit_log (actor, action, target_kind, target_id) values ('eve', 'thing.changed', 'model', 'm')`;

/** What is done, how, and which checks find it. */
const PLANTED: readonly (readonly [what: string, sql: string, found: readonly string[]])[] = [
  ['an entry was changed', `update audit_log set reason = 'another' where seq = 7`, ['audit-content']],
  [
    'an entry was changed and given the hash of what it says now',
    `update audit_log set reason = 'another' where seq = 7; update audit_log a set hash = audit_hash(a) where seq = 7`,
    ['audit-links'],
  ],
  ['an entry was removed', 'delete from audit_log where seq = 7', ['audit-links', 'audit-places']],
  [
    'an entry was removed and the gap closed',
    `delete from audit_log where seq = 7; update audit_log set seq = -seq where seq > 7; update audit_log set seq = -seq - 1 where seq < 0`,
    ['audit-anchors', 'audit-content', 'audit-head', 'audit-links'],
  ],
  ['the first entry was removed', 'delete from audit_log where seq = 1', ['audit-links', 'audit-places']],
  ['an entry was inserted', FORGED, ['audit-places']],
  [
    'an entry was inserted among the others, with a hash of its own',
    `update audit_log set seq = -seq where seq >= 7; update audit_log set seq = -seq + 1 where seq < 0; ${FORGED};
     update audit_log set seq = 7, hash = '', previous_hash = (select hash from audit_log where seq = 6) where seq is null;
     update audit_log a set hash = audit_hash(a) where seq = 7`,
    ['audit-anchors', 'audit-content', 'audit-head', 'audit-links'],
  ],
  [
    'two entries have changed places',
    'update audit_log set seq = -seq where seq in (7, 8); update audit_log set seq = 15 + seq where seq < 0',
    ['audit-content', 'audit-links'],
  ],
  ['the end was cut off', 'delete from audit_log where seq > 22', ['audit-head']],
  [
    'the head was set back',
    'update audit_head set seq = 22, hash = (select hash from audit_log where seq = 22)',
    ['audit-head'],
  ],
  [
    'the end was cut off, from before the last proof, and the head set back',
    `delete from audit_log where seq > 18; ${REBUILT}`,
    ['audit-anchors'],
  ],
  [
    'an entry was changed, and all hashes after it made anew',
    `update audit_log set reason = 'another' where seq = 7; ${REBUILT}`,
    ['audit-anchors'],
  ],
  ['everything was removed', 'delete from audit_log; update audit_head set seq = 0, hash = null', ['audit-anchors']],
  [
    'the chain of an organization leaves one of its entries out, and all hashes were made anew',
    REBUILT.replace('a.seq < e.seq', 'a.seq < e.seq - 3'),
    ['audit-anchors', 'audit-links'],
  ],
];

function prove(defect: string, kept: Anchor | null = null): Promise<AuditProof> {
  return onPlantedCopy({ postgres, database }, defect, (copy) => proveAuditLog(copy, kept));
}

const failed = ({ checks }: AuditProof) =>
  checks
    .filter(({ ok }) => !ok)
    .map(({ id }) => id)
    .sort();

test('a log that nobody has touched has nothing to report, and tells where it ends', async () => {
  const proof = await proveAuditLog(admin, anchor);

  expect([failed(proof), proof.ok, proof.checks.length]).toEqual([[], true, 6]);
  expect(proof.head).toEqual({ seq: ENTRIES, hash: expect.stringMatching(/^[0-9a-f]{64}$/) });
  expect(await lastAnchor(admin)).toEqual(anchor);
});

test('a log in which nothing stands is proven, too', async () => {
  const empty = await postgres.createDatabase();
  const pool = createPool(empty.url, { name: 'test', maxConnections: 1, statementTimeoutMs: 10_000 });
  const { ok, head } = await proveAuditLog(pool);
  await pool.end();
  expect([ok, head, await onPlantedCopy({ postgres, database: empty }, 'select', lastAnchor)]).toEqual([
    true,
    null,
    null,
  ]);
});

test.each(PLANTED)('it is found that %s', async (_, defect, found) => {
  const proof = await prove(defect);

  expect([failed(proof), proof.ok]).toEqual([found, false]);
  for (const { ok, count, examples } of proof.checks) expect([count > 0, examples.length > 0]).toEqual([!ok, !ok]);
});

test('whatever column is changed, the entry does not have its hash any more', async () => {
  const { rows } = await admin.query<{ column: string; type: string }>(
    `select column_name as column, data_type as type from information_schema.columns
      where table_name = 'audit_log' and column_name not in ('id', 'hash') order by 1`,
  );
  const other: Record<string, string> = {
    text: `'another'`,
    uuid: 'gen_random_uuid()',
    jsonb: `'{"entry": 1.0}'`,
    bytea: `'another'`,
    bigint: '1000',
    'timestamp with time zone': `'2020-01-01'`,
  };
  const changes = rows.map(
    ({ column, type }, at) => `update audit_log set ${column} = ${other[type]} where id = ${at + 2}`,
  );

  const { checks } = await prove(changes.join(';'));

  expect(rows.length).toBeGreaterThan(15);
  expect(checks.find(({ id }) => id === 'audit-content')?.count).toBe(rows.length);
});

test('who makes everything anew, head and anchors too, is found by him alone who has kept an anchor elsewhere', async () => {
  const anew = `update audit_log set reason = 'another' where seq = 7; ${REBUILT}; delete from audit_anchors`;

  const [without, withOne] = [await prove(anew), await prove(anew, anchor)];

  expect([failed(without), failed(withOne)]).toEqual([[], ['audit-kept']]);
});

test('what was written after the last anchor and is cut off with its head is missed by nobody', async () => {
  const proof = await prove(`delete from audit_log where seq > ${ANCHORED}; ${REBUILT}`, anchor);
  expect([failed(proof), proof.head]).toEqual([[], anchor]);
});

test('each check is needed for something that was done here', async () => {
  const { checks } = await proveAuditLog(admin);
  expect([...new Set(PLANTED.flatMap(([, , found]) => found))].sort()).toEqual(checks.map(({ id }) => id).sort());
});
