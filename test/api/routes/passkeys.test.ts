// A passkey lets its owner in without a password or a code, and nobody else: each question is answered once, in the browser that asked it, by a device
// that has checked who uses it; and a copy of one opens nothing.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eraseClosedAccounts } from '../../../services/accounts/closings.ts';
import { PasskeyChallenges } from '../../../services/accounts/passkey-challenges.ts';
import { Authenticator, forgetSteps } from './authenticator.ts';
import { Browser, mailsTo, PASSWORD } from './browser.ts';
import { type Answered, done, type ManagementApp, startManagementApp } from './management-app.ts';
import { PasskeyDevice } from './passkey-device.ts';

let app: ManagementApp;

beforeAll(async () => {
  app = await startManagementApp(false, ['127.0.0.1']);
});
afterAll(() => app.close());

let lastNetwork = 0;
const newBrowser = () => new Browser(app, `198.18.7.${(lastNetwork++ % 250) + 1}`);
const refusal = ({ status, body }: Answered) => [status, Object(body).code];
const WRONG = [422, 'wrong_passkey'];
const origin = () => app.accounts.relyingParty.origin;

async function begun(browser: Browser, proof: object = { password: PASSWORD }) {
  return Object(done(await browser.post('/me/passkeys', proof)).body);
}

async function asked(browser: Browser) {
  return Object(done(await browser.get('/sign-ins/passkey')).body);
}

async function withPasskey(browser = newBrowser()) {
  const { email, personId } = await browser.signUp();
  const device = new PasskeyDevice();
  const made = device.make(await begun(browser), origin());
  const passkey = done(await browser.post('/me/passkeys/confirm', { name: 'laptop', ...made }));
  return { browser, email, personId, device, passkeyId: passkey.string('id') };
}

async function signedInBy(device: PasskeyDevice, browser = newBrowser()): Promise<Answered> {
  return browser.post('/sign-ins/passkey', device.sign(await asked(browser)));
}

async function lastAudit(personId: string) {
  const { rows } = await app.db.query<{ action: string; after: object }>(
    'select action, after from audit_log where target_id = $1 order by seq desc limit 1',
    [personId],
  );
  return rows[0];
}

test('who has a passkey signs in by it alone, also where a code is asked for after a password', async () => {
  const { browser, email, personId, device, passkeyId } = await withPasskey();
  const enrolling = done(await browser.post('/me/second-factor', { password: PASSWORD }));
  const authenticator = new Authenticator(enrolling.string('totpUri'));
  done(await browser.post('/me/second-factor/confirm', { code: authenticator.code() }));
  const elsewhere = newBrowser();

  const byPasskey = await signedInBy(device, elsewhere);

  expect([byPasskey.status, byPasskey.body]).toEqual([200, { state: 'signed_in' }]);
  expect(done(await elsewhere.get('/me')).string('id')).toBe(personId);
  expect(await lastAudit(personId)).toMatchObject({ action: 'person.signed_in', after: { passkeyId } });
  expect(done(await elsewhere.get('/me/passkeys')).field('data.0')).toMatchObject({
    ...{ id: passkeyId, name: 'laptop', isCopied: false, usedAt: expect.any(String) },
  });
  expect(elsewhere.cookies).not.toContain('passkey');
  expect(await mailsTo(app, email)).toContain('passkey');
});

test('what is asked of a passkey is the same for everybody, and names nobody', async () => {
  const [{ challenge, ...question }, another] = [await asked(newBrowser()), await asked(newBrowser())];

  expect(question).toEqual({ rpId: 'localhost', timeout: 300_000, userVerification: 'required' });
  expect(another.challenge).not.toBe(challenge);
});

