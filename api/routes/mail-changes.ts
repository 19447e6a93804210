// Another mail address for an account, and the way back to the one before.
import { z } from 'zod';
import { refuseKnown } from '../../services/accounts/known-passwords.ts';
import {
  askForMailChange,
  changeMail,
  checkMailChangeCode,
  openWayBack,
  takeMailBack,
} from '../../services/accounts/mail-changes.ts';
import { hashOf } from '../../services/accounts/passwords.ts';
import { checkProof, takeProof } from '../../services/accounts/proofs.ts';
import { endOtherSessions } from '../../services/accounts/sessions.ts';
import { renewSession } from '../../services/accounts/sign-ins.ts';
import { newId } from '../../services/platform/ids.ts';
import { code, newPassword, proof } from './account-fields.ts';
import { instant, line, mailAddress } from './field-schemas.ts';
import { Me, meTold } from './me.ts';
import { personChange, visitorChange } from './person-route.ts';
import { none, type Route } from './route.ts';

export const mailChangeRoutes: readonly Route[] = [
  personChange({
    method: 'post',
    path: '/api/v1/me/mail-changes',
    summary:
      'Ask for another mail address: a code is mailed to it; answered alike whether or not somebody has it already',
    params: none,
    status: 202,
    body: z.strictObject({ email: mailAddress, ...proof }),
    response: z.object({ email: z.string(), validUntil: instant }),
    async handler({ body: { email, ...proved }, person, visit }, { db, accounts }, change) {
      const { personId } = person;
      await checkProof(db, accounts, person, proved, visit);
      const { clientAddress } = visit;
      await accounts.attempts.begin(db, { purpose: 'sign_up', subject: email, secret: newId(), clientAddress }, false);
      return change(async (tx) => {
        await takeProof(tx, accounts, person, proved, visit);
        const answer = await askForMailChange(tx, personId, email);
        const what = { action: 'person.mail_change_asked', targetKind: 'person', targetId: personId } as const;
        return { answer, audit: { ...what, after: { validUntil: answer.validUntil } } };
      });
    },
  }),
  personChange({
    method: 'post',
    path: '/api/v1/me/mail-changes/confirm',
    summary: 'Have the other address, by the code of the mail; other sessions end, and this one has a new id',
    params: none,
    body: z.strictObject({ code }),
    response: Me,
    async handler({ body, person, visit }, app, change) {
      const { personId } = person;
      const { db, accounts } = app;
      const mailChangeId = await checkMailChangeCode(db, accounts.mailChanges, personId, body.code);
      return change(async (tx) => {
        await changeMail(tx, mailChangeId, personId);
        const { sessionId, cookie } = await renewSession(tx, accounts, person, visit);
        await endOtherSessions(tx, personId, sessionId);
        const what = { action: 'person.mail_changed', targetKind: 'person', targetId: personId } as const;
        const audit = { ...what, after: { mailChangeId, sessionId } };
        return { answer: await meTold(tx, personId, sessionId, app), cookies: [cookie], audit };
      });
    },
  }),
  visitorChange({
    path: '/api/v1/mail-changes/undo',
    summary: 'Take the address before back, by the link that was mailed to it, with a new password; every session ends',
    params: none,
    body: z.strictObject({ token: line(100), password: newPassword }),
    response: z.object({}),
    async handler({ body }, { db, accounts }, change) {
      refuseKnown(body.password, 'password');
      const mailChangeId = await openWayBack(db, accounts, body.token);
      const passwordHash = await accounts.turns.inTurn(() => hashOf(body.password));
      return change(async (tx) => {
        const targetId = await takeMailBack(tx, accounts, mailChangeId, passwordHash);
        const what = { action: 'person.mail_taken_back', targetKind: 'person', targetId } as const;
        return { answer: {}, audit: { ...what, after: { mailChangeId } } };
      });
    },
  }),
];
