// The second factor: signed in with, taken, and given back.
import { z } from 'zod';
import { TollgateError } from '../../domain/errors.ts';
import { endChallenge, tryChallenge } from '../../services/accounts/challenges.ts';
import { endSignInsUnderWay } from '../../services/accounts/password-holds.ts';
import { checkPresence, takePresence } from '../../services/accounts/proofs.ts';
import { countProof } from '../../services/accounts/second-factors.ts';
import { bindSession, endOtherSessions } from '../../services/accounts/sessions.ts';
import { auditRefusal, openSession, renewSession } from '../../services/accounts/sign-ins.ts';
import { person as personRow } from '../../services/people/persons.ts';
import { auditBypass } from '../../services/single-sign-on/enforcement.ts';
import { code, proof } from './account-fields.ts';
import { line } from './field-schemas.ts';
import { personChange, visitorChange } from './person-route.ts';
import { none, type Route } from './route.ts';

const recoveryCode = line(40);
const REFUSED: ReadonlySet<string> = new Set(['wrong_code', 'code_used']);
const target = (targetId: string) => ({ targetKind: 'person', targetId }) as const;

const signingIn = visitorChange({
  path: '/api/v1/sign-ins/second-factor',
  summary: 'Sign in by the second factor, after the password or the provider: a code of the app, or one on paper',
  params: none,
  body: z.union([z.strictObject({ code }), z.strictObject({ recoveryCode })]),
  response: z.object({ state: z.literal('signed_in') }),
  async handler({ body, visit, author }, { db, accounts }, change) {
    const { cookies, secondFactors } = accounts;
    const secret = cookies.valueOf(cookies.challenge, visit.cookie);
    const personId = await tryChallenge(db, secret);
    await countProof(db, personId);
    const proving = change(async (tx) => {
      const identityId = await endChallenge(tx, secret);
      await secondFactors.prove(tx, personId, body);
      const { sessionId, cookie } = await openSession(tx, accounts, personId, visit);
      if (identityId === null) await auditBypass(tx, author, personId);
      else await bindSession(tx, sessionId, identityId);
      const after = { sessionId, secondFactor: 'code' in body ? 'code' : 'recovery_code', identityId };
      return {
        answer: { state: 'signed_in' } as const,
        cookies: [cookie, cookies.set(cookies.challenge, '')],
        audit: { action: 'person.signed_in', ...target(personId), after },
      };
    });
    return proving.catch(async (error: unknown) => {
      const isRefused = error instanceof TollgateError && REFUSED.has(error.code);
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
  body: z.strictObject({ password: proof.password }),
  response: z.object({ totpUri: z.string(), recoveryCodes: z.array(z.string()).readonly() }),
  async handler({ body: { password }, person, visit }, { db, accounts }, change) {
    const { personId } = person;
    await checkPresence(db, accounts, person, password, visit);
    return change(async (tx) => {
      await takePresence(tx, accounts, person, password, visit);
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
  async handler({ body, person, visit }, { db, accounts }, change) {
    const { personId } = person;
    await countProof(db, personId);
    return change(async (tx) => {
      await endSignInsUnderWay(tx, personId);
      await accounts.secondFactors.confirm(tx, personId, body.code);
      const { sessionId, cookie } = await renewSession(tx, accounts, person, visit);
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
  body: z.strictObject({ password: proof.password, code }),
  response: z.object({}),
  async handler({ body: { password, code: typed }, person, visit }, { db, accounts }, change) {
    const { personId } = person;
    await checkPresence(db, accounts, person, password, visit);
    await countProof(db, personId);
    return change(async (tx) => {
      await takePresence(tx, accounts, person, password, visit);
      await accounts.secondFactors.prove(tx, personId, { code: typed });
      await accounts.secondFactors.remove(tx, personId);
      return { answer: {}, audit: { action: 'person.second_factor_removed', ...target(personId), after: {} } };
    });
  },
});

export const secondFactorRoutes: readonly Route[] = [signingIn, beginning, confirming, removing];
