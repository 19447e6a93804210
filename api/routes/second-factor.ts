// The second factor: signed in with, taken, and given back.
import { z } from 'zod';
import { TollgateError } from '../../domain/errors.ts';
import { endChallenge, tryChallenge } from '../../services/accounts/challenges.ts';
import { checkPassword, countPassword, forgivePassword } from '../../services/accounts/change-password.ts';
import { endSignInsUnderWay } from '../../services/accounts/password-holds.ts';
import { countProof } from '../../services/accounts/second-factors.ts';
import { endOtherSessions } from '../../services/accounts/sessions.ts';
import { auditRefusal, openSession } from '../../services/accounts/sign-ins.ts';
import { person as personRow } from '../../services/people/persons.ts';
import { code, knownPassword } from './account-fields.ts';
import { line } from './field-schemas.ts';
import { personChange, visitorChange } from './person-route.ts';
import { none, type Route } from './route.ts';

const recoveryCode = line(40);
const target = (targetId: string) => ({ targetKind: 'person', targetId }) as const;

const signingIn = visitorChange({
  path: '/api/v1/sign-ins/second-factor',
  summary: 'Sign in by the second factor, after the password: a code of the app, or one on paper',
  params: none,
  body: z.union([z.strictObject({ code }), z.strictObject({ recoveryCode })]),
  response: z.object({ state: z.literal('signed_in') }),
  async handler({ body, visit, author }, { db, accounts }, change) {
    const { cookies, secondFactors } = accounts;
    const secret = cookies.valueOf(cookies.challenge, visit.cookie);
    const personId = await tryChallenge(db, secret);
    await countProof(db, personId);
    const proving = change(async (tx) => {
      await endChallenge(tx, secret);
      await secondFactors.prove(tx, personId, body);
      const { sessionId, cookie } = await openSession(tx, accounts, personId, visit);
      const after = { sessionId, secondFactor: 'code' in body ? 'code' : 'recovery_code' };
      return {
        answer: { state: 'signed_in' } as const,
        cookies: [cookie, cookies.set(cookies.challenge, '')],
        audit: { action: 'person.signed_in', ...target(personId), after },
      };
    });
    return proving.catch(async (error: unknown) => {
      const isRefused = error instanceof TollgateError && error.code === 'wrong_code';
      if (isRefused) await auditRefusal(db, author, personId, 'second_factor');
      throw error;
    });
  },
});

const beginning = personChange({
  method: 'post',
  path: '/api/v1/me/second-factor',
  summary: 'Begin with a second factor: the seed for the app and ten codes for paper, shown once',
  params: none,
  body: z.strictObject({ password: knownPassword }),
  response: z.object({ totpUri: z.string(), recoveryCodes: z.array(z.string()).readonly() }),
  async handler({ body: { password }, person: { personId }, visit }, { db, accounts }, change) {
    await countPassword(db, accounts, personId, password, visit);
    await accounts.turns.inTurn(() => checkPassword(db, personId, password));
    return change(async (tx) => {
      await forgivePassword(tx, accounts, personId, visit);
      const { email } = await personRow(tx, personId);
      const answer = await accounts.secondFactors.begin(tx, personId, email);
      return { answer, audit: { action: 'person.second_factor_begun', ...target(personId), after: {} } };
    });
  },
});

const confirming = personChange({
  method: 'post',
  path: '/api/v1/me/second-factor/confirm',
  summary: 'Have the second factor, by a first code of the app; other sessions end, and this one has a new id',
  params: none,
  body: z.strictObject({ code }),
  response: z.object({}),
  async handler({ body, person: { personId }, visit }, { db, accounts }, change) {
    await countProof(db, personId);
    return change(async (tx) => {
      await endSignInsUnderWay(tx, personId);
      await accounts.secondFactors.confirm(tx, personId, body.code);
      const { sessionId, cookie } = await openSession(tx, accounts, personId, visit);
      await endOtherSessions(tx, personId, sessionId);
      const audit = { action: 'person.second_factor_enrolled', ...target(personId), after: { sessionId } };
      return { answer: {}, cookies: [cookie], audit };
    });
  },
});

const removing = personChange({
  method: 'post',
  path: '/api/v1/me/second-factor/remove',
  summary: 'Have no second factor any more, or another one next',
  params: none,
  body: z.strictObject({ password: knownPassword, code }),
  response: z.object({}),
  async handler({ body: { password, code: typed }, person: { personId }, visit }, { db, accounts }, change) {
    await countPassword(db, accounts, personId, password, visit);
    await accounts.turns.inTurn(() => checkPassword(db, personId, password));
    await countProof(db, personId);
    return change(async (tx) => {
      await forgivePassword(tx, accounts, personId, visit);
      await accounts.secondFactors.prove(tx, personId, { code: typed });
      await accounts.secondFactors.remove(tx, personId);
      return { answer: {}, audit: { action: 'person.second_factor_removed', ...target(personId), after: {} } };
    });
  },
});

export const secondFactorRoutes: readonly Route[] = [signingIn, beginning, confirming, removing];
