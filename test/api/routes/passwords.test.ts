// Another password, for whoever reads the mail of the account or knows the one before: it ends what was signed in by the old one. And the list of
// where somebody is signed in, which he shortens.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { signIn } from '../../../services/accounts/sign-ins.ts';
import { inTransaction } from '../../../services/platform/postgres.ts';
import { until } from '../../support/until.ts';
import { Browser, mailsTo, PASSWORD, resetSentTo } from './browser.ts';
import { type Answered, done, type ManagementApp, startManagementApp } from './management-app.ts';

const OTHER = 'another password of the tests';

let app: ManagementApp;

beforeAll(async () => {
  app = await startManagementApp(false, ['127.0.0.1']);
});
afterAll(() => app.close());

let lastNetwork = 0;
const newBrowser = () => new Browser(app, `198.18.${Math.floor(lastNetwork / 250)}.${(lastNetwork++ % 250) + 1}`);
const refusal = ({ status, body }: Answered) => [status, Object(body).code];
const ask = (email: string) => newBrowser().post('/password-resets', { email });
const confirm = (linkToken: string, password = OTHER) =>
  newBrowser().post('/password-resets/confirm', { token: linkToken, password });

test('by the link that is mailed the password is another one, all sessions end, and nobody is signed in by it', async () => {
  const [browser, elsewhere] = [newBrowser(), newBrowser()];
  const { email } = await browser.signUp();
  done(await elsewhere.signIn(email));
  done(await ask(email));

  const answer = done(await confirm(await resetSentTo(app, email)));

  expect([answer.status, answer.headers.getSetCookie()]).toEqual([200, []]);
  expect([(await browser.get('/me')).status, (await elsewhere.get('/me')).status]).toEqual([401, 401]);
  expect([(await browser.signIn(email)).status, (await browser.signIn(email, OTHER)).status]).toEqual([401, 200]);
  expect(await mailsTo(app, email)).toEqual(expect.arrayContaining(['password_reset', 'password_changed']));
});

test('who is half-way in by the password before when it is changed does not stay in', async () => {
  const { email } = await newBrowser().signUp();
  done(await ask(email));
  const visit = { clientAddress: '198.51.100.7', userAgent: 'node', cookie: '' };
  const thief = newBrowser();
  const changing = { hasEnded: false };

  const changed = await inTransaction(app.worker, async (tx) => {
    const { cookie } = await signIn(tx, app.accounts, { email, password: PASSWORD }, visit);
    thief.cookies = cookie.split(';')[0] ?? '';
    const answer = confirm(await resetSentTo(app, email)).finally(() => {
      changing.hasEnded = true;
    });
    await until(async () => changing.hasEnded || (await isWaited()));
    return { answer };
  });

  expect((await changed.answer).status).toBe(200);
  expect((await thief.get('/me')).status).toBe(401);
});

test('an address without an account is answered like one that has one, and is mailed nothing', async () => {
  const { email } = await newBrowser().signUp();
  const nobody = `${randomUUID()}@example.com`;
  const staffs = `${randomUUID()}@example.com`;
  done(await app.call('post', '/api/v1/persons', { body: { email: staffs, name: 'Grace' } }));

  const answers = [await ask(email), await ask(nobody), await ask(staffs)];

  expect(answers.map(({ status, body }) => [status, body])).toEqual([
    [202, { email }],
    [202, { email: nobody }],
    [202, { email: staffs }],
  ]);
  expect(await mailsTo(app, nobody)).toEqual([]);
  expect(await mailsTo(app, staffs)).toEqual(['verification']);
});

test('a link works once, for ten minutes, until the password was changed in another way, and none can be made up', async () => {
  const browser = newBrowser();
  const { email, personId } = await browser.signUp();
  const newLink = async () => {
    done(await ask(email));
    return resetSentTo(app, email);
  };
  const [used, late, overtaken] = [await newLink(), await newLink(), await newLink()];
  const twice = await Promise.all([confirm(used), confirm(used)]);
  const statuses = twice.map(({ status }) => status).sort();
  const late2 = await newLink();
  await app.db.query(
    `update auth.password_resets set valid_until = clock_timestamp() where person_id = $1 and used_at is null`,
    [personId],
  );
  const made = `${late2.slice(0, -1)}${late2.endsWith('A') ? 'B' : 'A'}`;

  expect(statuses).toEqual([200, 422]);
  for (const [linkToken, why] of [
    ...[used, late, overtaken].map((link) => [link, 'link_used'] as const),
    [late2, 'link_expired'],
    ...[made, 'x'].map((link) => [link, 'link_unknown'] as const),
  ] as const) {
    expect(refusal(await confirm(linkToken))).toEqual([422, why]);
  }
});