test('a question is answered once, in the browser that asked, and for what it was asked', async () => {
  const { browser, device } = await withPasskey();
  const asking = newBrowser();
  const answer = device.sign(await asked(asking));
  const cookies = asking.cookies;

  const elsewhere = await newBrowser().post('/sign-ins/passkey', answer);
  const first = await asking.post('/sign-ins/passkey', answer);
  asking.cookies = cookies;
  const again = await asking.post('/sign-ins/passkey', answer);
  const options = await begun(browser);
  const { challenge } = await asked(browser);
  const unproved = new PasskeyDevice().make({ ...options, challenge }, origin());
  const added = await browser.post('/me/passkeys/confirm', { name: 'x', ...unproved });

  expect([elsewhere, again, added].map(refusal)).toEqual([WRONG, WRONG, WRONG]);
  expect([first.status, (await signedInBy(device)).status]).toEqual([200, 200]);
});

test('a challenge is over after five minutes, and is of one purpose', () => {
  const challenges = new PasskeyChallenges('a secret of the tests');
  const { secret, challenge } = challenges.open('sign_in', 1_000.25);

  expect(challenges.challengeOf(secret, 'sign_in', 301_000)).toBe(challenge);
  for (const [what, purpose, nowMs] of [
    [secret, 'sign_in', 301_001],
    [secret, 'add:somebody', 2_000],
    [`${(2_000).toString(36)}${secret.slice(2)}`, 'sign_in', 2_000],
    ['', 'sign_in', 2_000],
  ] as const) {
    expect(() => challenges.challengeOf(what, purpose, nowMs)).toThrow('opens nothing here');
  }
});

test('a passkey of another site, of another person, unknown, or used by nobody in particular opens nothing', async () => {
  const { device } = await withPasskey();
  const { device: another } = await withPasskey();
  const browser = newBrowser();
  const handle = { userHandle: 'AAAAAAAAAAAAAAAAAAAAAA' };
  const signing: readonly ((question: Parameters<PasskeyDevice['sign']>[0]) => object)[] = [
    (question) => device.sign(question, { origin: 'https://evil.example' }),
    (question) => device.sign(question, { relyingParty: 'evil.example' }),
    (question) => device.sign(question, { isUnverified: true }),
    (question) => device.sign(question, handle),
    (question) => ({ ...another.sign(question), id: device.id, userHandle: device.sign(question).userHandle }),
    (question) => new PasskeyDevice().sign(question, { ...handle, origin: origin() }),
    (question) => ({ ...device.sign(question), clientDataJSON: 'AAAA' }),
  ];

  const refused: unknown[] = [];
  for (const sign of signing) {
    refused.push(refusal(await browser.post('/sign-ins/passkey', sign(await asked(browser)))));
  }

  expect(refused).toEqual(signing.map(() => WRONG));
});

test('a passkey that counts backwards was copied: it opens nothing any more, and its owner hears of it', async () => {
  const { email, personId, device, passkeyId, browser } = await withPasskey();
  device.counter = 7;
  const counted = await signedInBy(device);
  device.counter = 6;
  const copy = await signedInBy(device);
  const audited = await lastAudit(personId);
  device.counter = 8;

  expect([counted.status, refusal(copy), refusal(await signedInBy(device))]).toEqual([200, WRONG, WRONG]);
  expect(audited).toEqual({ action: 'person.passkey_copied', after: { passkeyId } });
  expect(done(await browser.get('/me/passkeys')).field('data.0.isCopied')).toBe(true);
  expect((await mailsTo(app, email)).filter((kind) => kind === 'passkey')).toHaveLength(2);
});

