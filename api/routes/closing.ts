// The end of an account: what it would mean, the closing itself, and the way back.
import { z } from 'zod';
import { closingOutlook, OBSTACLES } from '../../services/accounts/closing-outlook.ts';
import { closeAccount, reopenAccount } from '../../services/accounts/closings.ts';
import { checkProof, takeProof } from '../../services/accounts/proofs.ts';
import { proof } from './account-fields.ts';
import { line, money, uuid } from './field-schemas.ts';
import { personChange, personRead, visitorChange } from './person-route.ts';
import { none, type Route } from './route.ts';

const Outlook = z
  .object({
    obstacles: z
      .array(
        z.object({
          why: z.enum(OBSTACLES).meta({
            description:
              'staff: give back the role. shared: leave the organization, or hand it over. owed: pay it. What else is named would go on: end it',
          }),
          orgId: uuid.nullable(),
          orgName: z.string().nullable(),
          amountNano: money.nullable().meta({ description: 'Of what is owed' }),
        }),
      )
      .readonly()
      .meta({ description: 'What has to be done first' }),
    organizations: z
      .array(
        z.object({
          orgId: uuid,
          orgName: z.string(),
          availableNano: money.meta({ description: 'Credit that nobody will spend; it is not paid out' }),
          apiKeys: z.number().meta({ description: 'In use now; they are revoked' }),
        }),
      )
      .readonly()
      .meta({ description: 'Nobody else belongs to them: they end with the account' }),
  })
  .meta({ id: 'ClosingOutlook' });

export const closingRoutes: readonly Route[] = [
  personRead({
    path: '/api/v1/me/closing',
    summary: 'What closing one’s account would mean, and what has to be done first',
    params: none,
    query: none,
    response: Outlook,
    handler: ({ person: { personId } }, { db }) => closingOutlook(db, personId),
  }),
  personChange({
    method: 'post',
    path: '/api/v1/me/closing',
    summary: 'Close one’s account; a link opens it again for 30 days, then the mail address is free',
    params: none,
    body: z.strictObject(proof),
    response: Outlook,
    async handler({ body, person, visit }, { db, accounts }, change) {
      const { personId } = person;
      await checkProof(db, accounts, person, body, visit);
      return change(async (tx) => {
        await takeProof(tx, accounts, person, body, visit);
        const answer = await closeAccount(tx, personId);
        const what = { action: 'person.account_closed', targetKind: 'person', targetId: personId } as const;
        const after = { organizations: answer.organizations.map(({ orgId }) => orgId) };
        return { answer, cookies: [accounts.cookies.set(accounts.cookies.session, '')], audit: { ...what, after } };
      });
    },
  }),
  visitorChange({
    path: '/api/v1/account-reopenings',
    summary:
      'Open a closed account again, by the link that was mailed then; API keys stay revoked until they are enabled',
    params: none,
    body: z.strictObject({ token: line(100) }),
    response: z.object({}),
    handler: ({ body }, { accounts }, change) =>
      change(async (tx) => {
        const targetId = await reopenAccount(tx, accounts, body.token);
        const what = { action: 'person.account_reopened', targetKind: 'person', targetId } as const;
        return { answer: {}, audit: { ...what, after: {} } };
      }),
  }),
];
