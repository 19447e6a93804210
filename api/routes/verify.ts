// A mail address is proved by whoever has the link that was sent to it: no sign-in, and nothing that another site could borrow. Staff may have
// another one sent.
import { z } from 'zod';
import { TollgateError } from '../../domain/errors.ts';
import { writeAudit } from '../../services/audit/audit.ts';
import { lockedPerson } from '../../services/people/persons.ts';
import {
  askToVerify,
  useVerification,
  type VerificationState,
  verificationState,
} from '../../services/people/verifications.ts';
import { inTransaction } from '../../services/platform/postgres.ts';
import { pageHeaders } from '../pages/page-frame.ts';
import { languageOf } from '../pages/pay-words.ts';
import { verifyPage } from '../pages/verify-page.ts';
import type { AppDependencies } from './app-dependencies.ts';
import { instant, uuid } from './field-schemas.ts';
import { page } from './open-route.ts';
import { adminChange, type Route } from './route.ts';

const byToken = z.object({ token: z.string() });
const ACTOR = 'verify_page';

export const verifyRoutes: readonly Route[] = [
  adminChange({
    method: 'post',
    path: '/api/v1/persons/{id}/verifications',
    permission: 'person.change',
    summary: 'Send another link by which the mail address is verified; the one before ends',
    params: z.object({ id: uuid }),
    status: 201,
    body: z.strictObject({}),
    response: z.object({ personId: uuid, validUntil: instant }).meta({ id: 'Verification' }),
    handler: ({ params }, _app, change) =>
      change(async (tx) => {
        const { id: personId, emailVerifiedAt } = await lockedPerson(tx, params.id);
        if (emailVerifiedAt !== null) {
          throw new TollgateError('conflict', {
            message: `The mail address of person ${personId} is verified already.`,
          });
        }
        const answer = { personId, ...(await askToVerify(tx, personId)) };
        const audit = { action: 'person.verification_sent', targetKind: 'person', targetId: personId } as const;
        return { answer, audit: { ...audit, after: answer } };
      }),
  }),
  page({
    method: 'get',
    path: '/verify/{token}',
    summary: 'For whoever has the link: say that the mail address is his',
    params: byToken,
    handler: async ({ params, headers }, app) => {
      const state = await stateOf(params.token, app);
      return {
        status: state === 'over' ? 410 : 200,
        headers: pageHeaders(),
        text: verifyPage(state, languageOf(headers['accept-language'])),
      };
    },
  }),
  page({
    method: 'post',
    path: '/verify/{token}',
    summary: 'For whoever has the link: the mail address is verified by it, once',
    params: byToken,
    handler: async ({ params, requestId, clientAddress }, app) => {
      const id = idOf(params.token, app);
      await inTransaction(app.db, async (tx) => {
        const personId = await useVerification(tx, id);
        if (personId === null) return;
        const author = { actor: ACTOR, requestId, clientAddress };
        await writeAudit(tx, author, { action: 'person.verified', targetKind: 'person', targetId: personId });
      });
      return { status: 303, headers: { location: `/verify/${params.token}` }, text: '' };
    },
  }),
];

async function stateOf(linkToken: string, app: AppDependencies): Promise<VerificationState> {
  return (await verificationState(app.db, idOf(linkToken, app))) ?? 'over';
}

/** @throws TollgateError not_found */
function idOf(linkToken: string, { verifyLinks }: AppDependencies): string {
  const id = verifyLinks.verificationOf(linkToken);
  if (id !== null) return id;
  throw new TollgateError('not_found', { message: 'This link verifies no mail address.' });
}