test('the link stands nowhere: the row and the mail hold an id, which is no link without our secret', async () => {
  const { email, personId } = await newBrowser().signUp();
  done(await ask(email));
  const linkToken = await resetSentTo(app, email);

  const { rows } = await app.db.query<{ row: string }>(
    `select r::text as row from auth.password_resets r where person_id = $1 union all select n::text from notifications n`,
    [personId],
  );

  expect(rows.length).toBeGreaterThan(1);
  expect(rows.filter(({ row }) => row.includes(linkToken))).toEqual([]);
});

test('a person is mailed five links in an hour, and a network asks for thirty addresses in a quarter of one', async () => {
  const { email } = await newBrowser().signUp();
  for (let time = 0; time < 7; time += 1) done(await ask(email));
  const one = newBrowser();
  const statuses: number[] = [];
  for (let time = 0; time < 31; time += 1) {
    statuses.push((await one.post('/password-resets', { email: `${randomUUID()}@example.com` })).status);
  }

  const mails = await mailsTo(app, email);
  expect(mails.filter((kind) => kind === 'password_reset')).toHaveLength(5);
  expect(statuses).toEqual([...Array(30).fill(202), 429]);
});

test('who knows his password takes another: other sessions end, and his own goes on under a new id', async () => {
  const [browser, elsewhere] = [newBrowser(), newBrowser()];
  const { email } = await browser.signUp();
  done(await elsewhere.signIn(email));
  const before = browser.cookies;
  const sessionBefore = (await browser.get('/me')).string('sessionId');

  done(await browser.post('/me/password', { currentPassword: PASSWORD, newPassword: OTHER }));
  const stolen = newBrowser();
  stolen.cookies = before;

  expect([(await browser.get('/me')).status, (await elsewhere.get('/me')).status]).toEqual([200, 401]);
  expect((await stolen.get('/me')).status).toBe(401);
  expect((await browser.get('/me')).string('sessionId')).not.toBe(sessionBefore);
  expect((await newBrowser().signIn(email, OTHER)).status).toBe(200);
});

test('a stolen session does not change the password, nor guess at it for long', async () => {
  const browser = newBrowser();
  const { email } = await browser.signUp();

  const answers: unknown[] = [];
  for (let guess = 0; guess < 11; guess += 1) {
    const body = { currentPassword: `guess ${guess}`, newPassword: OTHER };
    answers.push(refusal(await browser.post('/me/password', body)));
  }

  expect(answers).toEqual([...Array(10).fill([422, 'wrong_password']), [429, 'too_many_attempts']]);
  expect((await newBrowser().signIn(email)).status).toBe(200);
});

test('one sees where one is signed in, and ends what should not be; another one’s session is not there', async () => {
  const [browser, elsewhere, stranger] = [newBrowser(), newBrowser(), newBrowser()];
  const { email } = await browser.signUp();
  done(await elsewhere.send('post', '/sign-ins', { email, password: PASSWORD }, { 'user-agent': 'a telephone' }));
  await stranger.signUp();
  const list = done(await browser.get('/me/sessions'))
    .list('data')
    .map(Object);
  const other = list.find(({ isThisOne }) => !isThisOne);

  const byStranger = await stranger.post(`/me/sessions/${other.id}/revoke`);
  const byOwner = await browser.post(`/me/sessions/${other.id}/revoke`);
  const again = await browser.post(`/me/sessions/${other.id}/revoke`);

  expect(list.map(({ userAgent, isThisOne }) => [userAgent, isThisOne])).toEqual(
    expect.arrayContaining([
      ['node', true],
      ['a telephone', false],
    ]),
  );
  expect(other.clientAddress).toMatch(/^198\.18\./);
  expect([byStranger.status, byOwner.status, again.status]).toEqual([404, 200, 404]);
  expect([(await elsewhere.get('/me')).status, (await browser.get('/me')).status]).toEqual([401, 200]);
});

/** For a row that somebody holds. */
async function isWaited(): Promise<boolean> {
  const { rowCount } = await app.db.query(`select from pg_stat_activity where wait_event_type = 'Lock'`);
  return rowCount !== 0;
}
