// Who works for us, and as what.
import { z } from 'zod';
import { STAFF_ROLES } from '../../domain/authorization.ts';
import { lockedPerson } from '../../services/people/persons.ts';
import { listStaff, setStaffRoles, staffRolesOf } from '../../services/people/staff-roles.ts';
import { reason, uuid } from './field-schemas.ts';
import { adminChange, adminRead, none, type Route } from './route.ts';

const staffRoles = z.array(z.enum(STAFF_ROLES)).max(STAFF_ROLES.length);
const shownRoles = z.array(z.enum(STAFF_ROLES)).readonly();

export const staffRoutes: readonly Route[] = [
  adminRead({
    path: '/api/v1/staff',
    permission: 'staff.read',
    summary: 'Everybody who works for us, with his roles',
    params: none,
    query: none,
    response: z.object({
      data: z
        .array(z.object({ personId: uuid, email: z.string(), name: z.string(), staffRoles: shownRoles }))
        .readonly(),
    }),
    handler: async (_input, { db }) => ({ data: await listStaff(db) }),
  }),
  adminChange({
    method: 'post',
    path: '/api/v1/persons/{id}/staff-roles',
    permission: 'staff.change',
    twoPersons: () => 'what our own people may do',
    summary: 'Give a person these staff roles and no others; none: he is staff no more, at once',
    params: z.object({ id: uuid }),
    body: z.strictObject({ roles: staffRoles, reason }),
    response: z.object({ personId: uuid, staffRoles: shownRoles }).meta({ id: 'StaffRoles' }),
    handler: ({ params, body }, _app, change) =>
      change(async (tx) => {
        const { id: personId } = await lockedPerson(tx, params.id);
        const before = { staffRoles: await staffRolesOf(tx, personId) };
        await setStaffRoles(tx, personId, body.roles);
        const answer = { personId, staffRoles: await staffRolesOf(tx, personId) };
        const what = { action: 'staff.changed', targetKind: 'person', targetId: personId } as const;
        return { answer, audit: { ...what, before, after: answer, reason: body.reason } };
      }),
  }),
];
