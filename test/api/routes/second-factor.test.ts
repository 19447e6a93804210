// Whoever has a second factor does not get in without it: each code opens once, few are tried, and what it is made of is told once.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { signedIn } from '../../../services/accounts/sessions.ts';
import { Authenticator, forgetSteps } from './authenticator.ts';
import { Browser, mailsTo, PASSWORD, resetSentTo } from './browser.ts';
import { type Answered, done, type ManagementApp, startManagementApp } from './management-app.ts';

let app: ManagementApp;

beforeAll(async () => {
  app = await startManagementApp(false, ['127.0.0.1']);
});
afterAll(() => app.close());

let lastNetwork = 0;
const newBrowser = () => new Browser(app, `198.18.${Math.floor(lastNetwork / 250)}.${(lastNetwork++ % 250) + 1}`);
const refusal = ({ status, body }: Answered) => [status, Object(body).code];

interface Owner {
  readonly browser: Browser;
  readonly email: string;
  readonly personId: string;
  readonly authenticator: Authenticator;
  readonly recoveryCodes: readonly string[];
}

async function enrolled(browser = newBrowser()): Promise<Owner> {
  const { email, personId } = await browser.signUp();
  const begun = done(await browser.post('/me/second-factor', { password: PASSWORD }));
  const authenticator = new Authenticator(begun.string('totpUri'));
  done(await browser.post('/me/second-factor/confirm', { code: authenticator.code() }));
  await forgetSteps(app);
  return { browser, email, personId, authenticator, recoveryCodes: begun.list('recoveryCodes').map(String) };
}

test('who has a second factor gets in by password and code, and by the password alone no session', async () => {
  const { email, personId, authenticator } = await enrolled();
  const browser = newBrowser();

  const byPassword = done(await browser.signIn(email));
  const { rowCount } = await app.db.query('select from auth.sessions where person_id = $1', [personId]);
  const between = await browser.get('/me');
  const byCode = done(await browser.post('/sign-ins/second-factor', { code: authenticator.code() }));
  const me = done(await browser.get('/me'));

  expect([byPassword.body, rowCount, between.status]).toEqual([{ state: 'second_factor' }, 1, 401]);
  expect([byCode.body, me.string('id')]).toEqual([{ state: 'signed_in' }, personId]);
  expect(me.field('secondFactor')).toEqual({ enrolled: true, required: false });
  expect(browser.cookies).not.toContain('challenge');
});

test('a code opens once, and none of before it opens afterwards, whoever is quicker', async () => {
  const { email, authenticator } = await enrolled();
  const code = authenticator.code(1);
  const both = await Promise.all(
    [newBrowser(), newBrowser()].map(async (browser) => {
      done(await browser.signIn(email));
      return (await browser.post('/sign-ins/second-factor', { code })).status;
    }),
  );
  const later = newBrowser();
  done(await later.signIn(email));

  const used = await later.post('/sign-ins/second-factor', { code: authenticator.code(0) });
  expect([...both.sort(), refusal(used)[1]]).toEqual([200, 422, 'code_used']);
});

test('each code on paper opens once, however it is written, and its owner hears of it', async () => {
  const { email, recoveryCodes } = await enrolled();
  const [first = '', second = ''] = recoveryCodes;
  const statuses: number[] = [];
  for (const recoveryCode of [first, first, second.toUpperCase().replaceAll('-', ' ')]) {
    const browser = newBrowser();
    done(await browser.signIn(email));
    statuses.push((await browser.post('/sign-ins/second-factor', { recoveryCode })).status);
  }

  expect([recoveryCodes.length, new Set(recoveryCodes).size]).toEqual([10, 10]);
  expect(statuses).toEqual([200, 422, 200]);
  expect((await mailsTo(app, email)).filter((kind) => kind === 'second_factor')).toHaveLength(3);
});

test('a wrong code after a right password is audited: somebody knows the password', async () => {
  const { email, personId, authenticator } = await enrolled();
  const browser = newBrowser();
  done(await browser.signIn(email));
  await browser.post('/sign-ins/second-factor', { code: authenticator.wrongCode() });

  const { rows } = await app.db.query(
    `select action, after from audit_log where target_id = $1 order by seq desc limit 2`,
    [personId],
  );

  expect(rows).toEqual([
    { action: 'person.sign_in_refused', after: { wrong: 'second_factor' } },
    { action: 'person.password_proved', after: {} },
  ]);
});

test('after five wrong codes the right one opens nothing before the password is said again', async () => {
  const { email, authenticator } = await enrolled();
  const browser = newBrowser();
  done(await browser.signIn(email));
  for (let tries = 0; tries < 5; tries += 1) {
    expect((await browser.post('/sign-ins/second-factor', { code: authenticator.wrongCode() })).status).toBe(422);
  }
  const sixth = await browser.post('/sign-ins/second-factor', { code: authenticator.code() });
  done(await browser.signIn(email));

  expect(refusal(sixth)).toEqual([422, 'code_over']);
  expect((await browser.post('/sign-ins/second-factor', { code: authenticator.code() })).status).toBe(200);
});

