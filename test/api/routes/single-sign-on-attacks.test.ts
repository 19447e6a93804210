// What somebody tries who owns a provider, or holds a session, a link or an answer that was meant for something else: it leads nowhere, now or later.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { addMember } from '../../../services/people/memberships.ts';
import { inTransaction } from '../../../services/platform/postgres.ts';
import { signOn } from '../../../services/single-sign-on/arrivals.ts';
import { mailIdentityLink } from '../../../services/single-sign-on/identity-links.ts';
import { identityProvider, noteTried, providerOf } from '../../../services/single-sign-on/identity-providers.ts';
import { signInThere } from '../../support/identity-provider.ts';
import { Authenticator, forgetSteps } from './authenticator.ts';
import { type Browser, codeSentTo, PASSWORD } from './browser.ts';
import { browserOf, changeAsOwner, type Enterprise, enterpriseWith, foundEnterprise } from './enterprise.ts';
import { done, type ManagementApp } from './management-app.ts';
import { PasskeyDevice } from './passkey-device.ts';
import { refusal, SignOnWorld } from './sign-on-world.ts';

let world: SignOnWorld;
let app: ManagementApp;

beforeAll(async () => {
  world = await SignOnWorld.open();
  app = world.app;
});
afterAll(() => world.close());

const REQUIRED = [403, 'single_sign_on_required'];
const FAILED = [422, 'single_sign_on_failed'];

async function prove(browser: Browser, number: string) {
  const id = done(await browser.get('/me/identities')).string('data.0.id');
  const sent = done(await browser.post(`/me/identities/${id}/prove`));
  return world.finish(browser, await signInThere(sent.string('url'), number));
}

/** Whoever was made by a provider, and reads his mail, asks for a password. */
async function confirmSignUp(browser: Browser, email: string) {
  done(await browser.post('/sign-ups', { email, password: PASSWORD, name: 'Ada', locale: 'en' }));
  return browser.post('/sign-ups/confirm', { email, code: await codeSentTo(app, email) });
}

async function withPasskey(browser: Browser, proof: object): Promise<PasskeyDevice> {
  const device = new PasskeyDevice();
  const options = Object(done(await browser.post('/me/passkeys', proof)).body);
  const made = device.make(options, app.accounts.relyingParty.origin);
  done(await browser.post('/me/passkeys/confirm', { name: 'laptop', ...made }));
  return device;
}

async function signInBy(device: PasskeyDevice, browser = world.newBrowser()) {
  const question = Object(done(await browser.get('/sign-ins/passkey')).body);
  return { browser, came: await browser.post('/sign-ins/passkey', device.sign(question)) };
}

/** As if its owner had tried it and asked it of everybody. */
async function enforce(orgId: string): Promise<void> {
  await app.db.query('update identity_providers set tested_at = now(), enforced = true where org_id = $1', [orgId]);
}

async function joinElsewhere(personId: string): Promise<string> {
  const { orgId } = await foundEnterprise(app);
  await inTransaction(app.worker, (tx) => addMember(tx, orgId, personId, 'admin'));
  return orgId;
}

test('who was made by a provider and has a second factor is asked for it also when he takes a password by mail', async () => {
  const enterprise = await world.enterprise('developer');
  const { browser, number, email } = await world.newcomer(enterprise);
  done(await prove(browser, number));
  const authenticator = new Authenticator(done(await browser.post('/me/second-factor')).string('totpUri'));
  done(await browser.post('/me/second-factor/confirm', { code: authenticator.code() }));
  const elsewhere = await joinElsewhere(done(await browser.get('/me')).string('id'));
  const stillConfined = await browser.get(`/organizations/${elsewhere}`);
  const reader = world.newBrowser();

  const confirmed = await confirmSignUp(reader, email);
  const before = await reader.get('/me');
  await forgetSteps(app);
  done(await reader.post('/sign-ins/second-factor', { code: authenticator.code() }));

  expect(refusal(stillConfined)).toEqual([403, 'single_sign_on_confined']);
  expect([confirmed.field('state'), before.status, (await reader.get('/me')).status]).toEqual([
    'second_factor',
    401,
    200,
  ]);
});

test('a password by mail is no way around an organization that wants its provider, and an owner’s is in its log', async () => {
  const enterprise = await world.enterprise('developer');
  const [member, owner] = [await world.newcomer(enterprise), await world.newcomer(enterprise)];
  await app.db.query(`update memberships set role = 'owner' where person_id = $1`, [owner.personId]);
  await enforce(enterprise.orgId);

  const refused = await confirmSignUp(world.newBrowser(), member.email);
  const letIn = await confirmSignUp(world.newBrowser(), owner.email);

  expect([refusal(refused), letIn.status]).toEqual([REQUIRED, 200]);
  const { rows } = await app.db.query(
    `select actor from audit_log where action = 'single_sign_on.bypassed' and target_id = $1`,
    [enterprise.orgId],
  );
  expect(rows).toEqual([{ actor: `person:${owner.personId}` }]);
});

