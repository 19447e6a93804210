// The first API key of an enterprise is made behind the link that its owners were sent: once, by whoever says so on the page, and told to
// nobody else.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { done, type ManagementApp, startManagementApp } from './management-app.ts';
import { welcomeLink } from './welcome-link.ts';

let app: ManagementApp;
let orgId: string;

beforeAll(async () => {
  app = await startManagementApp();
  orgId = done(await app.call('post', '/api/v1/organizations', { body: { name: 'Acme' } })).string('id');
});
afterAll(() => app.close());

async function visited(link: string, method = 'GET', language = 'en') {
  const answer = await fetch(link, { method, redirect: 'manual', headers: { 'accept-language': language } });
  return { status: answer.status, text: await answer.text(), headers: answer.headers };
}

async function keysMade(): Promise<readonly unknown[]> {
  const { rows } = await app.db.query(
    `select k.allowed_addresses::text[] as "from", a.actor from api_keys k join audit_log a on a.target_id = k.id::text
      where k.org_id = $1 and k.name = 'first key' order by k.created_at`,
    [orgId],
  );
  return rows;
}

test('whoever follows the link and says so is shown one key, which works from the agreed addresses; opening it makes none', async () => {
  const link = await welcomeLink(app, orgId);

  const page = await visited(link);
  const before = await keysMade();
  const made = await visited(link, 'POST');
  const after = await visited(link, 'GET', 'zh');
  const again = await visited(link, 'POST');

  expect([page.status, page.text]).toEqual([200, expect.stringContaining('Make the API key')]);
  expect(before).toEqual([]);
  expect([made.status, made.headers.get('cache-control')]).toEqual([200, 'no-store']);
  const [credential = ''] = /sk-tg-[0-9A-Za-z]{49}/.exec(made.text) ?? [];
  expect(credential).not.toBe('');
  expect([made.text, after.text]).toEqual([
    expect.stringContaining('href="/console/"'),
    expect.stringContaining('href="/console/"'),
  ]);
  expect([after.text.includes('此链接已使用'), again.status, again.text]).toEqual([true, 303, '']);
  expect(await keysMade()).toEqual([{ from: ['203.0.113.0/24'], actor: 'welcome_page' }]);
  const { rows } = await app.db.query<{ entry: string }>('select audit_log::text as entry from audit_log');
  const told = [...app.log, ...rows.map(({ entry }) => entry)].join('\n');
  expect(told).not.toContain(credential.slice(12, 40));
  expect(told).not.toContain(link.split('/').at(-1));
});

test('a link that has expired says so, and one that we have not made is no link', async () => {
  const link = await welcomeLink(app, orgId);
  await app.db.query(
    `update welcome_links set valid_until = clock_timestamp() - interval '1 second' where used_at is null`,
  );
  const made = await keysMade();

  const [over, used] = [await visited(link), await visited(link, 'POST')];
  const { rows } = await app.db.query<{ id: string }>('select id from welcome_links limit 1');
  const foreign = app.verifyLinks.urlOf(rows[0]?.id ?? '').replace('/verify/', '/welcome/');
  const strange = await Promise.all([foreign, `${app.url}/welcome/x`].map((url) => visited(url, 'POST')));

  expect([over.status, over.text]).toEqual([410, expect.stringContaining('has expired')]);
  expect([used.status, strange.map(({ status }) => status)]).toEqual([303, [404, 404]]);
  expect(await keysMade()).toEqual(made);
});
