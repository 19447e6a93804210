// Where single sign-on ends: what an organization may ask of its own people and of nobody else's, what its provider may not prove, and who may say of whom
// it speaks.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { addMember } from '../../../services/people/memberships.ts';
import { inTransaction } from '../../../services/platform/postgres.ts';
import { signInThere } from '../../support/identity-provider.ts';
import { forgetSteps } from './authenticator.ts';
import { type Browser, mailsTo, PASSWORD } from './browser.ts';
import { browserOf, changeAsOperator, changeAsOwner, type Enterprise, foundEnterprise, ownerOf } from './enterprise.ts';
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

/** Its owner has tried it, and asks it of everybody. */
async function enforced(): Promise<Enterprise> {
  const enterprise = await world.enterprise('developer');
  const { orgId, owner } = enterprise;
  await connected(browserOf(app, owner), enterprise);
  done(await changeAsOwner(app, orgId, owner, { enforced: true }));
  return enterprise;
}

async function connected(browser: Browser, enterprise: Enterprise): Promise<void> {
  const { orgId, owner } = enterprise;
  await forgetSteps(app);
  const proof = { password: PASSWORD, code: owner.authenticator.code() };
  const sent = done(await browser.post('/me/identities', { orgId, ...proof }));
  done(await world.finish(browser, await signInThere(sent.string('url'), world.somebodyAt(enterprise).number)));
}

/** A member with a password; alone: he belongs to nothing else. */
async function memberOf(orgId: string, isAlone: boolean) {
  const browser = world.newBrowser();
  const { email, personId } = await browser.signUp();
  const ownOrgId = done(await browser.get('/me')).string('memberships.0.orgId');
  await inTransaction(app.worker, (tx) => addMember(tx, orgId, personId, 'developer'));
  if (isAlone) await app.db.query('delete from memberships where person_id = $1 and org_id <> $2', [personId, orgId]);
  return { browser, email, personId, ownOrgId };
}

test('what nobody has tried is asked of nobody, and with another client it has to be tried again', async () => {
  const enterprise = await world.enterprise();
  const { orgId, owner } = enterprise;
  const path = `/organizations/${orgId}/single-sign-on`;

  const untried = await changeAsOwner(app, orgId, owner, { enforced: true });
  await connected(browserOf(app, owner), enterprise);
  const tried = await changeAsOwner(app, orgId, owner, { enforced: true });
  const without = await changeAsOwner(app, orgId, owner, { clientId: 'another' });
  const atOnce = { clientId: 'another', clientSecret: 'of another', enforced: true };
  const untriedAgain = await changeAsOwner(app, orgId, owner, atOnce);
  const another = await changeAsOwner(app, orgId, owner, { clientId: 'another', clientSecret: 'of another' });
  const shown = await browserOf(app, owner).get(path);

  expect([untried, without, untriedAgain].map(refusal)).toEqual([
    [409, 'conflict'],
    [422, 'invalid_body'],
    [409, 'conflict'],
  ]);
  expect([tried.field('enforced'), another.field('enforced'), another.field('testedAt')]).toEqual([true, false, null]);
  expect(shown.text).not.toMatch(/of another|sealed|clientSecret/);
});

test('members come in no other way: what they have open otherwise ends, password and passkey are refused', async () => {
  const enterprise = await world.enterprise('viewer');
  const { orgId, owner } = enterprise;
  await connected(browserOf(app, owner), enterprise);
  const { browser, email } = await memberOf(orgId, true);
  const device = new PasskeyDevice();
  const options = Object(done(await browser.post('/me/passkeys', { password: PASSWORD })).body);
  const made = device.make(options, app.accounts.relyingParty.origin);
  done(await browser.post('/me/passkeys/confirm', { name: 'laptop', ...made }));

  done(await changeAsOwner(app, orgId, owner, { enforced: true }));
  const other = world.newBrowser();
  const question = Object(done(await other.get('/sign-ins/passkey')).body);
  const answers = [await other.signIn(email), await other.post('/sign-ins/passkey', device.sign(question))];

  expect([(await browser.get('/me')).status, ...answers.map(refusal)]).toEqual([401, REQUIRED, REQUIRED]);
  done(await changeAsOwner(app, orgId, owner, { enforced: false }));
  expect((await other.signIn(email)).status).toBe(200);
});

test('who belongs elsewhere, too, goes on there by his password, and reaches this one by its provider alone', async () => {
  const { orgId } = await enforced();
  const { browser, email, ownOrgId } = await memberOf(orgId, false);
  const other = world.newBrowser();

  const signedIn = await other.signIn(email);
  const reached = async (id: string) => refusal(await browser.get(`/organizations/${id}`));

  expect(signedIn.status).toBe(200);
  expect([await reached(ownOrgId), await reached(orgId)]).toEqual([[200, undefined], REQUIRED]);
  const memberships = done(await browser.get('/me'))
    .list('memberships')
    .map((one) => Object(one).barrier);
  expect(memberships).toEqual([null, 'single_sign_on']);
  // To go is his own affair.
  expect((await browser.post(`/me/memberships/${orgId}/leave`)).status).toBe(200);
});

