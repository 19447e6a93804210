// PostgreSQL itself keeps organizations apart for whoever calls as a member of one, also from a query that forgot to (D42).
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Client, type Pool } from 'pg';
import { ofOneOrganization } from '../../../services/organizations/one-organization.ts';
import { createPool } from '../../../services/platform/postgres.ts';
import { type ManagementApp, startManagementApp } from './management-app.ts';
import { startMockUpstream } from './mock-upstream.ts';
import { oneOfEverything, type World } from './one-of-everything.ts';
import { signedInAs } from './signed-in-as.ts';

/** What is sold, how this installation runs, and figures that are nobody's. */
const OF_NO_CUSTOMER = [
  ...['audit_anchors', 'audit_head', 'balance_looks', 'billing_clock', 'billing_incidents', 'business_calendars'],
  ...['business_holidays', 'channel_models', 'channels', 'config_changes', 'gateway_incarnations', 'invoice_numbers'],
  ...['models', 'plan_versions', 'price_versions', 'rate_tiers', 'server_timelines', 'staff_addresses', 'tax_regimes'],
  ...['usage_export_cursors'],
];
/** Which workflow is to look at its row again. */
const SAYS_NOTHING_OF_IT = ['process_pokes'];
/** Asked by who had sent the request, with what he had sent. */
const ASKED_BY_ITS_AUTHOR = ['management_idempotency'];

let app: ManagementApp;
let world: World;
let members: Pool;
let orgIds: string[];

beforeAll(async () => {
  app = await startManagementApp();
  const upstream = await startMockUpstream();
  world = await oneOfEverything(app, upstream);
  upstream.close();
  members = createPool(app.database.urlFor('members'), { name: 'test', maxConnections: 4, statementTimeoutMs: 5_000 });
  const { rows } = await app.db.query<{ id: string }>('select id from organizations');
  orgIds = rows.map(({ id }) => id);
});
afterAll(async () => {
  await members.end();
  await app.close();
});

test('each table within a member’s reach is kept apart, or holds nothing that is a customer’s', async () => {
  const { rows } = await app.db.query<{ name: string }>(
    `select c.oid::regclass::text as name from pg_class c
      where c.relkind in ('r', 'p') and c.relnamespace in ('public'::regnamespace, 'auth'::regnamespace)
        and has_any_column_privilege('tollgate_members', c.oid, 'select, insert, update')
        and not exists (select from pg_policy p where p.polrelid = c.oid and p.polname = 'one_organization' and c.relrowsecurity)`,
  );

  const open = rows.map(({ name }) => name).sort();
  expect(open).toEqual([...OF_NO_CUSTOMER, ...SAYS_NOTHING_OF_IT, ...ASKED_BY_ITS_AUTHOR].sort());
});

test('a query that names no organization finds all that the caller’s has, and nothing of another', async () => {
  const tables = await tablesOfOrganizations();
  const found: string[] = [];
  for (const { name, key } of tables) {
    for (const orgId of orgIds) {
      const seen = await rowsIn(name, ofOneOrganization(members, orgId));
      const own = await rowsIn(`${name} where ${key} = '${orgId}'`, app.db);
      expect([name, orgId, seen]).toEqual([name, orgId, own]);
      if (seen.length > 0) found.push(name);
    }
  }

  expect(orgIds.length).toBeGreaterThan(1);
  expect(new Set(found).size).toBeGreaterThan(20);
});

test('what hangs on a row of an organization is shown to that one alone', async () => {
  const own = new Set((await tablesOfOrganizations()).map(({ name }) => name));
  const hanging = (await tablesKeptApart()).filter((name) => !own.has(name) && name !== 'persons');
  for (const name of hanging) {
    const seen = await Promise.all(orgIds.map((orgId) => rowsIn(name, ofOneOrganization(members, orgId))));
    const all = seen.flat();
    expect([name, new Set(all).size]).toEqual([name, all.length]);
    expect([name, await rowsIn(name, ofOneOrganization(members, randomUUID()))]).toEqual([name, []]);
  }

  const { rows } = await ofOneOrganization(members, world.orgId).query('select id from refunds');
  expect(rows).toHaveLength(1);
});