test('a passkey that was added by a provider’s word leads where that does, and goes with it', async () => {
  const enterprise = await world.enterprise('developer');
  const { browser, number, personId } = await world.newcomer(enterprise);
  done(await prove(browser, number));
  const device = await withPasskey(browser, {});
  const elsewhere = await joinElsewhere(personId);

  const { browser: by, came } = await signInBy(device);
  const reached = [await by.get(`/organizations/${enterprise.orgId}`), await by.get(`/organizations/${elsewhere}`)];
  await enforce(enterprise.orgId);
  const enforced = await signInBy(device);
  await app.db.query(`update memberships set status = 'removed' where person_id = $1 and org_id = $2`, [
    personId,
    enterprise.orgId,
  ]);
  const removed = await signInBy(device);

  expect([came.status, ...reached.map(({ status }) => status)]).toEqual([200, 200, 403]);
  expect([refusal(enforced.came), removed.came.status, (await by.get('/me')).status]).toEqual([REQUIRED, 422, 401]);
});

test('an owner who comes around his provider by a passkey is in the log as well', async () => {
  const { orgId, owner } = await world.enterprise();
  await enforce(orgId);
  await forgetSteps(app);
  const device = await withPasskey(browserOf(app, owner), { password: PASSWORD, code: owner.authenticator.code() });

  const { browser } = await signInBy(device);

  const told = await browser.get(`/organizations/${orgId}/audit?action=single_sign_on.bypassed`);
  expect(told.list('data')).toMatchObject([{ actor: `person:${owner.personId}` }]);
});

test('a proof by a provider is fresh, in the session that asked, and of somebody who belongs nowhere else by then', async () => {
  const enterprise = await world.enterprise('developer');
  const { browser, number, personId } = await world.newcomer(enterprise);
  world.provider.fault = (claims) => ({ claims: { ...claims, auth_time: Math.floor(Date.now() / 1000) - 3_600 } });
  const stale = await prove(browser, number).finally(() => {
    world.provider.fault = null;
  });
  const id = done(await browser.get('/me/identities')).string('data.0.id');
  const sent = done(await browser.post(`/me/identities/${id}/prove`));
  const { cookies } = app.accounts;
  const signOnCookie = `${cookies.signOn}=${cookies.valueOf(cookies.signOn, browser.cookies)}`;
  const other = world.newBrowser();
  await world.comeIn(other, { number, email: `x@${enterprise.domain}` });
  other.cookies += `; ${signOnCookie}`;
  const another = await world.finish(other, await signInThere(sent.string('url'), number));
  done(await prove(other, number));
  await joinElsewhere(personId);

  const late = await other.post('/me/passkeys');

  expect([stale, another, late].map(refusal)).toEqual([FAILED, FAILED, [422, 'wrong_password']]);
});

test('whom a provider has sent that is another one by now is not let in', async () => {
  const enterprise = await world.enterprise('developer');
  const { orgId, owner, domain } = enterprise;
  const before = await providerOf(app.db, app.vault, orgId);
  if (before === null) throw new Error('there is a provider');
  done(await changeAsOwner(app, orgId, owner, { clientId: 'another', clientSecret: 'of another' }));
  const arrival = { provider: before, claims: { subject: '7', email: `x@${domain}`, name: null } };
  const visit = { clientAddress: '198.51.100.7', userAgent: 'test', cookie: '' };
  const author = { actor: 'visitor', requestId: orgId, clientAddress: '198.51.100.7' };

  const coming = inTransaction(app.worker, (tx) =>
    signOn(tx, app.accounts, arrival, { locale: 'en', timeZone: 'UTC' }, { visit, author }),
  );

  await expect(coming).rejects.toMatchObject({ code: 'single_sign_on_failed' });
});

test('that an owner has come in by another client, or another issuer, does not count as tried', async () => {
  const { orgId, owner } = await world.enterprise();
  const provider = await providerOf(app.db, app.vault, orgId);
  if (provider === null) throw new Error('there is a provider');
  const triedBy = (of: typeof provider) =>
    inTransaction(app.worker, async (tx) => {
      await noteTried(tx, of, owner.personId);
      return (await identityProvider(tx, orgId)).testedAt;
    });

  expect(await triedBy({ ...provider, clientId: 'another' })).toBeNull();
  expect(await triedBy({ ...provider, issuer: 'https://another.example' })).toBeNull();
  expect(await triedBy(provider)).toBeInstanceOf(Date);
});

