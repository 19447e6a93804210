// An enterprise's people come in by its provider: whom it knows, and who is wanted here. Whatever else the provider says, or somebody else in its name,
// opens nothing, and nobody is taken for somebody who has an account already.
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { invite } from '../../../services/people/invitations.ts';
import { inTransaction } from '../../../services/platform/postgres.ts';
import { type Fault, signInThere, startIdentityProvider } from '../../support/identity-provider.ts';
import { forgetSteps } from './authenticator.ts';
import { mailsTo, PASSWORD } from './browser.ts';
import { browserOf, changeAsOwner, enterpriseWith } from './enterprise.ts';
import { done, type ManagementApp } from './management-app.ts';
import { refusal, SignOnWorld } from './sign-on-world.ts';

let world: SignOnWorld;
let app: ManagementApp;

beforeAll(async () => {
  world = await SignOnWorld.open();
  app = world.app;
});
afterAll(() => world.close());

test('whoever is wanted comes in as a member without a password, for 12 hours and to this organization alone', async () => {
  const enterprise = await world.enterprise('viewer');
  const ada = world.somebodyAt(enterprise);
  const browser = world.newBrowser();

  const came = await world.comeIn(browser, ada);
  const me = done(await browser.get('/me'));
  const again = await world.comeIn(world.newBrowser(), ada);

  expect([came.field('state'), again.field('state')]).toEqual(['signed_in', 'signed_in']);
  expect(me.body).toMatchObject({
    ...{
      email: ada.email,
      name: 'Ada Lovelace',
      locale: 'zh',
      timeZone: 'Asia/Shanghai',
      presence: { hasPassword: false },
    },
    memberships: [{ orgId: enterprise.orgId, role: 'viewer', status: 'active', barrier: null }],
  });
  const { rows } = await app.db.query(
    `select (s.expires_at - s.created_at <= interval '12 hours') as short, exists (select from credit_grants g where g.org_id = $2) as trial
       from auth.sessions s where s.id = $1`,
    [me.string('sessionId'), enterprise.orgId],
  );
  expect(rows).toEqual([{ short: true, trial: false }]);
  expect((await browser.get(`/organizations/${enterprise.orgId}`)).status).toBe(200);
});

test('who was invited comes in as what he was invited; without that, and without a role for newcomers, nobody does', async () => {
  const enterprise = await world.enterprise();
  const [ada, eve] = [world.somebodyAt(enterprise), world.somebodyAt(enterprise)];
  await inTransaction(app.worker, (tx) =>
    invite(tx, enterprise.orgId, { email: ada.email, role: 'billing', invitedBy: null }),
  );
  const browser = world.newBrowser();

  const [invited, uninvited] = [await world.comeIn(browser, ada), await world.comeIn(world.newBrowser(), eve)];

  expect([invited.field('state'), refusal(uninvited)]).toEqual(['signed_in', [403, 'single_sign_on_refused']]);
  expect(done(await browser.get('/me')).field('memberships.0.role')).toBe('billing');
  expect((await app.db.query('select from persons where email = $1', [eve.email])).rowCount).toBe(0);
});

test('who has an account is mailed a link and is not signed in; by the link his provider knows him, once', async () => {
  const enterprise = await world.enterprise('developer');
  const ada = world.somebodyAt(enterprise);
  const own = world.newBrowser();
  await own.signUp(ada.email);
  const browser = world.newBrowser();

  const first = await world.comeIn(browser, ada);
  const before = await world.identitiesOf(ada.email);
  const { rows } = await app.db.query<{ id: string }>(
    `select facts ->> 'linkId' as id from notifications where kind = 'identity_link' and recipient = $1`,
    [ada.email],
  );
  const linkToken = app.singleSignOn.links.linkTokenOf(rows[0]?.id ?? '');
  const [linked, twice] = [
    await world.newBrowser().post('/identity-links/confirm', { token: linkToken }),
    await world.newBrowser().post('/identity-links/confirm', { token: linkToken }),
  ];
  const second = await world.comeIn(browser, ada);

  expect([first.field('state'), before, (await world.newBrowser().get('/me')).status]).toEqual(['link_sent', 0, 401]);
  expect([linked.status, refusal(twice), second.field('state')]).toEqual([200, [422, 'link_used'], 'signed_in']);
  const reached = [await browser.get(`/organizations/${enterprise.orgId}`), await own.get('/me')];
  expect(reached.map(({ status }) => status)).toEqual([200, 200]);
  expect(await mailsTo(app, ada.email)).toEqual(expect.arrayContaining(['identity_link', 'identity']));
});

