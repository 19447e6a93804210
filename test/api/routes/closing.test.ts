// What is kept of a person: he downloads all of it, and when he closes his account it stops working at once, can be had back for 30 days, and then
// loses his name, while the books stay as they are.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eraseClosedAccounts } from '../../../services/accounts/closings.ts';
import { verifyLedger } from '../../../services/ledger/verifier.ts';
import { Browser, mailsTo, PASSWORD, reopeningSentTo } from './browser.ts';
import { type Answered, done, type ManagementApp, startManagementApp } from './management-app.ts';

let app: ManagementApp;

beforeAll(async () => {
  app = await startManagementApp(false, ['127.0.0.1']);
});
afterAll(() => app.close());

let lastNetwork = 0;
const newBrowser = () => new Browser(app, `198.18.3.${++lastNetwork}`);
const refusal = ({ status, body }: Answered) => [status, Object(body).code];
const close = (browser: Browser, password = PASSWORD) => browser.post('/me/closing', { password });
const reopen = (linkToken: string) => newBrowser().post('/account-reopenings', { token: linkToken });
const obstaclesOf = async (browser: Browser) =>
  done(await browser.get('/me/closing'))
    .list('obstacles')
    .map((one) => Object(one).why);

async function somebody() {
  const [browser, elsewhere] = [newBrowser(), newBrowser()];
  const { email, personId } = await browser.signUp();
  done(await elsewhere.signIn(email));
  const orgId = (await browser.get('/me')).string('memberships.0.orgId');
  return { browser, elsewhere, email, personId, orgId };
}

async function backIsOver(personId: string): Promise<void> {
  await app.db.query('update auth.closings set back_until = clock_timestamp() where person_id = $1', [personId]);
}

test('somebody downloads all that is kept of him, and nothing of anybody else, and that he did is audited', async () => {
  const [{ browser, email, personId }, other] = [await somebody(), await somebody()];
  done(await browser.send('patch', '/me', { name: 'Ada "Countess" Lovelace' }));

  const answer = done(await browser.get('/me/data'));

  expect(answer.headers.get('content-disposition')).toContain('tollgate-data.json');
  expect(answer.body).toMatchObject({
    profile: { id: personId, email, name: 'Ada "Countess" Lovelace', locale: 'en' },
    memberships: [{ role: 'owner', status: 'active' }],
    ...{ staffRoles: [], secondFactorSince: null, mailChanges: [] },
  });
  expect(answer.list('sessions').map((one) => Object(one).userAgent)).toHaveLength(2);
  expect(answer.list('audit').map((one) => Object(one).action)).toEqual(['person.changed', 'person.data_exported']);
  expect(answer.list('mails').map((one) => Object(one).kind)).toEqual(await mailsTo(app, email));
  expect(answer.text).not.toContain(other.personId);
  expect(answer.text).not.toMatch(/argon2|signUpId/);
});

test('his data is downloaded ten times a day', async () => {
  const { browser } = await somebody();
  const statuses: number[] = [];

  for (let time = 0; time < 11; time += 1) statuses.push((await browser.get('/me/data')).status);

  expect(statuses).toEqual([...Array(10).fill(200), 429]);
});

test('what closing means is told before, and afterwards no session, no sign-in and no API key of it works', async () => {
  const { browser, elsewhere, email, personId, orgId } = await somebody();
  const keyId = done(await app.call('post', '/api/v1/api-keys', { body: { orgId } })).string('id');

  const outlook = done(await browser.get('/me/closing'));
  const wrong = await close(browser, 'not the password');
  done(await close(browser));

  expect(outlook.body).toEqual({
    obstacles: [],
    organizations: [{ orgId, orgName: 'Ada', availableNano: '1000000000', apiKeys: 1 }],
  });
  expect(refusal(wrong)).toEqual([422, 'wrong_password']);
  expect([(await browser.get('/me')).status, (await elsewhere.get('/me')).status]).toEqual([401, 401]);
  expect(refusal(await newBrowser().signIn(email))).toEqual([403, 'account_closed']);
  expect(refusal(await newBrowser().signIn(email, 'not the password'))).toEqual([401, 'wrong_credentials']);
  const apiKey = done(await app.call('get', `/api/v1/api-keys/${keyId}`));
  expect(apiKey.string('disabledReason')).toBe('the account was closed');
  expect((await mailsTo(app, email)).at(-1)).toBe('account_closed');
  const audited = done(await app.call('get', `/api/v1/audit?targetId=${personId}&action=person.account_closed`));
  expect(audited.field('data.0.after.organizations')).toEqual([orgId]);
});

