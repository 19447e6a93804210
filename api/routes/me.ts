// What somebody who is signed in sees and changes of himself.
import { z } from 'zod';
import { MEMBER_ROLES, PERMISSION_NAMES, STAFF_ROLES } from '../../domain/authorization.ts';
import { me } from '../../services/accounts/me.ts';
import { pseudonymous } from '../../services/audit/audit.ts';
import { changePerson, lockedPerson } from '../../services/people/persons.ts';
import type { Queryable } from '../../services/platform/postgres.ts';
import type { AppDependencies } from './app-dependencies.ts';
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
    staffMay: z
      .array(z.enum(PERMISSION_NAMES))
      .readonly()
      .meta({ description: 'What these roles allow, in every organization' }),
    temporalUiUrl: z
      .string()
      .nullable()
      .meta({ description: 'For staff: where a workflow is shown, a slash and its id appended' }),
    memberships: z
      .array(
        z.object({
          orgId: uuid,
          orgName: z.string(),
          plan: z.enum(['free', 'pay_as_you_go', 'pro', 'team', 'enterprise']).nullable(),
          role: z.enum(MEMBER_ROLES),
          status: z.enum(['active', 'suspended', 'removed']),
          barrier: z.enum(['single_sign_on', 'other_way_in']).nullable().meta({
            description:
              'Why this session does not reach it. single_sign_on: it wants that. other_way_in: this session came by that of another one',
          }),
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
    presence: z
      .object({
        hasPassword: z.boolean(),
        provedUntil: instant
          .nullable()
          .meta({ description: 'Of who has no password: until then he is not asked for one' }),
      })
      .meta({ description: 'How he proves anew that it is he' }),
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
    handler: ({ person: { personId, sessionId } }, app) => meTold(app.db, personId, sessionId, app),
  }),
  personChange({
    method: 'patch',
    path: '/api/v1/me',
    summary: 'Change what one is called, and in which language and time zone one is written to',
    params: none,
    body: z.strictObject({ name: name.optional(), locale: locale.optional(), timeZone: timeZone.optional() }),
    response: Me,
    handler: ({ person, body }, app, change) =>
      change(async (tx) => {
        const before = await lockedPerson(tx, person.personId);
        const after = await changePerson(tx, before, body);
        const what = { action: 'person.changed', targetKind: 'person', targetId: after.id } as const;
        return {
          answer: await meTold(tx, after.id, person.sessionId, app),
          audit: { ...what, ...pseudonymous(IMPERSONAL, before, after) },
        };
      }),
  }),
];

export async function meTold(
  db: Queryable,
  personId: string,
  sessionId: string,
  { temporalUiUrl }: Pick<AppDependencies, 'temporalUiUrl'>,
): Promise<z.output<typeof Me>> {
  const known = await me(db, personId, sessionId);
  return { ...known, temporalUiUrl: known.staffRoles.length === 0 ? null : temporalUiUrl };
}
