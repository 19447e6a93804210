// A list read page by page shows every row exactly once, also while rows are added.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { newSubscription } from '../../../domain/subscription.ts';
import { newId } from '../../../services/platform/ids.ts';
import { done, type ManagementApp, startManagementApp } from './management-app.ts';
import { PRICE } from './one-of-everything.ts';

let app: ManagementApp;

beforeAll(async () => {
  app = await startManagementApp();
});
afterAll(() => app.close());

async function pages(
  path: string,
  pageSize: number,
  between: () => Promise<void> = async () => {},
  id = 'id',
): Promise<string[][]> {
  const seen: string[][] = [];
  let cursor: unknown = null;
  do {
    const next = cursor === null ? '' : `&cursor=${cursor}`;
    const answer = done(await app.call('get', `${path}${path.includes('?') ? '&' : '?'}limit=${pageSize}${next}`));
    seen.push(answer.list('data').map((_, at) => answer.string(`data.${at}.${id}`)));
    cursor = answer.field('nextCursor');
    if (cursor !== null) await between();
  } while (cursor !== null);
  return seen;
}

test('pages show every row once, newest first, also rows made in one instant and while others are added', async () => {
  await app.db.query(`insert into organizations (name) select 'crowd' from generate_series(1, 25)`);
  const { rows } = await app.db.query<{ id: string }>('select id from organizations order by created_at desc, id desc');
  const add = async () => void done(await app.call('post', '/api/v1/organizations', { body: { name: 'late' } }));

  const seen = await pages('/api/v1/organizations', 10, add);

  expect(seen.map((page) => page.length)).toEqual([10, 10, 5]);
  expect(seen.flat()).toEqual(rows.map(({ id }) => id));
});

test('a list that ends with a full page has no further page', async () => {
  for (const id of ['m-1', 'm-2', 'm-3', 'm-4'])
    done(await app.call('post', '/api/v1/models', { body: { id, price: PRICE } }));
  expect(await pages('/api/v1/models', 2)).toEqual([
    ['m-1', 'm-2'],
    ['m-3', 'm-4'],
  ]);
});

test('every list pages: organizations, projects, persons, keys, grants, the ledger, channels and their keys, models, prices, taxes, requests, usage, audit', async () => {
  const orgId = done(await app.call('post', '/api/v1/organizations', { body: { name: 'Acme' } })).string('id');
  for (const name of ['a', 'b', 'c']) {
    done(await app.call('post', '/api/v1/projects', { body: { orgId, name } }));
    done(await app.call('post', '/api/v1/persons', { body: { email: `${name}@example.com`, name } }));
    done(await app.call('post', '/api/v1/api-keys', { body: { orgId, name } }));
    done(await app.call('post', '/api/v1/grants', { body: { orgId, amountNano: '1' } }));
    const channel = {
      name,
      provider: 'openai',
      baseUrl: 'https://api.example.com',
      keys: ['key-of-a-channel'],
      models: ['m-1'],
    };
    done(await app.call('post', '/api/v1/channels', { body: channel }));
    const effectiveAt = new Date(Date.now() + 100_000 + name.charCodeAt(0)).toISOString();
    done(await app.call('post', '/api/v1/models/m-1/prices', { body: { price: PRICE, effectiveAt } }));
    done(await app.call('post', '/api/v1/tax-regimes', { body: { tax: { kind: 'none' }, reason: name } }));
  }
  const own = `?orgId=${orgId}`;
  for (const list of [
    `projects${own}`,
    `api-keys${own}`,
    `grants${own}`,
    `organizations/${orgId}/ledger`,
    'persons',
    'channels',
    'models/m-1/prices',
    'tax-regimes',
    'audit',
  ]) {
    const [all = []] = await pages(`/api/v1/${list}`, 200);
    const paged = await pages(`/api/v1/${list}`, 2);
    expect([list, paged.flat(), paged.length]).toEqual([list, all, Math.ceil(all.length / 2)]);
    expect(all.length).toBeGreaterThanOrEqual(3);
  }
  const nothing = async () => {};
  const [ofChannels = []] = await pages('/api/v1/channels', 200);
  expect((await pages('/api/v1/key-slots', 2, nothing, 'channelId')).flat()).toEqual(ofChannels);
  for (const list of ['requests', 'usage']) expect(await pages(`/api/v1/${list}`, 2)).toEqual([[]]);
});

test('subscriptions of an organization page: the live one first, then those that ended, the latest first', async () => {
  const orgId = done(await app.call('post', '/api/v1/organizations', { body: { name: 'Buyer' } })).string('id');
  const terms = { planVersionId: 'pro-1', months: 1, priceCents: 1_900, monthlyCreditCents: 2_500 } as const;
  const bought = newSubscription(terms, 'first', Date.now());
  const ended = { ...bought, phase: { kind: 'ended', why: 'cancelled' } };
  const [older, live, newer] = [newId(), newId(), newId()];
  for (const [id, state, day] of [
    [older, ended, 1],
    [live, bought, 2],
    [newer, ended, 3],
  ] as const) {
    await app.db.query(
      `insert into subscriptions (id, org_id, phase, plan_version_id, state, revision, started_at, ended_at)
       values ($1, $2, $3, 'pro-1', $4, 1, make_date(2026, 1, $5), case when $3 = 'ended' then now() end)`,
      [id, orgId, state.phase.kind, JSON.stringify(state), day],
    );
  }

  expect(await pages(`/api/v1/organizations/${orgId}/subscriptions`, 1)).toEqual([[live], [newer], [older]]);
});

test('a cursor of another list is refused', async () => {
  const first = done(await app.call('get', '/api/v1/models?limit=1'));
  const answer = await app.call('get', `/api/v1/organizations?cursor=${first.string('nextCursor')}`);
  expect([answer.status, answer.field('errors.0.field')]).toEqual([400, 'cursor']);
});
