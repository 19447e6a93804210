// How an installation gets its first admin.
import { z } from 'zod';
import { checkBootstrap, createFirstAdmin, newBootstrap } from '../../services/accounts/first-admin.ts';
import { refuseKnown } from '../../services/accounts/known-passwords.ts';
import { hashOf } from '../../services/accounts/passwords.ts';
import { openSession } from '../../services/accounts/sign-ins.ts';
import { newPassword } from './account-fields.ts';
import { instant, line, locale, mailAddress, name, timeZone } from './field-schemas.ts';
import { Me, meTold } from './me.ts';
import { visitorChange } from './person-route.ts';
import { adminChange, none, type Route } from './route.ts';

export const bootstrapRoutes: readonly Route[] = [
  adminChange({
    method: 'post',
    path: '/api/v1/bootstrap-tokens',
    permission: 'staff.bootstrap',
    summary: 'Have a one-time token made for the first admin, while there is none; shown once, the one before ends',
    params: none,
    status: 201,
    body: z.strictObject({}),
    response: z.object({ bootstrapToken: z.string(), validUntil: instant }),
    handler: (_, _app, change) =>
      change(async (tx) => {
        const { bootstrapToken, validUntil } = await newBootstrap(tx);
        const what = { action: 'bootstrap.made', targetKind: 'bootstrap', targetId: 'first admin' } as const;
        const audit = { ...what, after: { validUntil } };
        return { answer: { bootstrapToken, validUntil }, repeatedAnswer: { bootstrapToken: '', validUntil }, audit };
      }),
  }),
  visitorChange({
    path: '/api/v1/bootstrap',
    summary: 'Be the first admin, by the one-time token that start prints; refused for ever after',
    params: none,
    body: z.strictObject({
      bootstrapToken: line(100),
      email: mailAddress,
      name,
      password: newPassword,
      locale: locale.default('en'),
      timeZone: timeZone.default('UTC'),
    }),
    response: Me,
    async handler({ body: { bootstrapToken, password, ...wanted }, visit }, app, change) {
      const { db, accounts } = app;
      refuseKnown(password, 'password');
      await checkBootstrap(db, bootstrapToken);
      const passwordHash = await accounts.turns.inTurn(() => hashOf(password));
      return change(async (tx) => {
        const { id } = await createFirstAdmin(tx, accounts, bootstrapToken, wanted, passwordHash);
        const { sessionId, cookie } = await openSession(tx, accounts, id, visit);
        const answer = await meTold(tx, id, sessionId, app);
        const what = { action: 'person.became_first_admin', targetKind: 'person', targetId: id } as const;
        return { answer, cookies: [cookie], audit: { ...what, after: { staffRoles: ['admin'], sessionId } } };
      });
    },
  }),
];