test('what a provider has opened reaches its organization and no other one of the same person', async () => {
  const enterprise = await world.enterprise('developer');
  const { browser, personId } = await world.newcomer(enterprise);
  const elsewhere = await foundEnterprise(app);
  await inTransaction(app.worker, (tx) => addMember(tx, elsewhere.orgId, personId, 'admin'));

  const answers = [
    await browser.get(`/organizations/${enterprise.orgId}`),
    await browser.get(`/organizations/${elsewhere.orgId}`),
    await browser.get('/me/data'),
    await browser.post(`/me/memberships/${elsewhere.orgId}/leave`),
    await browser.post('/me/identities', { orgId: elsewhere.orgId }),
  ];

  const confined = [403, 'single_sign_on_confined'];
  expect(answers.map(refusal)).toEqual([[200, undefined], confined, confined, confined, confined]);
});

test('an owner gets in by his password and second factor, which the log of his organization tells', async () => {
  const { orgId, owner } = await enforced();
  const browser = world.newBrowser();
  await forgetSteps(app);

  const password = await browser.signIn(owner.email);
  const code = await browser.post('/sign-ins/second-factor', { code: owner.authenticator.code() });
  const reached = await browser.get(`/organizations/${orgId}/audit?action=single_sign_on.bypassed`);

  expect([password.field('state'), code.status]).toEqual(['second_factor', 200]);
  expect(reached.list('data')).toMatchObject([{ actor: `person:${owner.personId}` }]);
});

test('who has no password proves by his provider that it is still he, for one thing; who has one does not', async () => {
  const enterprise = await world.enterprise('developer');
  const { browser, number, email } = await world.newcomer(enterprise);
  const id = done(await browser.get('/me/identities')).string('data.0.id');
  const prove = async (login: string) => {
    const sent = done(await browser.post(`/me/identities/${id}/prove`));
    return world.finish(browser, await signInThere(sent.string('url'), login));
  };
  const addPasskey = () => browser.post('/me/passkeys', {});

  const unproved = await addPasskey();
  const [somebodyElse, himself] = [await prove(world.somebodyAt(enterprise).number), await prove(number)];
  const [once, twice] = [await addPasskey(), await addPasskey()];
  done(await prove(number));
  await app.db.query(`update auth.sessions set proved_at = proved_at - interval '5 minutes'`);
  const late = await addPasskey();
  done(await prove(number));
  const me = done(await browser.get('/me'));
  await world.newBrowser().signUp(email);
  const withPassword = await addPasskey();

  expect([somebodyElse, himself].map((one) => one.field('state') ?? one.field('code'))).toEqual([
    'single_sign_on_failed',
    'proved',
  ]);
  expect(me.field('presence')).toEqual({ hasPassword: false, provedUntil: expect.any(String) });
  const wrong = [422, 'wrong_password'];
  expect([unproved, once, twice, late, withPassword].map(refusal)).toEqual([
    wrong,
    [200, undefined],
    wrong,
    wrong,
    wrong,
  ]);
});

test('a provider proves nothing of an account that opens another organization, too', async () => {
  const enterprise = await world.enterprise('developer');
  const { browser, number, personId } = await world.newcomer(enterprise);
  const id = done(await browser.get('/me/identities')).string('data.0.id');
  const elsewhere = await foundEnterprise(app);
  await inTransaction(app.worker, (tx) => addMember(tx, elsewhere.orgId, personId, 'admin'));
  const sent = done(await browser.post(`/me/identities/${id}/prove`));

  const proved = await world.finish(browser, await signInThere(sent.string('url'), number));

  expect(refusal(proved)).toEqual([403, 'single_sign_on_confined']);
  expect(refusal(await browser.post('/me/passkeys', {}))).toEqual([422, 'wrong_password']);
});

test('a provider is let go where there is another way in, and what it has opened ends', async () => {
  const enterprise = await world.enterprise('developer');
  const { browser, number, email } = await world.newcomer(enterprise);
  const id = done(await browser.get('/me/identities')).string('data.0.id');
  const sent = done(await browser.post(`/me/identities/${id}/prove`));
  done(await world.finish(browser, await signInThere(sent.string('url'), number)));

  const last = await browser.post(`/me/identities/${id}/remove`, {});
  const own = world.newBrowser();
  await own.signUp(email);
  const unproved = await own.post(`/me/identities/${id}/remove`, { password: 'not it' });
  const removed = await own.post(`/me/identities/${id}/remove`, { password: PASSWORD });

  expect([last, unproved].map(refusal)).toEqual([
    [409, 'last_way_in'],
    [422, 'wrong_password'],
  ]);
  expect([removed.status, (await browser.get('/me')).status, await world.identitiesOf(email)]).toEqual([200, 401, 0]);
  expect(await mailsTo(app, email)).toEqual(expect.arrayContaining(['identity']));
});

