// Where somebody is signed in, and the end of it where he does not want to be.
import { z } from 'zod';
import { TollgateError } from '../../domain/errors.ts';
import { endSession, liveSessions } from '../../services/accounts/sessions.ts';
import { instant, uuid } from './field-schemas.ts';
import { personChange, personRead } from './person-route.ts';
import { none, type Route } from './route.ts';

const Session = z
  .object({
    id: uuid,
    createdAt: instant,
    seenAt: instant.meta({ description: 'To the minute' }),
    expiresAt: instant.meta({ description: 'At the latest: who is idle is out sooner' }),
    clientAddress: z.string(),
    userAgent: z.string(),
    isThisOne: z.boolean(),
  })
  .meta({ id: 'Session' });

export const mySessionRoutes: readonly Route[] = [
  personRead({
    path: '/api/v1/me/sessions',
    summary: 'One’s sessions, the one that was used last first',
    params: none,
    query: none,
    response: z.object({ data: z.array(Session).readonly() }),
    handler: async ({ person }, { db }) => ({ data: await liveSessions(db, person) }),
  }),
  personChange({
    method: 'post',
    path: '/api/v1/me/sessions/{id}/revoke',
    summary: 'End one of one’s sessions',
    params: z.object({ id: uuid }),
    body: z.strictObject({}),
    response: z.object({}),
    handler: ({ params: { id }, person: { personId } }, _app, change) =>
      change(async (tx) => {
        if (!(await endSession(tx, personId, id))) {
          throw new TollgateError('not_found', { message: `You have no session ${id}.` });
        }
        const what = { action: 'person.session_revoked', targetKind: 'person', targetId: personId } as const;
        return { answer: {}, audit: { ...what, after: { sessionId: id } } };
      }),
  }),
];
