// What somebody is here, beside a member: whether he works for us, whether he has a second factor, and whether he must.
import type { StaffRole } from '../../domain/authorization.ts';
import type { Queryable } from '../platform/postgres.ts';

export interface Standing {
  readonly staffRoles: readonly StaffRole[];
  readonly hasSecondFactor: boolean;
  /** Staff, and whoever owns an organization on Team or Enterprise (R-LOG-2). */
  readonly mustHaveSecondFactor: boolean;
}

export async function standingOf(db: Queryable, personId: string): Promise<Standing> {
  const { rows } = await db.query<Omit<Standing, 'mustHaveSecondFactor'> & { isLargeOwner: boolean }>(
    `select array(select role from staff_roles where person_id = $1 order by role) as "staffRoles",
            exists (select from auth.second_factors where person_id = $1 and enrolled_at is not null) as "hasSecondFactor",
            exists (select from memberships m join organizations o on o.id = m.org_id join plan_versions v on v.id = o.plan_version_id
                     where m.person_id = $1 and m.role = 'owner' and m.status = 'active' and v.plan in ('team', 'enterprise'))
              as "isLargeOwner"`,
    [personId],
  );
  const { staffRoles = [], hasSecondFactor = false, isLargeOwner = false } = rows[0] ?? {};
  return { staffRoles, hasSecondFactor, mustHaveSecondFactor: staffRoles.length > 0 || isLargeOwner };
}
