// How people get in: only whoever reads the mail of an address has its account, in the browser that asked; nobody hears whether an address is
// known; and a session ends when it should.
import { createHash, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Browser, codeSentTo, mailsTo, PASSWORD } from './browser.ts';
import { type Answered, done, type ManagementApp, startManagementApp } from './management-app.ts';

let app: ManagementApp;

beforeAll(async () => {
  app = await startManagementApp(false, ['127.0.0.1']);
});
afterAll(() => app.close());

const newAddress = () => `${randomUUID()}@example.com`;
let lastNetwork = 0;
/** From a network of its own. */
const newBrowser = () => new Browser(app, `198.18.${Math.floor(lastNetwork / 250)}.${(lastNetwork++ % 250) + 1}`);
const told = ({ status, text, body }: Answered) => [status, text.replace(String(Object(body).instance), 'id')];

async function asked(browser: Browser, email: string): Promise<Answered> {
  return done(
    await browser.post('/sign-ups', {
      email,
      password: PASSWORD,
      name: 'Ada',
      locale: 'zh',
      timeZone: 'Asia/Shanghai',
    }),
  );
}

const confirmed = async (browser: Browser, email: string, code: string) =>
  (await browser.post('/sign-ups/confirm', { email, code })).status;

test('whoever types the code of the mail is a verified person, owns an organization on Free with its dollar, and is signed in', async () => {
  const [browser, email] = [newBrowser(), newAddress()];

  const asking = await asked(browser, email);
  const code = await codeSentTo(app, email);
  const answer = done(await browser.post('/sign-ups/confirm', { email, code }));
  const me = done(await browser.get('/me'));

  expect([asking.status, asking.body]).toEqual([202, { email }]);
  expect(me.body).toEqual(answer.body);
  expect(me.body).toMatchObject({
    ...{ email, name: 'Ada', locale: 'zh', timeZone: 'Asia/Shanghai', staffRoles: [] },
    memberships: [{ orgName: 'Ada', plan: 'free', role: 'owner', status: 'active' }],
  });
  const person = await app.call('get', `/api/v1/persons/${me.string('id')}`);
  const balance = await app.call('get', `/api/v1/organizations/${me.string('memberships.0.orgId')}/balance`);
  expect(person.string('emailVerifiedAt')).toMatch(/^20/);
  expect(balance.text).toContain('"1000000000"');
});

test('an address that had its dollar before has an account and an organization, and no second dollar', async () => {
  const email = newAddress();
  await app.db.query(
    `with o as (insert into organizations (id, name) values (gen_random_uuid(), 'left') returning id)
     insert into trial_claims (identity, org_id) select 'mail ' || encode(sha256(convert_to($1, 'UTF8')), 'hex'), id from o`,
    [email],
  );
  const browser = newBrowser();
  await browser.signUp(email);

  const me = await browser.get('/me');
  const balance = await app.call('get', `/api/v1/organizations/${me.string('memberships.0.orgId')}/balance`);

  expect([me.string('memberships.0.plan'), balance.string('balanceNano')]).toEqual(['free', '0']);
});

test('nobody is a person, and no address is taken, before the code was typed', async () => {
  const email = newAddress();
  await asked(newBrowser(), email);

  const found = await app.call('get', `/api/v1/persons?email=${email}`);

  expect(found.list('data')).toEqual([]);
});

test('whoever has an account hears the same when he asks for another, keeps the one he has, and is told by mail', async () => {
  const known = await newBrowser().signUp();
  const [browser, stranger] = [newBrowser(), newAddress()];

  const answers = [await asked(browser, known.email), await asked(browser, stranger)];

  const [first, second] = answers.map(({ status, text }) => [status, text.replace(/"[^"]+@/, '"x@')]);
  expect(first?.[0]).toBe(second?.[0]);
  expect(answers.map(({ headers }) => headers.getSetCookie().length)).toEqual([1, 1]);
  expect(await mailsTo(app, known.email)).toEqual(['sign_up_code', 'known_address']);
  expect((await newBrowser().signIn(known.email)).status).toBe(200);
});

