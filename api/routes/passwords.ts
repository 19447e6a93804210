// Another password: by a link that is mailed, or by the one before.
import { z } from 'zod';
import { changePassword, countPassword } from '../../services/accounts/change-password.ts';
import { refuseKnown } from '../../services/accounts/known-passwords.ts';
import { askForReset, openReset, resetPassword } from '../../services/accounts/password-resets.ts';
import { hashOf } from '../../services/accounts/passwords.ts';
import { newId } from '../../services/platform/ids.ts';
import { knownPassword, newPassword } from './account-fields.ts';
import { line, mailAddress } from './field-schemas.ts';
import { personChange, visitorChange } from './person-route.ts';
import { none, type Route } from './route.ts';

export const passwordRoutes: readonly Route[] = [
  visitorChange({
    path: '/api/v1/password-resets',
    summary: 'Have a link mailed by which the password is changed; answered alike for every address',
    params: none,
    status: 202,
    body: z.strictObject({ email: mailAddress }),
    response: z.object({ email: z.string() }),
    async handler({ body: { email }, visit: { clientAddress } }, { db, accounts }, change) {
      const attempt = { purpose: 'password_reset', subject: email, secret: newId(), clientAddress } as const;
      await accounts.attempts.begin(db, attempt, false);
      return change(async (tx) => {
        const targetId = await askForReset(tx, email);
        const what = { action: 'password_reset.asked', targetKind: 'password_reset', targetId } as const;
        return { answer: { email }, audit: { ...what, after: {} } };
      });
    },
  }),
  visitorChange({
    path: '/api/v1/password-resets/confirm',
    summary: 'Change the password by the link of the mail; every session ends, and nobody is signed in by it',
    params: none,
    body: z.strictObject({ token: line(100), password: newPassword }),
    response: z.object({}),
    async handler({ body }, { db, accounts }, change) {
      refuseKnown(body.password, 'password');
      const resetId = await openReset(db, accounts, body.token);
      const passwordHash = await accounts.turns.inTurn(() => hashOf(body.password));
      return change(async (tx) => {
        const targetId = await resetPassword(tx, accounts, resetId, passwordHash);
        const what = { action: 'person.password_reset', targetKind: 'person', targetId } as const;
        return { answer: {}, audit: { ...what, after: { resetId } } };
      });
    },
  }),
  personChange({
    method: 'post',
    path: '/api/v1/me/password',
    summary: 'Change one’s password; other sessions end',
    params: none,
    body: z.strictObject({ currentPassword: knownPassword, newPassword }),
    response: z.object({}),
    async handler({ body, person: { personId }, visit }, { db, accounts }, change) {
      refuseKnown(body.newPassword, 'newPassword');
      await countPassword(db, accounts, personId, body.currentPassword, visit);
      return accounts.turns.inTurn(() =>
        change(async (tx) => {
          const cookie = await changePassword(tx, accounts, personId, body, visit);
          const what = { action: 'person.password_changed', targetKind: 'person', targetId: personId } as const;
          return { answer: {}, cookies: [cookie], audit: { ...what, after: {} } };
        }),
      );
    },
  }),
];