test('an address that changes at the provider, or is somebody else’s there by then, moves nobody', async () => {
  const enterprise = await world.enterprise('viewer');
  const ada = world.somebodyAt(enterprise);
  const browser = world.newBrowser();
  done(await world.comeIn(browser, ada));
  const id = done(await browser.get('/me')).string('id');
  world.provider.people.set(ada.number, { email: `married@${enterprise.domain}`, emailVerified: false });
  const eve = world.somebodyAt(enterprise, { email: ada.email });

  done(await world.comeIn(browser, ada));
  const other = await world.comeIn(world.newBrowser(), eve);

  expect(done(await browser.get('/me')).body).toMatchObject({ id, email: ada.email });
  expect(other.field('state')).toBe('link_sent');
});

const strangersKey = generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey;
const FAULTS: readonly (readonly [what: string, fault: Fault])[] = [
  ['another nonce', (claims) => ({ claims: { ...claims, nonce: 'another' } })],
  ['no nonce', ({ nonce: _, ...claims }) => ({ claims })],
  ['another issuer', (claims) => ({ claims: { ...claims, iss: 'https://evil.example' } })],
  ['another client', (claims) => ({ claims: { ...claims, aud: 'somebody-else' } })],
  ['a time that is over', (claims) => ({ claims: { ...claims, exp: Math.floor(Date.now() / 1000) - 600 } })],
  ['the signature of a stranger', () => ({ signedBy: strangersKey })],
];

test.each(FAULTS)('an ID token with %s signs nobody in', async (_, fault) => {
  const enterprise = await world.enterprise('viewer');
  const ada = world.somebodyAt(enterprise);
  const browser = world.newBrowser();
  world.provider.fault = fault;

  const came = await world.comeIn(browser, ada).finally(() => {
    world.provider.fault = null;
  });

  expect(refusal(came)).toEqual([422, 'single_sign_on_failed']);
  expect([(await browser.get('/me')).status, await world.identitiesOf(ada.email)]).toEqual([401, 0]);
});

test('an answer is good once, in the browser that was sent, with its own state', async () => {
  const enterprise = await world.enterprise('viewer');
  const ada = world.somebodyAt(enterprise);
  const [browser, thief] = [world.newBrowser(), world.newBrowser()];
  await world.begin(thief, ada.email);
  const url = await world.begin(browser, ada.email);
  const { state } = Object.fromEntries(new URL(url).searchParams);
  const given = await signInThere(url, ada.number);

  const elsewhere = await world.finish(thief, given);
  const none = await world.finish(world.newBrowser(), given);
  const before = browser.cookies;
  const right = await world.finish(browser, given);
  browser.cookies = before;
  const twice = await world.finish(browser, given);
  const refused = world.newBrowser();
  await world.begin(refused, ada.email);
  const otherState = await world.finish(refused, { ...given, state });

  const failed = [422, 'single_sign_on_failed'];
  expect([elsewhere, none, twice, otherState].map(refusal)).toEqual([failed, failed, failed, failed]);
  expect(right.field('state')).toBe('signed_in');
});

test('a refusal by the provider, and a person whom it does not answer for, is told and signs nobody in', async () => {
  const enterprise = await world.enterprise('viewer');
  const unproved = world.somebodyAt(enterprise, { emailVerified: false });
  const stranger = world.somebodyAt(enterprise, { email: 'ada@gmail.com' });
  const browser = world.newBrowser();
  const { state } = Object.fromEntries(new URL(await world.begin(browser, unproved.email)).searchParams);

  const answers = [
    await world.finish(browser, { orgId: enterprise.orgId, state, error: 'access_denied' }),
    await world.comeIn(world.newBrowser(), unproved),
    await world.comeIn(world.newBrowser(), { ...stranger, email: `x@${enterprise.domain}` }),
    await world.newBrowser().post('/sign-ins/single-sign-on', { email: 'ada@nobodys.example' }),
  ];

  expect(answers.map(refusal)).toEqual([
    [422, 'single_sign_on_failed'],
    [422, 'single_sign_on_unproved'],
    [422, 'single_sign_on_unproved'],
    [422, 'no_single_sign_on'],
  ]);
});

test('who was suspended or has left does not come in, what he had open ends, and he comes back by an invitation alone', async () => {
  const enterprise = await world.enterprise('viewer');
  const { orgId, owner } = enterprise;
  const ada = world.somebodyAt(enterprise);
  const browser = world.newBrowser();
  done(await world.comeIn(browser, ada));
  const personId = done(await browser.get('/me')).string('id');
  const standing = (status: string) =>
    browserOf(app, owner).send(
      'patch',
      `/organizations/${orgId}/members/${personId}`,
      { status },
      { origin: app.url, 'if-match': '*' },
    );

  done(await standing('suspended'));
  const suspended = [await world.comeIn(world.newBrowser(), ada), await browser.get('/me')];
  done(await standing('active'));
  const restored = await browser.get('/me');
  done(await standing('removed'));
  const removed = [await world.comeIn(world.newBrowser(), ada), await browser.get('/me')];
  await inTransaction(app.worker, (tx) => invite(tx, orgId, { email: ada.email, role: 'viewer', invitedBy: null }));
  const invited = await world.comeIn(world.newBrowser(), ada);

  expect(suspended.map(({ status }) => status)).toEqual([403, 401]);
  expect(restored.status).toBe(200);
  expect(removed.map(({ status }) => status)).toEqual([403, 401]);
  expect([await world.identitiesOf(ada.email), invited.field('state')]).toEqual([0, 'link_sent']);
});

