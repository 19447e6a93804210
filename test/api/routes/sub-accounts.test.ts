// Sub-accounts of an enterprise: what may be agreed on for one of them, by whom and for how long, and from where API keys may be used, which the
// organization says for itself.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Answered, done, type ManagementApp, startManagementApp } from './management-app.ts';
import { type Somebody, signedInAs } from './signed-in-as.ts';

const reason = 'as agreed';
const ifMatch = { 'if-match': '*' };

let app: ManagementApp;
let seller: Somebody;
let colleague: Somebody;

beforeAll(async () => {
  app = await startManagementApp(false);
  seller = await signedInAs(app, { staff: ['business'] });
  colleague = await signedInAs(app, { staff: ['business'] });
});
afterAll(() => app.close());

async function ask(by: Somebody | null, method: string, under: string, body?: unknown): Promise<Answered> {
  const cookie = by === null ? {} : { cookie: by.cookie, origin: app.url };
  return app.call(method, `/api/v1${under}`, {
    ...(by === null ? {} : { credential: null }),
    body,
    headers: { ...ifMatch, ...cookie },
  });
}

/** With a contract at this price; null: without one. */
async function organizationAt(priceOfListPpm: number | null): Promise<{ orgId: string; projectId: string }> {
  const orgId = done(await ask(null, 'post', '/organizations', { name: 'Acme' })).string('id');
  if (priceOfListPpm !== null) {
    done(
      await ask(null, 'post', `/organizations/${orgId}/contract`, { creditLineCents: 1_000, priceOfListPpm, reason }),
    );
  }
  const projectId = done(await ask(null, 'post', '/projects', { orgId, name: 'Support' })).string('id');
  return { orgId, projectId };
}

function agree(by: Somebody | null, projectId: string, priceOfListPpm: number | null): Promise<Answered> {
  return ask(by, 'post', `/projects/${projectId}/prices`, { priceOfListPpm, reason });
}

async function pricesOf(projectId: string): Promise<unknown[]> {
  const project = done(await ask(null, 'get', `/projects/${projectId}`));
  return [project.field('priceOfListPpm'), project.field('costsOfListPpm')];
}

test('a sub-account costs what its organization has agreed on until it has agreed on less, which ends with the contract', async () => {
  const { orgId, projectId } = await organizationAt(950_000);
  const unpriced = await pricesOf(projectId);

  const agreed = await agree(seller, projectId, 900_000);
  const own = await pricesOf(projectId);
  done(await ask(null, 'post', `/organizations/${orgId}/contract/end`, { reason }));
  const ended = await pricesOf(projectId);
  done(
    await ask(null, 'post', `/organizations/${orgId}/contract`, {
      creditLineCents: 1_000,
      priceOfListPpm: 930_000,
      reason,
    }),
  );

  expect(unpriced).toEqual([null, 950_000]);
  expect([agreed.status, own]).toEqual([200, [900_000, 900_000]]);
  expect(ended).toEqual([null, 1_000_000]);
  expect(await pricesOf(projectId)).toEqual([null, 930_000]);
});

test.each([
  ['more than its organization pays', 900_000, 900_001, 422],
  ['nothing', 900_000, 0, 422],
  ['a price of its own without a contract', null, 900_000, 404],
])('a sub-account is never to pay %s', async (_, agreed, wanted, status) => {
  const { projectId } = await organizationAt(agreed);
  const before = await pricesOf(projectId);

  const refused = await agree(seller, projectId, wanted);

  expect([refused.status, await pricesOf(projectId)]).toEqual([status, before]);
});

test('of every plan and every own price, an enterprise’s own one counts where it is the lower, and no other plan knows it', async () => {
  const { projectId } = await organizationAt(null);
  await app.db.query(
    `insert into plan_versions values ('enterprise-table', 'enterprise', now(), 0, 0, null, 'all', 800000, 'very_high')`,
  );
  const { rows: plans } = await app.db.query<{ id: string; plan: string; ppm: number }>(
    'select id, plan, beyond_included_ppm as ppm from plan_versions',
  );
  for (const own of [null, 1, 799_999, 800_000, 800_001, 1_000_000, 2_000_000]) {
    await app.db.query('update projects set price_of_list_ppm = $2 where id = $1', [projectId, own]);
    for (const { id, plan, ppm } of plans) {
      const { rows } = await app.db.query('select coalesce(rate_beyond_included($1, $2), 1000000) as ppm', [
        id,
        projectId,
      ]);
      const costs = plan === 'enterprise' && own !== null ? Math.min(own, ppm) : ppm;
      expect([id, own, rows]).toEqual([id, own, [{ ppm: costs }]]);
    }
  }
  expect(new Set(plans.map(({ plan }) => plan)).size).toBe(5);
});

