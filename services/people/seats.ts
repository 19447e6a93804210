// How many members of an organization may be active. With fewer seats than members the newest wait, owners last; they lose nothing but
// the use of their keys, and have it back in the same order when there are seats again.
import type { PoolClient } from 'pg';
import { TollgateError } from '../../domain/errors.ts';
import { lockedOrganization, organization } from '../organizations/organizations.ts';
import type { Queryable } from '../platform/postgres.ts';

/** Null: as many as it likes. */
async function seatsOf(tx: Queryable, orgId: string): Promise<number | null> {
  return (await organization(tx, orgId)).seats;
}

/** Under the organization's lock. @throws TollgateError seats_used_up */
export async function requireFreeSeat(tx: PoolClient, orgId: string): Promise<void> {
  const seats = await seatsOf(tx, orgId);
  const { rows } = await tx.query<{ used: number }>(
    `select count(*)::int as used from memberships where org_id = $1 and status = 'active'`,
    [orgId],
  );
  const { used = 0 } = rows[0] ?? {};
  if (seats === null || used < seats) return;
  throw new TollgateError('seats_used_up', {
    message: `Organization ${orgId} has ${seats} ${seats === 1 ? 'seat' : 'seats'}, and ${used} active. Suspend or remove a member, or take a plan with more seats.`,
    param: 'personId',
  });
}

/** Owners first, then who was there first. */
const PLACE = `row_number() over (order by (role = 'owner') desc, created_at, person_id)`;

/** When there are fewer seats than before. Answers whom it suspended. */
export async function suspendAboveSeats(tx: PoolClient, orgId: string): Promise<string[]> {
  await lockedOrganization(tx, orgId);
  const { rows } = await tx.query<{ personId: string }>(
    `update memberships m set status = 'suspended', awaits_seat = true, version = version + 1
       from (select person_id, ${PLACE} as place from memberships where org_id = $1 and status = 'active') seated
      where m.org_id = $1 and m.person_id = seated.person_id and seated.place > $2
      returning m.person_id as "personId"`,
    [orgId, await seatsOf(tx, orgId)],
  );
  return rows.map(({ personId }) => personId);
}

/** When there are more seats than before, or fewer who have one. Whom a person suspended stays suspended. Answers who is active again. */
export async function restoreWithinSeats(tx: PoolClient, orgId: string): Promise<string[]> {
  await lockedOrganization(tx, orgId);
  const { rows } = await tx.query<{ personId: string }>(
    `update memberships m set status = 'active', awaits_seat = false, version = version + 1
       from (select person_id, ${PLACE} as place from memberships where org_id = $1 and awaits_seat) waiting
      where m.org_id = $1 and m.person_id = waiting.person_id
        and ($2::int is null or waiting.place <= $2 - (select count(*) from memberships where org_id = $1 and status = 'active'))
      returning m.person_id as "personId"`,
    [orgId, await seatsOf(tx, orgId)],
  );
  return rows.map(({ personId }) => personId);
}
