// What somebody who is signed in sees and changes of himself.
import { z } from 'zod';
import { MEMBER_ROLES, STAFF_ROLES } from '../../domain/authorization.ts';
import { me } from '../../services/accounts/me.ts';
import { pseudonymous } from '../../services/audit/audit.ts';
import { changePerson, lockedPerson } from '../../services/people/persons.ts';
import { instant, locale, name, timeZone, uuid } from './field-schemas.ts';
import { personChange, personRead } from './person-route.ts';
import { IMPERSONAL } from './persons.ts';
import { none, type Route } from './route.ts';

export const Me = z
  .object({
    id: uuid,
    email: z.string(),
    name: z.string(),
    locale,
    timeZone: z.string(),
    staffRoles: z.array(z.enum(STAFF_ROLES)).readonly(),
    memberships: z
      .array(
        z.object({
          orgId: uuid,
          orgName: z.string(),
          plan: z.enum(['free', 'pay_as_you_go', 'pro', 'team', 'enterprise']).nullable(),
          role: z.enum(MEMBER_ROLES),
          status: z.enum(['active', 'suspended', 'removed']),
        }),
      )
      .readonly(),
    secondFactor: z.object({
      enrolled: z.boolean(),
      required: z.boolean().meta({ description: 'Without it nothing is allowed but this, and to take one' }),
    }),
    mailChange: z
      .object({ email: z.string(), validUntil: instant })
      .nullable()
      .meta({ description: 'Another address that was asked for, until its code is typed' }),
    sessionId: uuid,
  })
  .meta({ id: 'Me' });

export const meRoutes: readonly Route[] = [
  personRead({
    path: '/api/v1/me',
    summary: 'Who is signed in, and where he belongs',
    params: none,
    query: none,
    response: Me,
    handler: ({ person: { personId, sessionId } }, { db }) => me(db, personId, sessionId),
  }),
  personChange({
    method: 'patch',
    path: '/api/v1/me',
    summary: 'Change what one is called, and in which language and time zone one is written to',
    params: none,
    body: z.strictObject({ name: name.optional(), locale: locale.optional(), timeZone: timeZone.optional() }),
    response: Me,
    handler: ({ person, body }, _app, change) =>
      change(async (tx) => {
        const before = await lockedPerson(tx, person.personId);
        const after = await changePerson(tx, before, body);
        const what = { action: 'person.changed', targetKind: 'person', targetId: after.id } as const;
        return {
          answer: await me(tx, after.id, person.sessionId),
          audit: { ...what, ...pseudonymous(IMPERSONAL, before, after) },
        };
      }),
  }),
];