test('below 84.2 % of list price it takes a second person, and until then nothing has changed', async () => {
  const { projectId } = await organizationAt(950_000);

  const proposed = await agree(seller, projectId, 842_105);
  const meanwhile = await pricesOf(projectId);
  const decision = { decision: 'approved', reason };
  const decided = await ask(colleague, 'post', `/proposals/${proposed.string('id')}/decisions`, decision);

  expect([proposed.status, meanwhile]).toEqual([202, [null, 950_000]]);
  expect([decided.field('outcome.status'), await pricesOf(projectId)]).toEqual([200, [842_105, 842_105]]);
  expect((await agree(seller, projectId, 842_106)).status).toBe(200);
});

test('no member names a price, neither by the route of prices nor in a body that changes the sub-account', async () => {
  const { orgId, projectId } = await organizationAt(950_000);
  const owner = await signedInAs(app, { member: { orgId, role: 'owner' } });

  const priced = await agree(owner, projectId, 900_000);
  const smuggled = await ask(owner, 'patch', `/projects/${projectId}`, { priceOfListPpm: 1 });

  expect([priced.status, smuggled.status, await pricesOf(projectId)]).toEqual([403, 422, [null, 950_000]]);
});

test('who changed the addresses of an organization or a sub-account, from what to what, stands in the audit log', async () => {
  const { orgId, projectId } = await organizationAt(null);
  const owner = await signedInAs(app, { member: { orgId, role: 'owner' } });
  const ranges = { allowedAddresses: ['203.0.113.9/24', '2001:db8::7'] };

  const ofAll = await ask(owner, 'patch', `/organizations/${orgId}/allowed-addresses`, ranges);
  const ofOne = await ask(owner, 'patch', `/projects/${projectId}`, ranges);

  const kept = ['203.0.113.0/24', '2001:db8::7/128'];
  expect([ofAll.field('allowedAddresses'), ofOne.field('allowedAddresses')]).toEqual([kept, kept]);
  const { rows } = await app.db.query(
    `select action, actor, before -> 'allowedAddresses' as before, after -> 'allowedAddresses' as after from audit_log
      where org_id = $1 and action in ('organization.addresses_changed', 'project.changed') order by id`,
    [orgId],
  );
  const by = `person:${owner.personId}`;
  expect(rows).toEqual([
    { action: 'organization.addresses_changed', actor: by, before: null, after: kept },
    { action: 'project.changed', actor: by, before: null, after: kept },
  ]);
});

test('what is no address is named by its place in the list, and nothing is kept of it', async () => {
  const { orgId } = await organizationAt(null);
  const wrong = { allowedAddresses: ['10.0.0.0/8', '10.0.0.256'] };

  const refused = await ask(null, 'patch', `/organizations/${orgId}/allowed-addresses`, wrong);
  const stale = await app.call('patch', `/api/v1/organizations/${orgId}/allowed-addresses`, {
    body: { allowedAddresses: ['10.0.0.0/8'] },
    headers: { 'if-match': '"99"' },
  });

  expect([refused.status, refused.field('errors.0.field')]).toEqual([422, 'allowedAddresses.1']);
  expect(stale.status).toBe(412);
  expect(done(await ask(null, 'get', `/organizations/${orgId}`)).field('allowedAddresses')).toBeNull();
});

test('PostgreSQL itself shows the agreed prices of one organization to its own members alone, and lets nobody rewrite them', async () => {
  const { orgId, projectId } = await organizationAt(950_000);
  done(await agree(null, projectId, 900_000));
  const seen = async (asked: string) => {
    const client = await app.db.connect();
    try {
      await client.query('begin');
      await client.query('set local role tollgate_members');
      await client.query(`select set_config('tollgate.organization', $1, true)`, [asked]);
      return (await client.query('select price_of_list_ppm as ppm from project_prices')).rows;
    } finally {
      await client.query('rollback');
      client.release();
    }
  };

  expect([await seen(orgId), await seen(randomUUID())]).toEqual([[{ ppm: 900_000 }], []]);
  await expect(app.db.query('update project_prices set price_of_list_ppm = 1')).rejects.toMatchObject({
    code: '23001',
  });
});