test('an owner changes it who proves that it is he, on the version that he has seen, and all owners hear of it', async () => {
  const enterprise = await world.enterprise();
  const { orgId, owner } = enterprise;
  const second = await ownerOf(app, orgId);
  const browser = browserOf(app, owner);
  const path = `/organizations/${orgId}/single-sign-on`;
  const change = (body: object, ifMatch: string) =>
    browser.send('patch', path, body, { origin: app.url, 'if-match': ifMatch });
  await forgetSteps(app);
  const code = owner.authenticator.code();

  const answers = [
    await change({ jitRole: 'viewer' }, '*'),
    await change({ jitRole: 'viewer', password: 'not it', code }, '*'),
    await change({ jitRole: 'viewer', password: PASSWORD, code: owner.authenticator.wrongCode() }, '*'),
    await change({ jitRole: 'viewer', password: PASSWORD, code }, '"1"'),
    await change({ allowLocal: true, password: PASSWORD, code }, '*'),
    await change({ jitRole: 'admin', password: PASSWORD, code }, '*'),
    await change({ jitRole: 'viewer', password: PASSWORD, code }, '*'),
  ];

  expect(answers.map(refusal)).toEqual([
    [422, 'wrong_password'],
    [422, 'wrong_password'],
    [422, 'wrong_code'],
    [412, 'precondition_failed'],
    [403, 'forbidden'],
    [422, 'invalid_body'],
    [200, undefined],
  ]);
  expect(await mailsTo(app, second.email)).toEqual(expect.arrayContaining(['single_sign_on']));
});

test('a provider in the operator’s network is named where the operator has allowed it, and another issuer’s people start anew', async () => {
  const { orgId, owner } = await foundEnterprise(app);
  const { issuer, clientId, clientSecret } = world.provider;
  const named = { issuer, clientId, clientSecret };

  const local = await changeAsOwner(app, orgId, owner, named);
  const metadata = await changeAsOwner(app, orgId, owner, { ...named, issuer: 'http://169.254.169.254/latest' });
  done(await changeAsOperator(app, orgId, { allowLocal: true }));
  const still = await changeAsOwner(app, orgId, owner, { ...named, issuer: 'http://169.254.169.254/latest' });
  const nobody = await changeAsOwner(app, orgId, owner, { ...named, issuer: app.url });
  const allowed = await changeAsOwner(app, orgId, owner, named);

  const refused = [422, 'invalid_body'];
  expect([local, metadata, still, nobody, allowed].map(refusal)).toEqual([
    refused,
    refused,
    refused,
    refused,
    [200, undefined],
  ]);
  const enterprise = await world.enterprise('viewer');
  const { browser, email } = await world.newcomer(enterprise);
  done(await changeAsOwner(app, enterprise.orgId, enterprise.owner, { issuer: null }));
  expect([(await browser.get('/me')).status, await world.identitiesOf(email)]).toEqual([401, 0]);
});

test('a mail domain is one organization’s, and no public one; without any nobody is held to the provider', async () => {
  const enterprise = await enforced();
  const elsewhere = await foundEnterprise(app);
  const { email } = await memberOf(enterprise.orgId, true);
  const confirm = (orgId: string, domain: string) =>
    app.call('post', `/api/v1/organizations/${orgId}/mail-domains`, { body: { domain, reason: 'made sure' } });

  await app.db.query(
    `insert into applications (id, org_id, stage, form, applied_by, state, revision)
     values (gen_random_uuid(), $1, 'active', '{"domain": "looms.example"}', 'test', '{}', 1)`,
    [elsewhere.orgId],
  );
  const suggested = await browserOf(app, elsewhere.owner).get(`/organizations/${elsewhere.orgId}/single-sign-on`);
  const taken = await confirm(elsewhere.orgId, enterprise.domain.toUpperCase());
  const open = await confirm(elsewhere.orgId, 'gmail.com');
  const path = `/api/v1/organizations/${enterprise.orgId}/mail-domains/${enterprise.domain}/take-back`;
  const before = await world.newBrowser().signIn(email);
  const back = await app.call('post', path, { body: { reason: 'sold' } });
  const after = await world.newBrowser().signIn(email);
  const again = await confirm(elsewhere.orgId, enterprise.domain);

  expect([taken, open, before].map(refusal)).toEqual([[409, 'conflict'], [422, 'invalid_body'], REQUIRED]);
  expect([back.field('enforced'), after.status, again.status]).toEqual([false, 200, 201]);
  expect(suggested.field('suggestedDomain')).toBe('looms.example');
});
