// Another mail address: only whoever knows the password and reads the new address has it, nobody hears whether somebody else does, and whoever reads
// the one before takes the account back for a week.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Authenticator, forgetSteps } from './authenticator.ts';
import { Browser, changeCodeSentTo, codeSentTo, mailsTo, PASSWORD, resetSentTo, wayBackSentTo } from './browser.ts';
import { type Answered, done, type ManagementApp, startManagementApp } from './management-app.ts';

const OTHER = 'another password of the tests';

let app: ManagementApp;

beforeAll(async () => {
  app = await startManagementApp(false, ['127.0.0.1']);
});
afterAll(() => app.close());

const newAddress = () => `${randomUUID()}@example.com`;
let lastNetwork = 0;
const newBrowser = () => new Browser(app, `198.18.1.${++lastNetwork}`);
const refusal = ({ status, body }: Answered) => [status, Object(body).code];
const ask = (browser: Browser, email: string, password = PASSWORD) =>
  browser.post('/me/mail-changes', { email, password });
const confirm = (browser: Browser, code: string) => browser.post('/me/mail-changes/confirm', { code });
const undo = (linkToken: string, password = OTHER) =>
  newBrowser().post('/mail-changes/undo', { token: linkToken, password });

async function changed(browser: Browser, email: string): Promise<void> {
  done(await ask(browser, email));
  done(await confirm(browser, await changeCodeSentTo(app, email)));
}

/** Signed in, at home and elsewhere. */
async function somebody() {
  const [browser, elsewhere] = [newBrowser(), newBrowser()];
  const { email, personId } = await browser.signUp();
  done(await elsewhere.signIn(email));
  return { browser, elsewhere, email, personId };
}

test('who types the code that is sent to the new address has it: other sessions end, and the one before is told', async () => {
  const [{ browser, elsewhere, email, personId }, wanted] = [await somebody(), newAddress()];

  const asked = done(await ask(browser, wanted));
  const meanwhile = await browser.get('/me');
  const answer = done(await confirm(browser, await changeCodeSentTo(app, wanted)));

  expect([asked.status, asked.string('email')]).toEqual([202, wanted]);
  expect([meanwhile.string('email'), meanwhile.string('mailChange.email')]).toEqual([email, wanted]);
  expect([answer.string('id'), answer.string('email'), answer.field('mailChange')]).toEqual([personId, wanted, null]);
  expect([(await browser.get('/me')).status, (await elsewhere.get('/me')).status]).toEqual([200, 401]);
  expect([(await newBrowser().signIn(email)).status, (await newBrowser().signIn(wanted)).status]).toEqual([401, 200]);
  expect((await mailsTo(app, email)).at(-1)).toBe('mail_changed');
  expect((await app.call('get', `/api/v1/persons/${personId}`)).string('emailVerifiedAt')).toMatch(/^20/);
});

test('nothing is sent without the password, nor without the second factor where there is one', async () => {
  const [{ browser }, wanted] = [await somebody(), newAddress()];
  const wrong = await ask(browser, wanted, 'not the password');
  const authenticator = new Authenticator(
    done(await browser.post('/me/second-factor', { password: PASSWORD })).string('totpUri'),
  );
  done(await browser.post('/me/second-factor/confirm', { code: authenticator.code() }));
  await forgetSteps(app);

  const without = await ask(browser, wanted);
  const withWrong = await browser.post('/me/mail-changes', {
    ...{ email: wanted, password: PASSWORD, code: authenticator.wrongCode() },
  });
  const sent = await mailsTo(app, wanted);
  const withIt = await browser.post('/me/mail-changes', {
    ...{ email: wanted, password: PASSWORD, code: authenticator.code() },
  });

  expect([wrong, without, withWrong].map(refusal)).toEqual([
    [422, 'wrong_password'],
    [422, 'wrong_code'],
    [422, 'wrong_code'],
  ]);
  expect([sent, withIt.status]).toEqual([[], 202]);
});

test('an address that somebody has is answered like one that nobody has, and he alone is told', async () => {
  const [{ browser, email }, known, free] = [await somebody(), await newBrowser().signUp(), newAddress()];

  const answers = [await ask(browser, known.email), await ask(browser, free)];
  const guesses = [await confirm(browser, '000000')];

  const [first, second] = answers.map(({ status, body }) => [status, Object.keys(Object(body))]);
  expect(first).toEqual(second);
  expect(guesses.map(refusal)).toEqual([[422, 'wrong_code']]);
  expect([(await mailsTo(app, known.email)).at(-1), await mailsTo(app, free)]).toEqual([
    'known_address',
    ['mail_change_code'],
  ]);
  expect(refusal(await ask(browser, email))).toEqual([422, 'invalid_body']);
});

test('of two who take one address at the same moment, or by signing up, one has it', async () => {
  const [one, other, wanted] = [await somebody(), await somebody(), newAddress()];
  const third = newBrowser();
  done(await ask(one.browser, wanted));
  const first = await changeCodeSentTo(app, wanted);
  done(await ask(other.browser, wanted));
  const second = await changeCodeSentTo(app, wanted);
  done(await third.post('/sign-ups', { email: wanted, password: PASSWORD, name: 'Ada', locale: 'en' }));
  const code = await codeSentTo(app, wanted);

  const answers = await Promise.all([
    confirm(one.browser, first),
    confirm(other.browser, second),
    third.post('/sign-ups/confirm', { email: wanted, code }),
  ]);

  expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409]);
  const { rows } = await app.db.query('select count(*)::int as n from persons where email = $1', [wanted]);
  expect(rows).toEqual([{ n: 1 }]);
});

