// Somebody signs up, in, and out again, by every route that changes an account once.

import { openSession } from '../../../services/accounts/sign-ins.ts';
import { inTransaction } from '../../../services/platform/postgres.ts';
import { Authenticator, forgetSteps } from './authenticator.ts';
import {
  changeCodeSentTo,
  codeSentTo,
  cookiesAfter,
  PASSWORD,
  reopeningSentTo,
  resetSentTo,
  wayBackSentTo,
} from './browser.ts';
import type { Answered, ManagementApp } from './management-app.ts';
import { PasskeyDevice } from './passkey-device.ts';
import type { TakeStep } from './take-step.ts';

type Click = (method: 'post' | 'patch', path: string, body: object, ids?: Record<string, string>) => Promise<Answered>;

export async function oneAccount(app: ManagementApp, step: TakeStep): Promise<{ readonly accountSecrets: string[] }> {
  const email = 'grace@example.com';
  const wanted = { email, password: PASSWORD, name: 'Grace', locale: 'en' };
  const cookiesSent: string[] = [];
  let cookie = '';
  const click: Click = async (method, path, body, ids = {}) => {
    const answer = await step(method, path, ids, body, { cookie, origin: app.url });
    cookie = cookiesAfter(answer, cookie);
    cookiesSent.push(cookie);
    return answer;
  };

  await click('post', '/sign-ups', wanted);
  const code = await codeSentTo(app, email);
  await click('post', '/sign-ups/confirm', { email, code });
  await click('patch', '/me', { name: 'Grace H.' });
  const { device, passkeyId } = await onePasskey(app, click);
  const begun = await click('post', '/me/second-factor', { password: PASSWORD });
  const authenticator = new Authenticator(begun.string('totpUri'));
  await click('post', '/me/second-factor/confirm', { code: authenticator.code() });
  await forgetSteps(app);
  await click('post', '/sign-outs', {});
  const question = await app.call('get', '/api/v1/sign-ins/passkey', { credential: null });
  cookie = cookiesAfter(question, cookie);
  await click('post', '/sign-ins/passkey', device.sign(Object(question.body)));
  await click('post', '/sign-ins', { email, password: PASSWORD });
  await click('post', '/sign-ins/second-factor', { code: authenticator.code() });
  await forgetSteps(app);
  await click('post', '/me/second-factor/remove', { password: PASSWORD, code: authenticator.code() });
  await click('post', '/me/passkeys/{id}/remove', { password: PASSWORD }, { id: passkeyId });
  await click('post', '/me/password', { currentPassword: PASSWORD, newPassword: PASSWORD });
  const another = 'grace.h@example.com';
  await click('post', '/me/mail-changes', { email: another, password: PASSWORD });
  await click('post', '/me/mail-changes/confirm', { code: await changeCodeSentTo(app, another) });
  await click('post', '/me/sessions/{id}/revoke', {}, { id: await sessionOf(app, another) });
  const wayBack = await wayBackSentTo(app, email);
  await click('post', '/mail-changes/undo', { token: wayBack, password: PASSWORD });
  await click('post', '/password-resets', { email });
  const linkToken = await resetSentTo(app, email);
  await click('post', '/password-resets/confirm', { token: linkToken, password: PASSWORD });
  cookie = await sessionFor(app, email);
  await click('post', '/me/closing', { password: PASSWORD });
  const reopening = await reopeningSentTo(app, email);
  await click('post', '/account-reopenings', { token: reopening });
  const seed = new URL(begun.string('totpUri')).searchParams.get('secret') ?? '';
  const values = cookiesSent.flatMap((sent) => sent.split('; ')).map((pair) => pair.split('=')[1] ?? '');
  const bootstrapToken = (await step('post', '/bootstrap-tokens', {}, {})).string('bootstrapToken');
  await step('post', '/bootstrap', {}, { bootstrapToken, email: 'root@example.com', name: 'Root', password: PASSWORD });
  return {
    accountSecrets: [
      PASSWORD,
      seed,
      ...begun.list('recoveryCodes').map(String),
      bootstrapToken,
      linkToken,
      wayBack,
      reopening,
      ...values.filter((value) => value !== ''),
    ],
  };
}

async function onePasskey({ accounts }: ManagementApp, click: Click) {
  const device = new PasskeyDevice();
  const options = await click('post', '/me/passkeys', { password: PASSWORD });
  const made = device.make(Object(options.body), accounts.relyingParty.origin);
  const passkeyId = (await click('post', '/me/passkeys/confirm', { name: 'phone', ...made })).string('id');
  await click('patch', '/me/passkeys/{id}', { name: 'laptop' }, { id: passkeyId });
  return { device, passkeyId };
}

/** Without a step of its own: he has signed in by one already. */
async function sessionFor(app: ManagementApp, email: string): Promise<string> {
  const { rows } = await app.db.query<{ id: string }>('select id from persons where email = $1', [email]);
  const visit = { clientAddress: '198.51.100.1', userAgent: 'test', cookie: '' };
  const { cookie } = await inTransaction(app.worker, (tx) => openSession(tx, app.accounts, rows[0]?.id ?? '', visit));
  return cookie.split(';')[0] ?? '';
}

async function sessionOf({ db }: ManagementApp, email: string): Promise<string> {
  const { rows } = await db.query<{ id: string }>(
    'select s.id from auth.sessions s join persons p on p.id = s.person_id where p.email = $1',
    [email],
  );
  return rows[0]?.id ?? '';
}
