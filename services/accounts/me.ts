// What somebody who is signed in is told of himself, and may change of it.
import {
  isStaffAllowed,
  type MemberRole,
  PERMISSION_NAMES,
  type Permission,
  type StaffRole,
} from '../../domain/authorization.ts';
import type { PlanName } from '../../domain/plans.ts';
import type { MemberStatus } from '../people/memberships.ts';
import { type Locale, person } from '../people/persons.ts';
import type { Queryable } from '../platform/postgres.ts';
import { type AskedMailChange, askedMailChange } from './mail-changes.ts';
import { freshUntil } from './sessions.ts';
import { hasAccount } from './sign-ups.ts';
import { standingOf } from './standing.ts';

interface Membership {
  readonly orgId: string;
  readonly orgName: string;
  /** Null: it has agreed on none. */
  readonly plan: PlanName | null;
  readonly role: MemberRole;
  readonly status: MemberStatus;
  /** Why this session does not reach it: it wants its provider, or this one came by another's; null: it does. */
  readonly barrier: 'single_sign_on' | 'other_way_in' | null;
}

export interface Me {
  readonly id: string;
  readonly email: string;
  readonly name: string;
  readonly locale: Locale;
  readonly timeZone: string;
  readonly staffRoles: readonly StaffRole[];
  /** By those roles, in every organization. */
  readonly staffMay: readonly Permission[];
  readonly memberships: readonly Membership[];
  readonly secondFactor: { readonly enrolled: boolean; readonly required: boolean };
  /** Asked for, and its code not typed yet. */
  readonly mailChange: AskedMailChange | null;
  readonly presence: {
    /** Without one he proves by his provider that it is he. */
    readonly hasPassword: boolean;
    /** Until when he has; null: he is asked. */
    readonly provedUntil: Date | null;
  };
  readonly sessionId: string;
}

export async function me(db: Queryable, personId: string, sessionId: string): Promise<Me> {
  const { id, email, name, locale, timeZone } = await person(db, personId);
  const { staffRoles, hasSecondFactor, mustHaveSecondFactor } = await standingOf(db, personId);
  const secondFactor = { enrolled: hasSecondFactor, required: mustHaveSecondFactor };
  const memberships = await membershipsOf(db, personId, sessionId);
  const presence = { hasPassword: await hasAccount(db, personId), provedUntil: await freshUntil(db, sessionId) };
  const staffMay = PERMISSION_NAMES.filter((permission) => isStaffAllowed(permission, staffRoles));
  const mailChange = await askedMailChange(db, personId);
  const roles = { staffRoles, staffMay, memberships };
  return { id, email, name, locale, timeZone, ...roles, secondFactor, mailChange, presence, sessionId };
}

/** In the order in which he came, those that he has left not among them. */
async function membershipsOf(db: Queryable, personId: string, sessionId: string): Promise<Membership[]> {
  const { rows } = await db.query<Membership>(
    `select m.org_id as "orgId", o.name as "orgName", v.plan, m.role, m.status,
            case when i.org_id <> m.org_id then 'other_way_in'
                 when i.org_id is null and m.role <> 'owner' and wants_single_sign_on(m.org_id) then 'single_sign_on' end as barrier
       from memberships m join organizations o on o.id = m.org_id left join plan_versions v on v.id = o.plan_version_id
       left join auth.sessions s on s.id = $2 left join identities i on i.id = s.identity_id
      where m.person_id = $1 and m.status <> 'removed'
      order by m.created_at, m.org_id`,
    [personId, sessionId],
  );
  return rows;
}