test('a number that is none is the provider’s fault, and who comes twice at once is one and the same', async () => {
  const enterprise = await world.enterprise('developer');
  const ada = world.somebodyAt(enterprise);
  const numbers = ['x'.repeat(256), 'a\u0000b', 'ä'];
  const came: unknown[] = [];
  for (const sub of numbers) {
    world.provider.fault = (claims) => ({ claims: { ...claims, sub, email: ada.email, email_verified: true } });
    came.push(refusal(await world.comeIn(world.newBrowser(), ada)));
  }
  world.provider.fault = null;

  const atOnce = await Promise.all([1, 2, 3].map(() => world.comeIn(world.newBrowser(), ada)));

  expect(came).toEqual([FAILED, FAILED, FAILED]);
  expect(atOnce.map((one) => one.field('state'))).toEqual(['signed_in', 'signed_in', 'signed_in']);
});

/** Of somebody who has an account, whose provider has said so. */
async function linkTokenFor({ orgId }: Enterprise, personId: string): Promise<string> {
  const of = { orgId, issuer: world.provider.issuer, subject: personId };
  await inTransaction(app.worker, (tx) => mailIdentityLink(tx, personId, 'Engines', of));
  const { rows } = await app.db.query<{ id: string }>('select id from auth.identity_links where person_id = $1', [
    personId,
  ]);
  return app.singleSignOn.links.linkTokenOf(rows[0]?.id ?? '');
}

const TOO_LATE: readonly (readonly [what: string, sql: string, status: number])[] = [
  ['after ten minutes', `update auth.identity_links set valid_until = now() where person_id = $1 and org_id = $2`, 422],
  ['for who works for us', `insert into staff_roles select $1, 'support' where $2::uuid is not null`, 403],
  ['for who was suspended', `update memberships set status = 'suspended' where person_id = $1 and org_id = $2`, 403],
  [
    'of another provider',
    `update auth.identity_links set issuer = 'https://evil.example' where person_id = $1 and org_id = $2`,
    422,
  ],
];

test.each(TOO_LATE)('a link connects nobody %s', async (_, sql, status) => {
  const enterprise = await world.enterprise('developer');
  const { email, personId } = await world.newBrowser().signUp();
  await inTransaction(app.worker, (tx) => addMember(tx, enterprise.orgId, personId, 'developer'));
  const linkToken = await linkTokenFor(enterprise, personId);
  await app.db.query(sql, [personId, enterprise.orgId]);

  const followed = await world.newBrowser().post('/identity-links/confirm', { token: linkToken });

  expect([followed.status, await world.identitiesOf(email)]).toEqual([status, 0]);
});

test('nobody connects as whom a provider knows somebody else, or where he does not belong any more', async () => {
  const enterprise = await world.enterprise('developer');
  const { number } = await world.newcomer(enterprise);
  const own = world.newBrowser();
  const { personId } = await own.signUp();
  await inTransaction(app.worker, (tx) => addMember(tx, enterprise.orgId, personId, 'developer'));
  const connecting = { orgId: enterprise.orgId, password: PASSWORD };
  const url = async () => done(await own.post('/me/identities', connecting)).string('url');

  const anothers = await world.finish(own, await signInThere(await url(), number));
  const given = await signInThere(await url(), world.somebodyAt(enterprise).number);
  await app.db.query(`update memberships set status = 'removed' where person_id = $1 and org_id = $2`, [
    personId,
    enterprise.orgId,
  ]);
  const left = await world.finish(own, given);

  expect([anothers, left].map(refusal)).toEqual([[409, 'conflict'], FAILED]);
});

/** It says as little as it may, and keeps the codes that it is handed. */
async function startThief() {
  const handed: string[] = [];
  const http = createServer(async (req, res) => {
    if (req.method === 'POST') handed.push(await text(req));
    const ends = { authorization_endpoint: `${issuer()}/ask`, token_endpoint: `${issuer()}/token` };
    const said = { issuer: issuer(), ...ends, jwks_uri: `${issuer()}/keys`, response_types_supported: ['code'] };
    res.setHeader('content-type', 'application/json').end(JSON.stringify(said));
  }).listen(0, '127.0.0.1');
  const issuer = () => `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  await once(http, 'listening');
  return { handed, http, ...world.provider, issuer: issuer() };
}

test('a provider that sends its people on to another one is not handed what that has answered', async () => {
  const [honest, thief] = [await world.enterprise('developer'), await startThief()];
  const thiefs = await enterpriseWith(app, thief, 'developer');
  const asked = new URL(await world.begin(world.newBrowser(), `x@${honest.domain}`));
  const browser = world.newBrowser();
  const { state = '' } = Object.fromEntries(new URL(await world.begin(browser, `x@${thiefs.domain}`)).searchParams);
  asked.searchParams.set('state', state);
  // Many providers do not say who they are (RFC 9207).
  const { iss: _, ...given } = await signInThere(asked.href, world.somebodyAt(honest).number);

  const came = await world.finish(browser, given);
  thief.http.close();

  expect([refusal(came), thief.handed]).toEqual([FAILED, []]);
});
