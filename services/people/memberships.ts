// Who belongs to an organization, in which role. All changes are made under the organization's row lock, so that of two of them one
// sees the other: the last seat is given once, and an organization that has members keeps an active owner.
import type { PoolClient } from 'pg';
import type { MemberRole } from '../../domain/authorization.ts';
import { TollgateError } from '../../domain/errors.ts';
import { type Cap, type CapJson, capsColumn, readCaps, replaceCaps } from '../organizations/caps.ts';
import { lockedOrganization } from '../organizations/organizations.ts';
import type { Queryable } from '../platform/postgres.ts';
import { person } from './persons.ts';
import { requireFreeSeat, restoreWithinSeats } from './seats.ts';

export type MemberStatus = 'active' | 'suspended' | 'removed';

export interface Member {
  readonly orgId: string;
  readonly personId: string;
  /** Null of whoever left: it is no business of those whom he left any more. */
  readonly email: string | null;
  readonly name: string;
  readonly role: MemberRole;
  readonly status: MemberStatus;
  /** Suspended for want of a seat. */
  readonly awaitsSeat: boolean;
  /** Of what his keys spend here. */
  readonly caps: readonly Cap[];
  readonly version: number;
  readonly createdAt: Date;
}

export interface MemberChange {
  readonly role?: MemberRole | undefined;
  readonly status?: MemberStatus | undefined;
  readonly caps?: readonly Cap[] | undefined;
}

interface MemberRow extends Omit<Member, 'caps'> {
  readonly caps: readonly CapJson[];
}

const MEMBERS = `
  select m.org_id as "orgId", m.person_id as "personId", case when m.status <> 'removed' then p.email end as email, p.name, m.role, m.status,
         m.awaits_seat as "awaitsSeat",
         ${capsColumn('member', 'm.org_id', 'm.person_id')} as caps, m.version, m.created_at as "createdAt"
    from memberships m join persons p on p.id = m.person_id`;

/** @throws TollgateError seats_used_up; conflict for who is or was a member, and for a first member who is no owner */
export async function addMember(tx: PoolClient, orgId: string, personId: string, role: MemberRole): Promise<Member> {
  await lockedOrganization(tx, orgId);
  const { id } = await person(tx, personId);
  const { rows } = await tx.query<{ status: MemberStatus }>(
    'select status from memberships where org_id = $1 and person_id = $2',
    [orgId, id],
  );
  if (rows[0] !== undefined) throw knownMember(personId, rows[0].status);
  await requireFreeSeat(tx, orgId);
  await tx.query('insert into memberships (org_id, person_id, role) values ($1, $2, $3)', [orgId, id, role]);
  await requireOwner(tx, orgId);
  return member(tx, orgId, id);
}

/**
 * Of a `lockedMember`. What a person says of a status stands: whoever is suspended by it no longer waits for a seat.
 * @throws TollgateError seats_used_up; conflict for the last active owner
 */
export async function changeMember(
  tx: PoolClient,
  before: Member,
  { role = before.role, status, caps }: MemberChange,
): Promise<Member> {
  const { orgId, personId } = before;
  if (status === 'active' && before.status !== 'active') await requireFreeSeat(tx, orgId);
  await tx.query(
    `update memberships
        set role = $3, status = $4, awaits_seat = $5, version = version + 1
      where org_id = $1 and person_id = $2`,
    [orgId, personId, role, status ?? before.status, status === undefined && before.awaitsSeat],
  );
  await requireOwner(tx, orgId);
  if (before.status === 'active' && (status ?? 'active') !== 'active') await restoreWithinSeats(tx, orgId);
  if (caps !== undefined) await replaceCaps(tx, { orgId, scope: 'member', scopeId: personId }, caps);
  return member(tx, orgId, personId);
}

export async function member(db: Queryable, orgId: string, personId: string): Promise<Member> {
  return (await memberIfAny(db, orgId, personId)) ?? unknown(orgId, personId);
}

/** Null: he has never been one. */
export async function memberIfAny(db: Queryable, orgId: string, personId: string): Promise<Member | null> {
  const { rows } = await db.query<MemberRow>(`${MEMBERS} where m.org_id = $1 and m.person_id = $2`, [orgId, personId]);
  return rows[0] === undefined ? null : readMember(rows[0]);
}

/** Null: he is none, or not now. */
export async function activeRole(db: Queryable, orgId: string, personId: string): Promise<MemberRole | null> {
  const { rows } = await db.query<{ role: MemberRole }>(
    `select role from memberships where org_id = $1 and person_id = $2 and status = 'active'`,
    [orgId, personId],
  );
  return rows[0]?.role ?? null;
}

/** With its organization: nobody else changes a member of it until the transaction ends. */
export async function lockedMember(tx: PoolClient, orgId: string, personId: string): Promise<Member> {
  await lockedOrganization(tx, orgId);
  return member(tx, orgId, personId);
}

/** Newest first, those who left among them. */
export async function listMembers(
  db: Queryable,
  orgId: string,
  status: MemberStatus | undefined,
  after: string | null,
  pageSize: number,
): Promise<Member[]> {
  const { rows } = await db.query<MemberRow>(
    `${MEMBERS}
      where m.org_id = $1
        and ($2::text is null or m.status = $2)
        and ($3::uuid is null or (m.created_at, m.person_id) <
             (select a.created_at, a.person_id from memberships a where a.org_id = $1 and a.person_id = $3))
      order by m.created_at desc, m.person_id desc
      limit $4`,
    [orgId, status ?? null, after, pageSize],
  );
  return rows.map(readMember);
}

function readMember(row: MemberRow): Member {
  return { ...row, caps: readCaps(row.caps) };
}

async function requireOwner(tx: PoolClient, orgId: string): Promise<void> {
  const { rowCount } = await tx.query(
    `select from memberships where org_id = $1 and role = 'owner' and status = 'active' limit 1`,
    [orgId],
  );
  if (rowCount !== 0) return;
  throw new TollgateError('conflict', {
    message: `Organization ${orgId} would be without an active owner. Its first member is one, and its last one stays until another member is.`,
    param: 'role',
  });
}

function knownMember(personId: string, status: MemberStatus): TollgateError {
  const instead = status === 'removed' ? 'invite him' : 'change the membership';
  return new TollgateError('conflict', {
    message: `Person ${personId} is known to this organization already, and ${status}: ${instead} instead.`,
    param: 'personId',
  });
}

function unknown(orgId: string, personId: string): never {
  throw new TollgateError('not_found', {
    message: `Person ${personId} is no member of organization ${orgId}.`,
    param: 'personId',
  });
}