test('who works for us comes in by nobody else’s word, from the moment on in which he does', async () => {
  const enterprise = await world.enterprise('viewer');
  const ada = world.somebodyAt(enterprise);
  const browser = world.newBrowser();
  done(await world.comeIn(browser, ada));
  const personId = done(await browser.get('/me')).string('id');

  await app.db.query(`insert into staff_roles (person_id, role) values ($1, 'support')`, [personId]);

  expect((await browser.get('/me')).status).toBe(401);
  expect(refusal(await world.comeIn(world.newBrowser(), ada))).toEqual([403, 'single_sign_on_refused']);
});

test('an owner is asked for his own second factor after his provider, and is confined by what he came by', async () => {
  const enterprise = await world.enterprise();
  const { orgId, owner } = enterprise;
  const own = world.somebodyAt(enterprise);
  const connecting = browserOf(app, owner);
  await forgetSteps(app);
  const wrong = await connecting.post('/me/identities', {
    orgId,
    password: 'not it',
    code: owner.authenticator.code(),
  });
  const proof = { password: PASSWORD, code: owner.authenticator.code() };
  const sent = done(await connecting.post('/me/identities', { orgId, ...proof }));
  const connected = await world.finish(connecting, await signInThere(sent.string('url'), own.number));
  const browser = world.newBrowser();

  const came = await world.comeIn(browser, own);
  const between = await browser.get('/me');
  await forgetSteps(app);
  const code = await browser.post('/sign-ins/second-factor', { code: owner.authenticator.code() });

  expect([refusal(wrong), connected.field('state')]).toEqual([[422, 'wrong_password'], 'connected']);
  expect([came.field('state'), between.status, code.status]).toEqual(['second_factor', 401, 200]);
  const { rows } = await app.db.query(
    'select s.identity_id is not null as by_provider from auth.sessions s where s.id = $1',
    [done(await browser.get('/me')).string('sessionId')],
  );
  expect(rows).toEqual([{ by_provider: true }]);
});

test('a provider that is away, and an organization that is no enterprise any more, lead nowhere', async () => {
  const away = await startIdentityProvider(`${app.url}/console/signed-on`);
  const silent = await enterpriseWith(app, away);
  await away.close();
  const former = await world.enterprise('viewer');
  await app.db.query(
    `update organizations set plan_version_id = (select id from plan_versions where plan = 'team' limit 1) where id = $1`,
    [former.orgId],
  );

  const answers = [
    await world.newBrowser().post('/sign-ins/single-sign-on', { email: `a@${silent.domain}` }),
    await world.newBrowser().post('/sign-ins/single-sign-on', { email: `a@${former.domain}` }),
    await changeAsOwner(app, former.orgId, former.owner, { jitRole: null }),
  ];

  expect(answers.map(refusal)).toEqual([
    [503, 'single_sign_on_unavailable'],
    [422, 'no_single_sign_on'],
    [409, 'conflict'],
  ]);
});

test('beginnings are counted for each address, and those that came to an end no more', async () => {
  const enterprise = await world.enterprise('viewer');
  const ada = world.somebodyAt(enterprise);
  const browser = world.newBrowser();
  for (let times = 0; times < 9; times += 1) await world.begin(browser, ada.email);
  done(await world.comeIn(browser, ada));

  const statuses: number[] = [];
  for (let times = 0; times < 11; times += 1) {
    statuses.push((await browser.post('/sign-ins/single-sign-on', { email: ada.email })).status);
  }

  expect(statuses).toEqual([...Array(10).fill(200), 429]);
});

test('of what is kept of a person his identities are downloaded, by whom he came and when', async () => {
  const enterprise = await world.enterprise('viewer');
  const { browser, number } = await world.newcomer(enterprise);

  const data = done(await browser.get('/me/data'));

  const issuer = world.provider.issuer;
  expect(data.list('identities')).toMatchObject([{ issuer, subject: number, createdAt: expect.any(String) }]);
  expect(refusal(await browser.post(`/me/identities/${randomUUID()}/prove`))).toEqual([404, 'not_found']);
});