test('twenty wrong codes are tried for an account in a day, over all challenges, and the next day it opens again', async () => {
  const { email, personId, authenticator } = await enrolled();
  const answers: unknown[] = [];
  for (let challenge = 0; challenge < 5; challenge += 1) {
    const browser = newBrowser();
    done(await browser.signIn(email));
    for (let tries = 0; tries < 4; tries += 1) {
      answers.push(refusal(await browser.post('/sign-ins/second-factor', { code: authenticator.wrongCode() })));
    }
  }
  const browser = newBrowser();
  done(await browser.signIn(email));
  const right = () => browser.post('/sign-ins/second-factor', { code: authenticator.code() });
  const thatDay = await right();
  await app.db.query('update auth.second_factors set wrong_on = wrong_on - 1 where person_id = $1', [personId]);

  expect(answers).toEqual(Array(20).fill([422, 'wrong_code']));
  expect(refusal(thatDay)).toEqual([429, 'too_many_attempts']);
  expect((await right()).status).toBe(200);
});

test('a challenge is over after ten minutes, and is of the browser that said the password', async () => {
  const { email, personId, authenticator } = await enrolled();
  const browser = newBrowser();
  done(await browser.signIn(email));
  await app.db.query('update auth.challenges set valid_until = clock_timestamp() where person_id = $1', [personId]);

  const late = await browser.post('/sign-ins/second-factor', { code: authenticator.code() });
  const another = await newBrowser().post('/sign-ins/second-factor', { code: authenticator.code() });

  expect([late, another].map(refusal)).toEqual(Array(2).fill([422, 'code_over']));
});

test('a password that was reset by mail opens nothing without the second factor', async () => {
  const { email } = await enrolled();
  done(await newBrowser().post('/password-resets', { email }));
  const linkToken = await resetSentTo(app, email);
  done(await newBrowser().post('/password-resets/confirm', { token: linkToken, password: 'another password' }));

  expect((await newBrowser().signIn(email, 'another password')).body).toEqual({ state: 'second_factor' });
});

test('who has proved the password before, and nothing else, has proved nothing once it is another one', async () => {
  const { email, authenticator } = await enrolled();
  const thief = newBrowser();
  done(await thief.signIn(email));
  done(await newBrowser().post('/password-resets', { email }));
  const linkToken = await resetSentTo(app, email);
  done(await newBrowser().post('/password-resets/confirm', { token: linkToken, password: 'another password' }));

  const late = await thief.post('/sign-ins/second-factor', { code: authenticator.code() });

  expect(refusal(late)).toEqual([422, 'code_over']);
});

test('it takes effect by a first code: until then the password is enough, and by it other sessions end and this one is another', async () => {
  const [browser, elsewhere] = [newBrowser(), newBrowser()];
  const { email } = await browser.signUp();
  done(await elsewhere.signIn(email));
  const begun = done(await browser.post('/me/second-factor', { password: PASSWORD }));
  const authenticator = new Authenticator(begun.string('totpUri'));
  const before = { cookies: browser.cookies, signIn: (await newBrowser().signIn(email)).body };
  const wrong = await browser.post('/me/second-factor/confirm', { code: authenticator.wrongCode() });

  done(await browser.post('/me/second-factor/confirm', { code: authenticator.code() }));

  expect([before.signIn, refusal(wrong)]).toEqual([{ state: 'signed_in' }, [422, 'wrong_code']]);
  expect([(await elsewhere.get('/me')).status, (await browser.get('/me')).status]).toEqual([401, 200]);
  expect(browser.cookies).not.toBe(before.cookies);
  expect(refusal(await browser.post('/me/second-factor', { password: PASSWORD }))).toEqual([409, 'conflict']);
  expect(refusal(await browser.post('/me/second-factor/confirm', { code: authenticator.code(1) }))).toEqual([
    409,
    'conflict',
  ]);
});

test('a stolen session neither begins nor ends it: both need the password, and its end a code', async () => {
  const { browser, email, authenticator } = await enrolled();
  const plain = newBrowser();
  await plain.signUp();
  const remove = (password: string, code: string) => browser.post('/me/second-factor/remove', { password, code });

  expect(refusal(await plain.post('/me/second-factor', { password: 'not it' }))).toEqual([422, 'wrong_password']);
  expect(refusal(await remove('not it', authenticator.code()))).toEqual([422, 'wrong_password']);
  expect(refusal(await remove(PASSWORD, authenticator.wrongCode()))).toEqual([422, 'wrong_code']);
  expect((await remove(PASSWORD, authenticator.code())).status).toBe(200);
  expect((await newBrowser().signIn(email)).body).toEqual({ state: 'signed_in' });
});