test('what is owed, what would go on, and others who belong there stand in the way, each named', async () => {
  const { browser, personId, orgId } = await somebody();
  const colleague = await somebody();
  await app.db.query('update organizations set overdraft_nano = 30000000, seats = null where id = $1', [orgId]);
  await app.db.query(
    `insert into top_ups (org_id, state, revision, is_low) values ($1, '{"settings": {"packCents": 1000}}', 2, false)`,
    [orgId],
  );
  await app.db.query(
    `insert into subscriptions (id, org_id, phase, plan_version_id, state, revision)
     select $1, $2, 'active', id, '{}', 1 from plan_versions where plan = 'pro' limit 1`,
    [randomUUID(), orgId],
  );
  await app.db.query('insert into staff_roles (person_id, role) values ($1, $2)', [colleague.personId, 'ops']);

  const owing = done(await browser.get('/me/closing'));
  const refused = await close(browser);
  await app.db.query('update organizations set overdraft_nano = 0 where id = $1', [orgId]);
  await app.db.query(`insert into memberships (org_id, person_id, role) values ($1, $2, 'viewer')`, [
    orgId,
    colleague.personId,
  ]);
  const shared = await obstaclesOf(browser);

  expect(owing.list('obstacles')).toEqual([
    { why: 'owed', orgId, orgName: 'Ada', amountNano: '30000000' },
    { why: 'subscription', orgId, orgName: 'Ada', amountNano: null },
    { why: 'auto_top_up', orgId, orgName: 'Ada', amountNano: null },
  ]);
  expect(refusal(refused)).toEqual([409, 'conflict']);
  expect(shared).toEqual(['shared']);
  expect(await obstaclesOf(colleague.browser)).toEqual(['staff', 'shared']);
  expect((await app.call('get', `/api/v1/persons/${personId}`)).status).toBe(200);
});

test('a link opens it again for 30 days, once; until then nobody has the address', async () => {
  const { browser, email } = await somebody();
  done(await close(browser));
  const link = await reopeningSentTo(app, email);
  await newBrowser().post('/sign-ups', { email, password: PASSWORD, name: 'Eve', locale: 'en' });
  const told = (await mailsTo(app, email)).at(-1);

  const twice = (await Promise.all([reopen(link), reopen(link)])).map(({ status }) => status).sort();

  expect([told, twice]).toEqual(['known_address', [200, 422]]);
  expect((await browser.signIn(email)).status).toBe(200);
  expect([await reopen(link), await reopen('x')].map(refusal)).toEqual([
    [422, 'link_used'],
    [422, 'link_unknown'],
  ]);
});

test('after 30 days it has no name and no address, whoever wants the address has it, and the books stay', async () => {
  const { browser, email, personId, orgId } = await somebody();
  await app.db.query(
    `insert into invitations (id, org_id, email, role, valid_until, accepted_by, ended_at)
       values (gen_random_uuid(), $1, $2, 'viewer', now(), $3, now())`,
    [orgId, email, personId],
  );
  done(await close(browser));
  const link = await reopeningSentTo(app, email);
  await eraseClosedAccounts(app.worker);
  const before = (await app.call('get', `/api/v1/persons/${personId}`)).string('email');
  await backIsOver(personId);

  await Promise.all([eraseClosedAccounts(app.worker), eraseClosedAccounts(app.worker)]);

  const person = done(await app.call('get', `/api/v1/persons/${personId}`));
  expect([before, person.string('email'), person.string('name')]).toEqual([
    ...[email, `${personId}@closed.invalid`],
    'Closed account',
  ]);
  expect(refusal(await reopen(link))).toEqual([422, 'link_expired']);
  const { rows } = await app.db.query('select count(*)::int as n from invitations where email = $1', [email]);
  expect(rows).toEqual([{ n: 0 }]);
  const audited = done(await app.call('get', `/api/v1/audit?targetId=${personId}&action=person.erased`));
  expect(audited.list('data')).toHaveLength(1);
  const newcomer = newBrowser();
  const { personId: another } = await newcomer.signUp(email);
  expect(another).not.toBe(personId);
  const balance = await app.call('get', `/api/v1/organizations/${orgId}/balance`);
  expect(balance.string('balanceNano')).toBe('1000000000');
  const { checks } = await verifyLedger(app.worker);
  expect(checks.filter(({ ok }) => !ok)).toEqual([]);
});

test('who signs in while his account is closed is not in it', async () => {
  const { browser, personId, elsewhere } = await somebody();
  await app.db.query(
    `insert into auth.closings (person_id, id, back_until) values ($1, $2, clock_timestamp() + interval '30 days')`,
    [personId, randomUUID()],
  );

  expect([(await browser.get('/me')).status, (await elsewhere.get('/me')).status]).toEqual([401, 401]);
});
