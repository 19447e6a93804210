// Whether a signed-in person may do what a route does, to what it is done to (domain/authorization.ts says who may). The operator's admin token may
// do everything. What belongs to an organization of which somebody is no member is to him as if it were not there (D98).
import {
  isStaffAllowed,
  memberReach,
  PERMISSIONS,
  type Permission,
  rolesAllowed,
  type StaffRole,
} from '../../domain/authorization.ts';
import { TollgateError } from '../../domain/errors.ts';
import type { SignedIn } from '../../services/accounts/sessions.ts';
import type { Belonging } from '../../services/organizations/owners.ts';
import { activeRole } from '../../services/people/memberships.ts';
import type { Queryable } from '../../services/platform/postgres.ts';
import { requireReach } from '../../services/single-sign-on/enforcement.ts';

export interface Asked {
  readonly permission: Permission;
  readonly belonging: Belonging;
  /** What a member must leave alone, of the fields of the body. */
  readonly staffFields: readonly string[];
  readonly body: unknown;
}

/** Before anything of the request is read: whether he might, if it were his organization. @throws TollgateError forbidden */
export function requireAnyRight(person: SignedIn, permission: Permission): void {
  if (isStaffAllowed(permission, person.staffRoles) || rolesAllowed(permission).length > 0) return;
  throw staffOnly(permission, person.staffRoles);
}

/**
 * The organization as whose member he may; null: as the operator's staff.
 * @throws TollgateError not_found for another organization's things, forbidden for what his role does not allow, single_sign_on_required and
 *   single_sign_on_confined for where his session does not reach
 */
export async function requireRight(
  db: Queryable,
  person: SignedIn,
  { permission, belonging: { orgId, memberId = null }, staffFields, body }: Asked,
): Promise<string | null> {
  if (isStaffAllowed(permission, person.staffRoles)) return null;
  if (orgId === undefined) {
    throw new TollgateError('forbidden', {
      message: 'A member does this in an organization of his: name it as orgId.',
      param: 'orgId',
    });
  }
  if (orgId === null) throw notHere();
  const role = await activeRole(db, orgId, person.personId);
  if (role === null) throw person.staffRoles.length > 0 ? staffOnly(permission, person.staffRoles) : notHere();
  await requireReach(db, person, orgId, role);
  const reach = memberReach(permission, role);
  if (reach === null) {
    throw new TollgateError('forbidden', {
      message: `Your role in this organization is ${role}; this takes ${rolesAllowed(permission).join(', ')}. Ask an owner.`,
    });
  }
  if (reach === 'own' && memberId !== person.personId) {
    throw new TollgateError('forbidden', {
      message: `As ${role} you may do this with what is your own: name yourself as memberId (${person.personId}), or ask an owner.`,
      param: 'memberId',
    });
  }
  const field = staffFields.find((name) => Object.hasOwn(Object(body), name));
  if (field === undefined) return orgId;
  throw new TollgateError('forbidden', { message: `Only our staff changes ${field}; write to support.`, param: field });
}

/** The same for what is not there and for what is somebody else's. */
function notHere(): TollgateError {
  return new TollgateError('not_found', { message: 'There is nothing of this name in an organization of yours.' });
}

function staffOnly(permission: Permission, roles: readonly StaffRole[]): TollgateError {
  const { staff } = PERMISSIONS[permission];
  const needed = staff.length === 0 ? 'the admin token' : `one of the staff roles ${staff.join(', ')}`;
  return new TollgateError('forbidden', {
    message: `This takes ${needed}${roles.length === 0 ? '' : `; yours: ${roles.join(', ')}`}.`,
  });
}