test('a person whom staff has made has his account by the mail, and stays who he is and where he belongs', async () => {
  const email = newAddress();
  const personId = done(await app.call('post', '/api/v1/persons', { body: { email, name: 'Grace' } })).string('id');
  const orgId = done(await app.call('post', '/api/v1/organizations', { body: { name: 'Acme' } })).string('id');
  done(await app.call('post', `/api/v1/organizations/${orgId}/members`, { body: { personId, role: 'owner' } }));

  const browser = newBrowser();
  await browser.signUp(email);

  expect((await browser.get('/me')).body).toMatchObject({ id: personId, name: 'Grace', memberships: [{ orgId }] });
});

test('a code works in the browser that asked alone: not with the password of a stranger who asked for the same address', async () => {
  const [stranger, owner, email] = [newBrowser(), newBrowser(), newAddress()];
  await asked(owner, email);
  const owners = await codeSentTo(app, email);
  await asked(stranger, email);
  const strangers = await codeSentTo(app, email);

  const statuses = [
    await confirmed(owner, email, strangers),
    await confirmed(stranger, email, owners),
    await confirmed(newBrowser(), email, owners),
    await confirmed(owner, email, owners),
    await confirmed(stranger, email, strangers),
  ];

  expect(statuses).toEqual([422, 422, 422, 200, 409]);
});

test('after five wrong codes, or a quarter of an hour, the right one is wrong, and it works once', async () => {
  const [guessing, late, twice] = [newBrowser(), newBrowser(), newBrowser()];
  const [guessed, waited, used] = [newAddress(), newAddress(), newAddress()];
  await asked(guessing, guessed);
  const right = await codeSentTo(app, guessed);
  const wrong = right === '000000' ? '000001' : '000000';
  for (let tries = 0; tries < 5; tries += 1) expect(await confirmed(guessing, guessed, wrong)).toBe(422);
  await asked(late, waited);
  await app.db.query('update auth.sign_ups set valid_until = clock_timestamp() where email = $1', [waited]);
  await asked(twice, used);
  const [lateCode, usedCode] = [await codeSentTo(app, waited), await codeSentTo(app, used)];
  const both = await Promise.all([confirmed(twice, used, usedCode), confirmed(twice, used, usedCode)]);

  expect(await confirmed(guessing, guessed, right)).toBe(422);
  expect(await confirmed(late, waited, lateCode)).toBe(422);
  expect(both.sort()).toEqual([200, 422]);
});

test('an unknown address and a wrong password are answered alike, at the same cost: each is audited, and once if it is repeated', async () => {
  const { email, personId } = await newBrowser().signUp();
  const browser = newBrowser();

  const answers = [await browser.signIn(email, 'not the password'), await browser.signIn(newAddress(), PASSWORD)];
  await browser.signIn(email, 'not the password');

  expect(told(answers[0] as Answered)).toEqual(told(answers[1] as Answered));
  expect(answers.map(({ status, headers }) => [status, headers.getSetCookie()])).toEqual([
    [401, []],
    [401, []],
  ]);
  const { rows } = await app.db.query(
    `select actor, target_id as "targetId", after from audit_log where action = 'person.sign_in_refused' order by seq`,
  );
  const refused = { actor: 'public', after: { wrong: 'password' } };
  expect(rows).toEqual([
    { ...refused, targetId: personId },
    { ...refused, targetId: 'nobody' },
  ]);
  expect((await browser.signIn(email)).body).toEqual({ state: 'signed_in' });
  expect((await browser.get('/me')).string('id')).toBe(personId);
});

test('a session is a new one at each sign-in, and after signing out its cookie opens nothing', async () => {
  const browser = newBrowser();
  const { email } = await browser.signUp();
  const first = browser.cookies;
  done(await browser.signIn(email));
  const second = browser.cookies;
  done(await browser.post('/sign-outs'));

  const stolen = newBrowser();
  const opens = [];
  for (stolen.cookies of [first, second]) opens.push((await stolen.send('get', '/me', undefined, {})).status);

  expect([first === second, browser.cookies, opens]).toEqual([false, '', [200, 401]]);
});

test('what the browser has and what was typed stands nowhere in the database or the log', async () => {
  const browser = newBrowser();
  await browser.signUp();
  const id = decodeURIComponent(browser.cookies.split('=')[1] ?? '').split('.')[0] ?? '';
  const { rows: columns } = await app.db.query<{ t: string }>(
    `select format('%I.%I', schemaname, tablename) as t from pg_tables where schemaname in ('auth', 'public')`,
  );
  const everything = [...app.log];
  for (const { t } of columns) {
    const { rows } = await app.db.query<{ row: string }>(`select x::text as row from ${t} x`);
    everything.push(...rows.map(({ row }) => row));
  }

  const text = everything.join('\n');
  expect(id.length).toBe(43);
  expect([text.includes(id), text.includes(PASSWORD)]).toEqual([false, false]);
  expect(text).toContain(createHash('sha256').update(id).digest('hex'));
});

