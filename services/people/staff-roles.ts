// What our own people may do. Somebody without a role is none of them; there is always an admin, once there was one.
import type { PoolClient } from 'pg';
import { STAFF_ROLES, type StaffRole } from '../../domain/authorization.ts';
import { TollgateError } from '../../domain/errors.ts';
import type { Queryable } from '../platform/postgres.ts';

export interface StaffMember {
  readonly personId: string;
  readonly email: string;
  readonly name: string;
  readonly staffRoles: readonly StaffRole[];
}

/** By name. */
export async function listStaff(db: Queryable): Promise<StaffMember[]> {
  const { rows } = await db.query<StaffMember>(
    `select p.id as "personId", p.email, p.name, array_agg(s.role order by s.role) as "staffRoles"
       from staff_roles s join persons p on p.id = s.person_id group by p.id order by p.name, p.id`,
  );
  return rows;
}

/** These and no others. @throws TollgateError conflict when nobody would be an admin */
export async function setStaffRoles(tx: PoolClient, personId: string, roles: readonly StaffRole[]): Promise<void> {
  // Of two admins who take each other's role one comes second.
  await tx.query('lock table staff_roles in share row exclusive mode');
  await tx.query('delete from staff_roles where person_id = $1 and role <> all($2)', [personId, roles]);
  await tx.query('insert into staff_roles (person_id, role) select $1, unnest($2::text[]) on conflict do nothing', [
    personId,
    roles,
  ]);
  const { rowCount } = await tx.query(`select from staff_roles where role = 'admin' limit 1`);
  if (rowCount !== 0) return;
  throw new TollgateError('conflict', { message: 'Nobody would be an admin. Make another one first.', param: 'roles' });
}

export async function staffRolesOf(db: Queryable, personId: string): Promise<StaffRole[]> {
  const { rows } = await db.query<{ role: StaffRole }>('select role from staff_roles where person_id = $1', [personId]);
  const held = rows.map(({ role }) => role);
  return STAFF_ROLES.filter((role) => held.includes(role));
}