test('the seed is sealed by the vault and the codes on paper are hashed: neither stands anywhere else, nor is told again', async () => {
  const browser = newBrowser();
  const { personId } = await browser.signUp();
  const begun = done(await browser.post('/me/second-factor', { password: PASSWORD }));
  const seed = new URL(begun.string('totpUri')).searchParams.get('secret') ?? '';
  const secrets = [seed, ...begun.list('recoveryCodes').map(String)];
  const { rows } = await app.db.query<{ row: string }>(
    `select f::text as row from auth.second_factors f union all select r::text from auth.recovery_codes r
      union all select a::text from audit_log a union all select n::text from notifications n`,
  );
  const told = [...rows.map(({ row }) => row), ...app.log, (await browser.get('/me')).text].join('\n').toUpperCase();

  expect(secrets.filter((secret) => told.includes(secret.toUpperCase()))).toEqual([]);
  const { rows: sealed } = await app.db.query(
    'select sealed, last_step from auth.second_factors where person_id = $1',
    [personId],
  );
  expect(Object.keys(sealed[0].sealed).sort()).toEqual([
    'data',
    'nonce',
    'tag',
    'v',
    'wrapNonce',
    'wrapTag',
    'wrapped',
  ]);
});

test.each([
  [
    'works for us',
    async (personId: string) => app.db.query(`insert into staff_roles values ($1, 'business')`, [personId]),
  ],
  ['owns an organization on Team', (personId: string) => ownerOn('team', personId)],
  ['owns an organization on Enterprise', (personId: string) => ownerOn('enterprise', personId)],
])('who %s has to have one, and until then is known as somebody who has not', async (_, become) => {
  const browser = newBrowser();
  const { personId } = await browser.signUp();
  const visit = () => ({ clientAddress: '198.51.100.1', userAgent: 'test', cookie: browser.cookies });
  const standing = async () => {
    const session = await signedIn(app.worker, app.accounts, visit());
    return [(await browser.get('/me')).field('secondFactor'), session?.hasSecondFactor, session?.mustEnrol];
  };
  const before = await standing();
  await become(personId);
  const must = await standing();
  const begun = done(await browser.post('/me/second-factor', { password: PASSWORD }));
  const code = new Authenticator(begun.string('totpUri')).code();
  done(await browser.post('/me/second-factor/confirm', { code }));

  expect(before).toEqual([{ enrolled: false, required: false }, false, false]);
  expect(must).toEqual([{ enrolled: false, required: true }, false, true]);
  expect(await standing()).toEqual([{ enrolled: true, required: true }, true, false]);
});

test('until he has one nothing is allowed him in his role, but to see who he is and to take one', async () => {
  const browser = newBrowser();
  const { personId } = await browser.signUp();
  await app.db.query(`insert into staff_roles values ($1, 'ops')`, [personId]);
  const before = [(await browser.get('/channels')).status, (await browser.get('/me')).status];
  const begun = done(await browser.post('/me/second-factor', { password: PASSWORD }));
  const code = new Authenticator(begun.string('totpUri')).code();

  done(await browser.post('/me/second-factor/confirm', { code }));

  expect([before, (await browser.get('/channels')).status]).toEqual([[403, 200], 200]);
});

test('who has lost it gets in by his password again, once ours have removed it; whoever was in is out, and he is told', async () => {
  const [browser, half] = [newBrowser(), newBrowser()];
  const { email, personId } = await browser.signUp();
  const begun = done(await browser.post('/me/second-factor', { password: PASSWORD }));
  const authenticator = new Authenticator(begun.string('totpUri'));
  done(await browser.post('/me/second-factor/confirm', { code: authenticator.code() }));
  await half.signIn(email);
  const removal = { body: { reason: 'seen on a call, with his passport' } };
  done(await app.call('post', `/api/v1/persons/${personId}/second-factor/remove`, removal));

  await forgetSteps(app);
  const proof = await half.post('/sign-ins/second-factor', { code: authenticator.code() });
  expect([(await browser.get('/me')).status, proof.status, (await half.get('/me')).status]).toEqual([401, 422, 401]);
  expect((await mailsTo(app, email)).at(-1)).toBe('second_factor');
  expect((await newBrowser().signIn(email)).body).toEqual({ state: 'signed_in' });
});

async function ownerOn(plan: 'team' | 'enterprise', personId: string): Promise<void> {
  const orgId = done(await app.call('post', '/api/v1/organizations', { body: { name: 'Acme' } })).string('id');
  done(await app.call('post', `/api/v1/organizations/${orgId}/members`, { body: { personId, role: 'owner' } }));
  if (plan === 'enterprise') {
    const reason = 'as agreed';
    done(await app.call('post', '/api/v1/tax-regimes', { body: { tax: { kind: 'none' }, reason } }));
    const body = { creditLineCents: 100_000, reason };
    done(await app.call('post', `/api/v1/organizations/${orgId}/contract`, { body }));
    return;
  }
  const version = `(select id from plan_versions where plan = 'team' limit 1)`;
  await app.db.query(`update organizations set plan_version_id = ${version} where id = $1`, [orgId]);
}