test('a person is shown to those who are in an organization with him', async () => {
  const seen = await ofOneOrganization(members, world.orgId).query('select id from persons order by id');
  const own = await app.db.query('select person_id as id from memberships where org_id = $1 order by 1', [world.orgId]);

  expect(seen.rows).toEqual(own.rows);
});

test('a member can neither write nor change what is another organization’s', async () => {
  const [elsewhere = ''] = orgIds.filter((id) => id !== world.orgId);
  const own = ofOneOrganization(members, world.orgId);

  const project = `insert into projects (org_id, name) values ('${elsewhere}', 'smuggled')`;
  await expect(own.query(project)).rejects.toMatchObject({ code: '42501' });
  const moved = `update projects set org_id = '${elsewhere}' where id = '${world.projectId}'`;
  await expect(own.query(moved)).rejects.toMatchObject({ code: '42501' });
  expect(await own.query(`update organizations set name = 'mine' where id = '${elsewhere}'`)).toMatchObject({
    rowCount: 0,
  });
});

test('whoever has not said whose member calls is shown nothing', async () => {
  const fresh = new Client({ connectionString: app.database.urlFor('members') });
  await fresh.connect();
  const shown = new Map<string, unknown>();
  for (const name of await tablesKeptApart()) {
    const asked = fresh.query(`select from ${name}`);
    const outcome = await asked.then(
      ({ rowCount }) => rowCount,
      (error: { code?: string }) => error.code,
    );
    shown.set(name, outcome);
  }
  await fresh.end();

  // Of what is no member's there is nothing; all else fails, since tollgate.organization is not set.
  expect(new Set(shown.values())).toEqual(new Set([0, '42704']));
  expect(shown.get('organizations')).toBe('42704');
});

test('a member, and a program with a key, are held to these rules, the operator is not', async () => {
  const { cookie } = await signedInAs(app, { member: { orgId: world.orgId, role: 'owner' } });
  const { rows } = await app.db.query<{ id: string }>('select request_id as id from usage_records limit 1');
  const requestId = rows[0]?.id ?? '';
  const ways = {
    member: () => app.call('get', `/api/v1/requests?orgId=${world.orgId}`, { credential: null, headers: { cookie } }),
    key: () => app.call('get', `/api/v1/requests/${requestId}`, { credential: world.credential }),
    operator: () => app.call('get', `/api/v1/requests?orgId=${world.orgId}`),
  };
  const whoSees = async () => {
    const seen: string[] = [];
    for (const [who, ask] of Object.entries(ways)) {
      const { status, text } = await ask();
      if (status === 200 && text.includes(requestId)) seen.push(who);
    }
    return seen;
  };

  const before = await whoSees();
  for (const table of ['usage_records', 'attempts']) {
    await app.db.query(`alter policy one_organization on ${table} using (false)`);
  }

  expect(before).toEqual(['member', 'key', 'operator']);
  expect(await whoSees()).toEqual(['operator']);
});

test('whoever is no member pays nothing for it: his plans have no condition more', async () => {
  for (const name of await tablesKeptApart()) {
    const { rows } = await app.worker.query(`explain select from ${name}`);
    expect([name, rows.filter((row) => row['QUERY PLAN'].includes('Filter'))]).toEqual([name, []]);
  }
});

/** By a column of their own. How people get in is shown to nobody as a member, also not what says for which organization that is. */
async function tablesOfOrganizations(): Promise<{ name: string; key: string }[]> {
  const { rows } = await app.db.query<{ name: string }>(
    `select p.polrelid::regclass::text as name from pg_policy p join pg_attribute a on a.attrelid = p.polrelid and a.attname = 'org_id'
      where p.polname = 'one_organization' and p.polrelid::regclass::text not like 'auth.%' order by 1`,
  );
  return [...rows.map(({ name }) => ({ name, key: 'org_id' })), { name: 'organizations', key: 'id' }];
}

async function tablesKeptApart(): Promise<string[]> {
  const { rows } = await app.db.query<{ name: string }>(
    `select polrelid::regclass::text as name from pg_policy where polname = 'one_organization' order by 1`,
  );
  return rows.map(({ name }) => name);
}

/** By their places in the table. */
async function rowsIn(what: string, db: Pool): Promise<string[]> {
  const { rows } = await db.query<{ place: string }>(`select tableoid || ':' || ctid::text as place from ${what}`);
  return rows.map(({ place }) => place).sort();
}
