// How people get in and out: sign-up by a code that is mailed, sign-in, sign-out. None of it says whether a mail address is known.
import { z } from 'zod';
import { TollgateError } from '../../domain/errors.ts';
import { CHALLENGE_VALID_S, openChallenge } from '../../services/accounts/challenges.ts';
import { refuseKnown } from '../../services/accounts/known-passwords.ts';
import { hashOf } from '../../services/accounts/passwords.ts';
import { isEnrolled } from '../../services/accounts/second-factors.ts';
import { endSession } from '../../services/accounts/sessions.ts';
import { auditWrongPassword, beginSignIn, openSession, signIn } from '../../services/accounts/sign-ins.ts';
import { askToSignUp, checkCode, completeSignUp, SIGN_UP_VALID_S } from '../../services/accounts/sign-ups.ts';
import { newId } from '../../services/platform/ids.ts';
import { auditBypass, requireOtherWay } from '../../services/single-sign-on/enforcement.ts';
import { code, knownPassword, newPassword } from './account-fields.ts';
import { locale, mailAddress, name, timeZone } from './field-schemas.ts';
import { Me, meTold } from './me.ts';
import { personChange, visitorChange } from './person-route.ts';
import { none, type Route } from './route.ts';

export const accountRoutes: readonly Route[] = [
  visitorChange({
    path: '/api/v1/sign-ups',
    summary: 'Ask for an account: a code is mailed to the address, which the browser that asked sends back',
    params: none,
    status: 202,
    body: z.strictObject({
      email: mailAddress,
      password: newPassword,
      name,
      locale,
      timeZone: timeZone.default('UTC'),
    }),
    response: z.object({ email: z.string() }),
    async handler({ body: { password: chosen, ...wanted }, visit }, { db, accounts }, change) {
      refuseKnown(chosen, 'password');
      const attempt = { purpose: 'sign_up', subject: wanted.email, secret: newId() } as const;
      await accounts.attempts.begin(db, { ...attempt, clientAddress: visit.clientAddress }, false);
      const passwordHash = await accounts.turns.inTurn(() => hashOf(chosen));
      return change(async (tx) => {
        const { id, secret } = await askToSignUp(tx, wanted, passwordHash);
        const cookie = accounts.cookies.set(accounts.cookies.signUp, secret, SIGN_UP_VALID_S);
        const audit = { action: 'sign_up.asked', targetKind: 'sign_up', targetId: id } as const;
        const after = { locale: wanted.locale };
        return { answer: { email: wanted.email }, cookies: [cookie], audit: { ...audit, after } };
      });
    },
  }),
  visitorChange({
    path: '/api/v1/sign-ups/confirm',
    summary:
      'Have the account, by the code of the mail, in the browser that asked for it; signs in, or asks who has a second factor for it next',
    params: none,
    body: z.strictObject({ email: mailAddress, code }),
    response: z.union([Me, z.object({ state: z.literal('second_factor') })]),
    async handler({ body, visit, author }, app, change) {
      const { db, accounts } = app;
      const { cookies, signUps } = accounts;
      const secret = cookies.valueOf(cookies.signUp, visit.cookie);
      const signUpId = await checkCode(db, signUps, { ...body, secret });
      return change(async (tx) => {
        const { personId, trial } = await completeSignUp(tx, accounts, signUpId, visit.clientAddress);
        // Whom a provider's word has made may have all but a password already.
        await requireOtherWay(tx, personId);
        const what = { action: 'person.signed_up', targetKind: 'person', targetId: personId } as const;
        const spent = cookies.set(cookies.signUp, '');
        if (await isEnrolled(tx, personId)) {
          const challenge = await openChallenge(tx, personId, null);
          const asked = cookies.set(cookies.challenge, challenge, CHALLENGE_VALID_S);
          const audit = { ...what, after: { sessionId: null, trial } };
          return { answer: { state: 'second_factor' as const }, cookies: [asked, spent], audit };
        }
        const { sessionId, cookie } = await openSession(tx, accounts, personId, visit);
        await auditBypass(tx, author, personId);
        const answer = await meTold(tx, personId, sessionId, app);
        return { answer, cookies: [cookie, spent], audit: { ...what, after: { sessionId, trial } } };
      });
    },
  }),
  visitorChange({
    path: '/api/v1/sign-ins',
    summary: 'Sign in by mail address and password; who has a second factor is asked for it next',
    params: none,
    body: z.strictObject({ email: mailAddress, password: knownPassword }),
    response: z.object({ state: z.enum(['signed_in', 'second_factor']) }),
    async handler({ body, visit, author }, { db, accounts }, change) {
      const isAnother = await beginSignIn(db, accounts, body, visit);
      const signingIn = accounts.turns.inTurn(() =>
        change(async (tx) => {
          const { personId, sessionId, cookie } = await signIn(tx, accounts, body, visit);
          if (sessionId !== null) await auditBypass(tx, author, personId);
          const target = { targetKind: 'person', targetId: personId } as const;
          return sessionId === null
            ? {
                answer: { state: 'second_factor' },
                cookies: [cookie],
                audit: { action: 'person.password_proved', ...target, after: {} },
              }
            : {
                answer: { state: 'signed_in' },
                cookies: [cookie],
                audit: { action: 'person.signed_in', ...target, after: { sessionId } },
              };
        }),
      );
      return signingIn.catch(async (error: unknown) => {
        const isRefused = error instanceof TollgateError && error.code === 'wrong_credentials';
        // Nobody fills the log by repeating one.
        if (isRefused && isAnother) await auditWrongPassword(db, author, body.email);
        throw error;
      });
    },
  }),
  personChange({
    method: 'post',
    path: '/api/v1/sign-outs',
    summary: 'Sign out: this session ends',
    params: none,
    body: z.strictObject({}),
    response: z.object({}),
    handler: ({ person: { personId, sessionId } }, { accounts: { cookies } }, change) =>
      change(async (tx) => {
        await endSession(tx, personId, sessionId);
        const what = { action: 'person.signed_out', targetKind: 'person', targetId: personId } as const;
        return { answer: {}, cookies: [cookies.set(cookies.session, '')], audit: { ...what, after: { sessionId } } };
      }),
  }),
];
