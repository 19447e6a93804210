// What an organization reads of its audit log: all that its members did, and of what we did that it was done.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Browser } from './browser.ts';
import { done, type ManagementApp, startManagementApp } from './management-app.ts';

let app: ManagementApp;
let owner: Browser;
let orgId: string;
let personId: string;

beforeAll(async () => {
  app = await startManagementApp(false, ['127.0.0.1']);
  owner = new Browser(app, '198.18.9.1');
  ({ personId } = await owner.signUp());
  orgId = (await owner.get('/me')).string('memberships.0.orgId');
});
afterAll(() => app.close());

interface Entry {
  readonly id: string;
  readonly actor: string;
  readonly action: string;
  readonly [field: string]: unknown;
}

const logOf = async (query = '') =>
  done(await owner.get(`/organizations/${orgId}/audit${query}`)).list('data') as Entry[];
const exported = async (query = '') => done(await owner.get(`/organizations/${orgId}/audit/export${query}`)).text;

test('what a member did is told with before and after and from where; what we did there, that it was done', async () => {
  done(await owner.post('/api-keys', { orgId, name: 'of the owner' }));
  const path = `/api/v1/organizations/${orgId}`;
  const reason = 'we suspect fraud';
  done(await app.call('patch', path, { body: { rateTier: 'standard', reason }, headers: { 'if-match': '*' } }));

  const log = await logOf();

  expect(log.find(({ action }) => action === 'api_key.created')).toMatchObject({
    actor: `person:${personId}`,
    targetKind: 'api_key',
    after: { name: 'of the owner' },
    clientAddress: '198.18.9.1',
  });
  expect(log.find(({ action }) => action === 'organization.changed')).toMatchObject({
    ...{ actor: 'tollgate', targetId: orgId, before: null, after: null, reason: null, clientAddress: null },
  });
  expect(JSON.stringify(log)).not.toContain(reason);
  expect(await exported('?format=ndjson')).not.toContain(reason);
});

test('it is filtered by who, what and when, page by page, and a file has the same entries in the order of time', async () => {
  const all = await logOf();
  const first = done(await owner.get(`/organizations/${orgId}/audit?limit=1`));
  const rest = await logOf(`?cursor=${first.string('nextCursor')}`);

  expect([...first.list('data'), ...rest]).toEqual(all);
  expect((await logOf('?actor=tollgate')).every(({ actor }) => actor === 'tollgate')).toBe(true);
  expect((await logOf('?action=api_key.created')).map(({ action }) => action)).toEqual(['api_key.created']);
  expect(await logOf('?from=2199-01-01T00:00:00Z')).toEqual([]);
  const lines = (await exported('?format=ndjson')).trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line).id)).toEqual(all.map(({ id }) => id).reverse());
  const [head, ...rows] = (await exported('?actor=tollgate')).trimEnd().split('\r\n');
  expect(head).toMatch(/^"id","at","actor","action"/);
  expect(rows).toHaveLength((await logOf('?actor=tollgate')).length);
});

test('another organization’s is not there, and nothing of it is in one’s own', async () => {
  const stranger = new Browser(app, '198.18.9.2');
  await stranger.signUp();

  expect((await stranger.get(`/organizations/${orgId}/audit`)).status).toBe(404);
  expect((await stranger.get(`/organizations/${orgId}/audit/export`)).status).toBe(404);
  const own = (await stranger.get('/me')).string('memberships.0.orgId');
  const log = done(await stranger.get(`/organizations/${own}/audit`)).list('data') as Entry[];
  expect(log.some(({ actor }) => actor === `person:${personId}`)).toBe(false);
});
