// Persons, as staff sees and corrects them.
import { z } from 'zod';
import { mailChangedByStaff } from '../../services/accounts/mail-changes.ts';
import { pseudonymous } from '../../services/audit/audit.ts';
import { changePerson, createPerson, listPersons, lockedPerson, person } from '../../services/people/persons.ts';
import { staffRolesOf } from '../../services/people/staff-roles.ts';
import { instant, locale, mailAddress, name, reason, timeZone, uuid, version } from './field-schemas.ts';
import { onePage, pageOf, pageQuery } from './pagination.ts';
import { requireSeen } from './reply.ts';
import { adminChange, adminRead, none, type Route } from './route.ts';

const Person = z
  .object({
    id: uuid,
    email: z.string(),
    name: z.string(),
    locale,
    timeZone: z.string(),
    emailVerifiedAt: instant.nullable(),
    version,
    createdAt: instant,
  })
  .meta({ id: 'Person' });

/** What the audit log says of a person (D52). */
export const IMPERSONAL = ['id', 'locale', 'emailVerifiedAt', 'version'] as const;
const byId = z.object({ id: uuid });
const persons = { name: 'persons', position: uuid, positionOf: ({ id }: { id: string }) => id };

export const personRoutes: readonly Route[] = [
  adminChange({
    method: 'post',
    path: '/api/v1/persons',
    permission: 'person.change',
    summary: 'Make a person; the mail address is not verified by that',
    params: none,
    status: 201,
    body: z.strictObject({ email: mailAddress, name, locale: locale.default('en'), timeZone: timeZone.default('UTC') }),
    response: Person,
    handler: ({ body }, _app, change) =>
      change(async (tx) => {
        const answer = await createPerson(tx, body);
        const what = { action: 'person.created', targetKind: 'person', targetId: answer.id } as const;
        return { answer, audit: { ...what, ...pseudonymous(IMPERSONAL, null, answer) } };
      }),
  }),
  adminRead({
    path: '/api/v1/persons',
    permission: 'person.read',
    summary: 'Persons, newest first; by mail address the one who has it',
    params: none,
    query: z.strictObject({ ...pageQuery, email: mailAddress.optional() }),
    response: pageOf(Person),
    handler: ({ query }, { db }) =>
      onePage(persons, query, (after, pageSize) => listPersons(db, query.email, after, pageSize)),
  }),
  adminRead({
    path: '/api/v1/persons/{id}',
    permission: 'person.read',
    summary: 'One person',
    query: none,
    params: byId,
    response: Person,
    handler: ({ params }, { db }) => person(db, params.id),
  }),
  adminChange({
    method: 'patch',
    path: '/api/v1/persons/{id}',
    permission: 'person.change',
    // Whoever reads the mail of an address gets in by it, or is invited by it.
    twoPersons: async ({ params, body }, db) =>
      body.email !== undefined && (await staffRolesOf(db, params.id)).length > 0
        ? 'the mail address of one of our own people'
        : null,
    summary: 'Change a person; another mail address is unverified, and to say otherwise needs a reason',
    ifMatch: 'required',
    params: byId,
    body: z
      .strictObject({
        email: mailAddress.optional(),
        name: name.optional(),
        locale: locale.optional(),
        timeZone: timeZone.optional(),
        verified: z.boolean().optional(),
        reason: reason.optional(),
      })
      .refine(
        ({ verified, reason: why }) => verified === undefined || why !== undefined,
        'say in reason how it is known whether the mail address is verified',
      ),
    response: Person,
    handler: ({ params, body, ifMatch }, _app, change) =>
      change(async (tx) => {
        const before = await lockedPerson(tx, params.id);
        requireSeen(ifMatch, before);
        const { reason: why, ...wanted } = body;
        const answer = await changePerson(tx, before, wanted);
        if (answer.email !== before.email) await mailChangedByStaff(tx, before, answer.email);
        const what = { action: 'person.changed', targetKind: 'person', targetId: answer.id } as const;
        return { answer, audit: { ...what, ...pseudonymous(IMPERSONAL, before, answer), reason: why } };
      }),
  }),
  adminChange({
    method: 'post',
    path: '/api/v1/persons/{id}/second-factor/remove',
    permission: 'person.change',
    twoPersons: () => 'the second factor of an account',
    summary: 'Let somebody in again who has lost his second factor and his recovery codes; all his sessions end',
    params: byId,
    body: z.strictObject({ reason }),
    response: z.object({}),
    handler: ({ params, body }, { accounts }, change) =>
      change(async (tx) => {
        const { id: targetId } = await lockedPerson(tx, params.id);
        await accounts.secondFactors.removeLost(tx, targetId);
        const what = { action: 'person.second_factor_removed', targetKind: 'person', targetId } as const;
        return { answer: {}, audit: { ...what, after: {}, reason: body.reason } };
      }),
  }),
];