test('after five wrong codes, a quarter of an hour, or another one that was asked for, the right one is wrong', async () => {
  const [{ browser }, first, second] = [await somebody(), newAddress(), newAddress()];
  done(await ask(browser, first));
  const replaced = await changeCodeSentTo(app, first);
  done(await ask(browser, second));
  const right = await changeCodeSentTo(app, second);
  const wrong = ['000000', '000001', '000002'].find((one) => one !== right && one !== replaced) ?? '';

  const answers = [await confirm(browser, replaced)];
  for (let tries = 0; tries < 4; tries += 1) answers.push(await confirm(browser, wrong));
  answers.push(await confirm(browser, right));
  done(await ask(browser, second));
  await app.db.query('update auth.mail_changes set valid_until = clock_timestamp() where email = $1', [second]);
  answers.push(await confirm(browser, await changeCodeSentTo(app, second)));

  expect(answers.map(refusal)).toEqual([
    ...Array(5).fill([422, 'wrong_code']),
    ...[
      [422, 'code_over'],
      [422, 'code_over'],
    ],
  ]);
});

test('a person is mailed five codes in an hour', async () => {
  const { browser } = await somebody();
  const statuses: number[] = [];

  for (let time = 0; time < 6; time += 1) statuses.push((await ask(browser, newAddress())).status);

  expect(statuses).toEqual([...Array(5).fill(202), 429]);
});

test('by the link that is sent to the address before it is that again, and whoever took it is out for good', async () => {
  const { browser, email } = await somebody();
  const [thiefs, later] = [newAddress(), newAddress()];
  await changed(browser, thiefs);
  const link = await wayBackSentTo(app, email);
  await changed(browser, later);
  const thiefsLink = await wayBackSentTo(app, thiefs);
  const authenticator = new Authenticator(
    done(await browser.post('/me/second-factor', { password: PASSWORD })).string('totpUri'),
  );
  done(await browser.post('/me/second-factor/confirm', { code: authenticator.code() }));
  done(await newBrowser().post('/password-resets', { email: later }));
  const reset = await resetSentTo(app, later);

  const twice = (await Promise.all([undo(link), undo(link)])).map(({ status }) => status).sort();

  expect([twice, (await browser.get('/me')).status]).toEqual([[200, 422], 401]);
  expect((await newBrowser().signIn(email, OTHER)).body).toEqual({ state: 'signed_in' });
  const tried = [await newBrowser().signIn(later, PASSWORD), await newBrowser().signIn(email, PASSWORD)];
  expect(tried.map(({ status }) => status)).toEqual([401, 401]);
  expect(refusal(await undo(thiefsLink))).toEqual([422, 'link_used']);
  const resetting = await newBrowser().post('/password-resets/confirm', { token: reset, password: PASSWORD });
  expect(refusal(resetting)).toEqual([422, 'link_used']);
});

test('whoever took an account by its mail does not keep it by closing it', async () => {
  const { browser, email } = await somebody();
  await changed(browser, newAddress());
  const link = await wayBackSentTo(app, email);
  done(await browser.post('/me/closing', { password: PASSWORD }));

  const answer = await undo(link);

  expect([answer.status, (await newBrowser().signIn(email, OTHER)).body]).toEqual([200, { state: 'signed_in' }]);
});

test('a sign-in that was under way when an address was taken back opens nothing', async () => {
  const [{ browser, email }, half, later] = [await somebody(), newBrowser(), newAddress()];
  const authenticator = new Authenticator(
    done(await browser.post('/me/second-factor', { password: PASSWORD })).string('totpUri'),
  );
  done(await browser.post('/me/second-factor/confirm', { code: authenticator.code() }));
  await forgetSteps(app);
  const asking = { email: later, password: PASSWORD, code: authenticator.code() };
  done(await browser.post('/me/mail-changes', asking));
  done(await confirm(browser, await changeCodeSentTo(app, later)));
  expect((await half.signIn(later)).body).toEqual({ state: 'second_factor' });

  done(await undo(await wayBackSentTo(app, email)));

  await forgetSteps(app);
  const proof = await half.post('/sign-ins/second-factor', { code: authenticator.code() });
  expect([proof.status, (await half.get('/me')).status]).toEqual([422, 401]);
});

test('an address that one of ours has changed is told, and taken back in the same way; one that nobody had proved is told nothing', async () => {
  const { email, personId } = await somebody();
  const [proved, unproved, last] = [newAddress(), newAddress(), newAddress()];
  const byStaff = (to: string, verified: boolean) =>
    app.call('patch', `/api/v1/persons/${personId}`, {
      headers: { 'if-match': '*' },
      body: { email: to, verified, reason: 'he says that he has lost his mailbox' },
    });
  done(await byStaff(proved, true));
  const link = await wayBackSentTo(app, email);
  done(await byStaff(unproved, false));
  done(await byStaff(last, true));

  done(await undo(link));

  expect((await newBrowser().signIn(email, OTHER)).body).toEqual({ state: 'signed_in' });
  expect(await mailsTo(app, unproved)).not.toContain('mail_changed');
});

test('a way back is open for a week, ends where somebody else has the address by now, and cannot be made up', async () => {
  const { browser, email } = await somebody();
  await changed(browser, newAddress());
  const link = await wayBackSentTo(app, email);
  await newBrowser().signUp(email);
  const taken = await undo(link);
  await app.db.query('update auth.mail_changes set back_until = clock_timestamp() where email_before = $1', [email]);

  expect(refusal(taken)).toEqual([409, 'conflict']);
  expect(refusal(await undo(link))).toEqual([422, 'link_expired']);
  for (const linkToken of [`${link.slice(0, -1)}${link.endsWith('A') ? 'B' : 'A'}`, 'x']) {
    expect(refusal(await undo(linkToken))).toEqual([422, 'link_unknown']);
  }
});