test('a passkey is added by who proves his password and code, once, and not by a device that brings a certificate', async () => {
  const browser = newBrowser();
  await browser.signUp();
  const enrolling = done(await browser.post('/me/second-factor', { password: PASSWORD }));
  const authenticator = new Authenticator(enrolling.string('totpUri'));
  done(await browser.post('/me/second-factor/confirm', { code: authenticator.code() }));
  await forgetSteps(app);
  const wrongPassword = await browser.post('/me/passkeys', { password: 'not it', code: authenticator.code() });
  const noCode = await browser.post('/me/passkeys', { password: PASSWORD });
  const options = await begun(browser, { password: PASSWORD, code: authenticator.code() });
  const device = new PasskeyDevice();
  const add = (made: object) => browser.post('/me/passkeys/confirm', { name: 'laptop', ...made });

  const certified = await add(device.make(options, origin(), { format: 'fido-u2f' }));
  const unverified = await add(device.make(options, origin(), { isUnverified: true }));
  const elsewhere = await add(device.make(options, 'https://evil.example'));
  const before = browser.cookies;
  const added = await add(device.make(options, origin()));
  browser.cookies = before;
  const twice = await add(new PasskeyDevice().make(options, origin()));

  expect([wrongPassword, noCode].map(refusal)).toEqual([
    [422, 'wrong_password'],
    [422, 'wrong_code'],
  ]);
  expect([certified, unverified, elsewhere, twice].map(refusal)).toEqual([WRONG, WRONG, WRONG, WRONG]);
  expect(added.status).toBe(200);
});

test('a passkey is renamed and removed by its owner alone, and with it end the sessions elsewhere', async () => {
  const { browser, email, device, passkeyId } = await withPasskey();
  const stranger = newBrowser();
  await stranger.signUp();
  const elsewhere = newBrowser();
  done(await signedInBy(device, elsewhere));
  const path = `/me/passkeys/${passkeyId}`;

  const foreign = [
    await stranger.send('patch', path, { name: 'mine' }),
    await stranger.post(`${path}/remove`, { password: PASSWORD }),
  ];
  const unproved = await browser.post(`${path}/remove`, { password: 'not it' });
  const renamed = done(await browser.send('patch', path, { name: 'desk' }));
  const removed = await browser.post(`${path}/remove`, { password: PASSWORD });

  expect(foreign.map(({ status }) => status)).toEqual([404, 404]);
  expect([refusal(unproved), renamed.string('name'), removed.status]).toEqual([[422, 'wrong_password'], 'desk', 200]);
  expect([(await elsewhere.get('/me')).status, (await browser.get('/me')).status]).toEqual([401, 200]);
  expect(refusal(await signedInBy(device))).toEqual(WRONG);
  expect((await mailsTo(app, email)).filter((kind) => kind === 'passkey')).toHaveLength(2);
});

test('who has no password does not remove his passkey: it is his last way in', async () => {
  const { browser, personId, device, passkeyId } = await withPasskey();
  await app.db.query('delete from auth.accounts where person_id = $1', [personId]);

  const removing = await browser.post(`/me/passkeys/${passkeyId}/remove`, { password: PASSWORD });

  expect(refusal(removing)).toEqual([422, 'wrong_password']);
  expect((await signedInBy(device)).status).toBe(200);
});

test('who works for us and has a passkey alone is let in to nothing but to take an authenticator app', async () => {
  const { personId, device } = await withPasskey();
  await app.db.query(`insert into staff_roles (person_id, role) values ($1, 'admin')`, [personId]);
  const browser = newBrowser();
  done(await signedInBy(device, browser));

  const [me, customers] = [done(await browser.get('/me')), await browser.get('/organizations')];

  expect(me.field('secondFactor')).toEqual({ enrolled: false, required: true });
  expect(refusal(customers)).toEqual([403, 'forbidden']);
});

test('what is kept of a passkey is downloaded by its name, and is gone with the account', async () => {
  const { browser, personId, device } = await withPasskey();
  const data = done(await browser.get('/me/data'));
  done(await browser.post('/me/closing', { password: PASSWORD }));
  const closed = await signedInBy(device);
  await app.db.query('update auth.closings set back_until = clock_timestamp() where person_id = $1', [personId]);

  await eraseClosedAccounts(app.worker);

  expect(data.field('passkeys')).toEqual([{ name: 'laptop', createdAt: expect.any(String), usedAt: null }]);
  expect(data.text).not.toContain(device.id);
  expect(refusal(closed)).toEqual([403, 'account_closed']);
  expect((await app.db.query('select from auth.passkeys where person_id = $1', [personId])).rowCount).toBe(0);
});
