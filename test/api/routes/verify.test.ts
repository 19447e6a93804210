// A mail address is verified by the link that was sent to it: once, within a day that no demo shortens, and only for the address that the
// link was sent to.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { submit } from '../../fake-stripe/stripe-client.ts';
import { done, type ManagementApp, startManagementApp } from './management-app.ts';

let app: ManagementApp;

beforeAll(async () => {
  app = await startManagementApp();
});
afterAll(() => app.close());

async function newPerson(email = `${randomUUID()}@example.com`): Promise<string> {
  return done(await app.call('post', '/api/v1/persons', { body: { email, name: 'Ada' } })).string('id');
}

async function linksSentTo(personId: string): Promise<string[]> {
  const { rows } = await app.db.query<{ id: string }>(
    `select facts ->> 'verificationId' as id from notifications where kind = 'verification' and facts ->> 'personId' = $1 order by queued_at`,
    [personId],
  );
  return rows.map(({ id }) => app.verifyLinks.urlOf(id));
}

async function isVerified(personId: string): Promise<boolean> {
  return (await app.call('get', `/api/v1/persons/${personId}`)).field('emailVerifiedAt') !== null;
}

function change(personId: string, body: object) {
  return app.call('patch', `/api/v1/persons/${personId}`, { body, headers: { 'if-match': '*' } });
}

async function opened(link: string, language = 'en'): Promise<{ status: number; text: string }> {
  const answer = await fetch(link, { headers: { 'accept-language': language } });
  return { status: answer.status, text: await answer.text() };
}

test('whoever follows the link that he was sent and says so has verified his address; opening it alone does nothing', async () => {
  const personId = await newPerson();
  const [link = ''] = await linksSentTo(personId);

  const page = await opened(link);
  const before = await isVerified(personId);
  const { location } = await submit(link, {});
  const after = await opened(new URL(location, link).href, 'zh');

  expect([page.status, page.text]).toEqual([200, expect.stringContaining('The address is mine')]);
  expect([before, await isVerified(personId)]).toEqual([false, true]);
  expect(after.text).toContain('您的邮箱已验证');
  const { rows } = await app.db.query(`select action from audit_log where actor = 'verify_page' and target_id = $1`, [
    personId,
  ]);
  expect(rows).toEqual([{ action: 'person.verified' }]);
});

test('it works once: an address that staff has called unverified since is not verified by it again', async () => {
  const personId = await newPerson();
  const [link = ''] = await linksSentTo(personId);
  await Promise.all([submit(link, {}), submit(link, {})]);
  done(await change(personId, { verified: false, reason: 'it came back' }));

  await submit(link, {});

  expect(await isVerified(personId)).toBe(false);
});

test('it works for a day of real time, however far the clock of billing is ahead', async () => {
  const [early, late] = [await newPerson(), await newPerson()];
  await app.worker.query(`select advance_billing_clock(billing_now() + interval '60 days')`);
  await app.db.query(`update mail_verifications set valid_until = clock_timestamp() where person_id = $1`, [late]);
  const [[good = ''], [expired = '']] = [await linksSentTo(early), await linksSentTo(late)];

  await submit(good, {});
  await submit(expired, {});

  expect([await isVerified(early), await isVerified(late)]).toEqual([true, false]);
  expect((await opened(expired)).status).toBe(410);
});

test('another address has another link, and the one before verifies nothing', async () => {
  const personId = await newPerson();
  done(await change(personId, { email: `${randomUUID()}@example.com` }));
  const [first = '', second = ''] = await linksSentTo(personId);

  await submit(first, {});
  const afterFirst = await isVerified(personId);
  await submit(second, {});

  expect([afterFirst, await isVerified(personId)]).toEqual([false, true]);
});

test('staff has another link sent, once per request, and none for an address that is verified', async () => {
  const personId = await newPerson();
  const path = `/api/v1/persons/${personId}/verifications`;
  const asked = { body: {}, headers: { 'idempotency-key': randomUUID() } };

  done(await app.call('post', path, asked));
  done(await app.call('post', path, asked));
  const links = await linksSentTo(personId);
  await submit(links.at(-1) ?? '', {});
  const again = await app.call('post', path, { body: {} });

  expect(links).toHaveLength(2);
  expect([again.status, again.field('code')]).toEqual([409, 'conflict']);
});

test('a link that we never made leads nowhere, and a pay link of the same id verifies nothing', async () => {
  const personId = await newPerson();
  const [link = ''] = await linksSentTo(personId);
  const id = app.verifyLinks.verificationOf(link.split('/').at(-1) ?? '') ?? '';
  const payToken = app.links.urlOf(id).split('/').at(-1);

  const answers = await Promise.all(['x', 'A'.repeat(64), payToken].map((one) => opened(`${app.url}/verify/${one}`)));

  expect(answers.map(({ status }) => status)).toEqual([404, 404, 404]);
  expect(answers.every(({ text }) => text.includes('<h1>This link leads nowhere</h1>'))).toBe(true);
});

test('a link that we fail to follow stands in no log, and whoever followed it is told on a page', async () => {
  const [link = ''] = await linksSentTo(await newPerson());
  await app.db.query('alter table mail_verifications rename to mislaid');

  const { status, text } = await opened(link);

  await app.db.query('alter table mislaid rename to mail_verifications');
  expect([status, text]).toEqual([500, expect.stringContaining('<h1>This did not work</h1>')]);
  expect(app.log.join('')).toContain('request_failed');
  expect(app.log.join('')).not.toContain(link.split('/').at(-1));
});
