// Checks of who may do what, each of which can be taken away while the product runs: as if nobody had written it.
import type { Route } from '../../../api/routes/route.ts';
import { MEMBER_ROLES, PERMISSIONS, STAFF_ROLES } from '../../../domain/authorization.ts';
import { nameOf } from './rights-matrix.ts';

export interface Check {
  readonly name: string;
  /** Answers how it is put back. */
  takeAway(): () => void;
}

/** Whoever has the cookie of a session is let in. */
export function permissionOf(route: Route): Check {
  return check(`permission of ${nameOf(route)}`, route, { permission: null });
}

/** Every role has the permission that the route names. */
export function roleFor(route: Route): Check {
  const { permission } = route;
  if (permission === null) throw new Error(`${nameOf(route)} asks for no permission`);
  const members = Object.fromEntries(MEMBER_ROLES.map((role) => [role, 'all']));
  return check(`role for ${nameOf(route)}`, PERMISSIONS, { [permission]: { staff: STAFF_ROLES, members } });
}

/** What is asked for is whoever's who asks. */
export function belongingOf(route: Route): Check {
  const belonging: Route['belonging'] = async ({ person }, { db }) => {
    const { rows } = await db.query<{ orgId: string }>(
      'select org_id as "orgId" from memberships where person_id = $1 limit 1',
      [person?.personId],
    );
    return { orgId: rows[0]?.orgId, memberId: person?.personId };
  };
  return check(`belonging of ${nameOf(route)}`, route, { belonging });
}

export function secondPersonFor(route: Route): Check {
  return check(`second person for ${nameOf(route)}`, route, { whyTwoPersons: async () => null });
}

export function staffFieldsOf(route: Route): Check {
  return check(`staff's fields of ${nameOf(route)}`, route, { staffFields: [] });
}

function check(name: string, target: object, without: object): Check {
  return {
    name,
    takeAway() {
      const before = { ...target };
      Object.assign(target, without);
      return () => void Object.assign(target, before);
    },
  };
}