test.each([
  ['somebody', 'idle for 12 hours', `seen_at = clock_timestamp() - interval '12 hours'`, [], 401],
  ['somebody', 'idle for 11 hours', `seen_at = clock_timestamp() - interval '11 hours'`, [], 200],
  ['somebody', '14 days after he signed in', 'expires_at = clock_timestamp()', [], 401],
  ['staff', 'idle for 30 minutes', `seen_at = clock_timestamp() - interval '30 minutes'`, ['ops'], 401],
  ['staff', 'idle for 29 minutes', `seen_at = clock_timestamp() - interval '29 minutes'`, ['ops'], 200],
  ['staff', '12 hours after he signed in', `created_at = clock_timestamp() - interval '12 hours'`, ['support'], 401],
] as const)('%s %s', async (_who, _when, change, roles, status) => {
  const browser = newBrowser();
  const { personId } = await browser.signUp();
  for (const role of roles) await app.db.query('insert into staff_roles values ($1, $2)', [personId, role]);
  await app.db.query(`update auth.sessions set ${change} where person_id = $1`, [personId]);

  const answer = await browser.get('/me');

  expect([answer.status, answer.field('staffRoles')]).toEqual([status, status === 200 ? roles : undefined]);
});

test('who uses his session keeps it: its idle time begins anew', async () => {
  const browser = newBrowser();
  const { personId } = await browser.signUp();
  const seen = async () =>
    (
      await app.db.query(
        'select seen_at > clock_timestamp() - interval $$1 minute$$ as now from auth.sessions where person_id = $1',
        [personId],
      )
    ).rows;
  await app.db.query(
    `update auth.sessions set seen_at = clock_timestamp() - interval '11 hours' where person_id = $1`,
    [personId],
  );

  done(await browser.get('/me'));

  expect(await seen()).toEqual([{ now: true }]);
});

test('one is told by mail of a sign-in from where one has never been, and of no other', async () => {
  const home = newBrowser();
  const { email } = await home.signUp();

  done(await home.signIn(email));
  const atHome = await mailsTo(app, email);
  done(await newBrowser().signIn(email));

  expect(atHome).toEqual(['sign_up_code']);
  expect(await mailsTo(app, email)).toEqual(['sign_up_code', 'new_sign_in']);
});

test('what is called wrongly is named, and what one may not say of oneself is refused', async () => {
  const browser = newBrowser();
  await browser.signUp();

  const answers = [
    await browser.send('patch', '/me', { staffRoles: ['admin'] }),
    await browser.send('patch', '/me', { email: 'other@example.com' }),
    await browser.send('patch', '/me', { timeZone: 'Mars/Olympus' }),
    await browser.post('/sign-ups', { email: 'x', password: 'short', name: '', locale: 'fr' }),
    await browser.post('/sign-ups', { email: newAddress(), password: 'x'.repeat(129), name: 'x', locale: 'en' }),
    await browser.post('/sign-ups', { email: newAddress(), password: 'Password1', name: 'x', locale: 'en' }),
  ];

  const faults = answers.map(({ status, body }) => [
    status,
    Object(body)
      .errors.map((one: { field: string }) => one.field)
      .sort(),
  ]);
  expect(faults).toEqual([
    [422, ['staffRoles']],
    [422, ['email']],
    [422, ['timeZone']],
    [422, ['email', 'locale', 'name', 'password']],
    [422, ['password']],
    [422, ['password']],
  ]);
});

test('while PostgreSQL is away nobody is told that he is not signed in, or that his password is wrong', async () => {
  const browser = newBrowser();
  const { email } = await browser.signUp();
  app.postgres.kill('SIGKILL');

  const answers = [await browser.get('/me'), await browser.signIn(email), await browser.post('/sign-outs')];
  await app.postgres.restart();

  expect(answers.map(({ status, headers }) => [status, headers.get('retry-after')])).toEqual(Array(3).fill([503, '1']));
  expect((await browser.get('/me')).status).toBe(200);
});
