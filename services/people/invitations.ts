// Asking somebody into an organization: he is sent a link, and whoever follows it, is signed in and reads that address becomes a member. Seats are
// counted when he is asked and again when he comes, since others may have come before him.
import type { PoolClient } from 'pg';
import type { MemberRole } from '../../domain/authorization.ts';
import { TollgateError } from '../../domain/errors.ts';
import { queueMail } from '../notifications/outbox.ts';
import { lockedOrganization } from '../organizations/organizations.ts';
import { newId } from '../platform/ids.ts';
import type { Queryable } from '../platform/postgres.ts';
import { SignedIds } from '../platform/signed-ids.ts';
import { addMember, changeMember, type Member, member, memberIfAny } from './memberships.ts';
import { type Person, person } from './persons.ts';
import { requireFreeSeat } from './seats.ts';

const VALID_FOR = '7 days';
/** In a day: to one address, and from one organization. Whoever owns one could have us mail strangers what he is called. */
const MOST_TO_ONE = 5;
const MOST_MAILS = 100;

export class InvitationLinks {
  readonly #publicUrl: string;
  readonly #ids: SignedIds;

  constructor(publicUrl: string, secret: string) {
    this.#publicUrl = publicUrl;
    this.#ids = new SignedIds('invitation', secret);
  }

  /** Handed on by itself to whoever writes the mail. */
  readonly urlOf = (invitationId: string): string =>
    `${this.#publicUrl}/console/join/${this.#ids.linkTokenOf(invitationId)}`;

  /** Null: we have never made it. */
  invitationOf(linkToken: string): string | null {
    return this.#ids.idOf(linkToken);
  }
}

export interface Invitation {
  readonly id: string;
  readonly orgId: string;
  readonly orgName: string;
  readonly email: string;
  readonly role: MemberRole;
  readonly invitedBy: string | null;
  readonly createdAt: Date;
  readonly validUntil: Date;
  readonly state: 'open' | 'accepted' | 'ended' | 'expired';
}

const INVITATIONS = `
  select i.id, i.org_id as "orgId", o.name as "orgName", i.email, i.role, i.invited_by as "invitedBy", i.created_at as "createdAt",
         i.valid_until as "validUntil",
         case when i.accepted_by is not null then 'accepted' when i.ended_at is not null then 'ended'
              when i.valid_until <= clock_timestamp() then 'expired' else 'open' end as state
    from invitations i join organizations o on o.id = i.org_id`;

/**
 * Takes the place of an open one for the same address.
 * @throws TollgateError seats_used_up; known_member; too_many_attempts
 */
export async function invite(
  tx: PoolClient,
  orgId: string,
  { email, role, invitedBy }: { readonly email: string; readonly role: MemberRole; readonly invitedBy: string | null },
): Promise<Invitation> {
  await lockedOrganization(tx, orgId);
  const { rowCount } = await tx.query(
    `select from memberships m join persons p on p.id = m.person_id where m.org_id = $1 and p.email = $2 and m.status <> 'removed'`,
    [orgId, email],
  );
  if (rowCount !== 0) throw belongsAlready(email);
  await requireFreeSeat(tx, orgId);
  await requireFewMails(tx, orgId, email);
  await tx.query(
    'update invitations set ended_at = clock_timestamp() where org_id = $1 and email = $2 and ended_at is null',
    [orgId, email],
  );
  const id = newId();
  await tx.query(
    `insert into invitations (id, org_id, email, role, invited_by, valid_until) values ($1, $2, $3, $4, $5, clock_timestamp() + $6::interval)`,
    [id, orgId, email, role, invitedBy, VALID_FOR],
  );
  const made = await invitation(tx, id);
  await queueMail(tx, {
    orgId,
    kind: 'invitation',
    key: `invitation:${id}`,
    facts: {
      ...{ email, invitationId: id, orgName: made.orgName, role, validUntil: made.validUntil.toISOString() },
      ...(await writtenFor(tx, email, invitedBy)),
    },
  });
  return made;
}

/** Under the organization's lock. @throws TollgateError too_many_attempts */
async function requireFewMails(tx: PoolClient, orgId: string, email: string): Promise<void> {
  const { rows } = await tx.query<{ isFew: boolean }>(
    `select count(*) filter (where email = $2) < $3 and count(*) < $4 as "isFew"
       from invitations where org_id = $1 and created_at > clock_timestamp() - interval '1 day'`,
    [orgId, email, MOST_TO_ONE, MOST_MAILS],
  );
  if (rows[0]?.isFew === true) return;
  throw new TollgateError('too_many_attempts', {
    message: `In a day ${MOST_TO_ONE} invitations go to one address, and ${MOST_MAILS} to all. Go on tomorrow.`,
    retryAfterMs: 24 * 3_600_000,
  });
}

/** In his own language if we know him, else in that of whoever asked him. */
async function writtenFor(tx: PoolClient, email: string, invitedBy: string | null) {
  const { rows } = await tx.query<{ locale: Person['locale'] | null }>('select locale_of($1) as locale', [email]);
  const inviter = invitedBy === null ? null : await person(tx, invitedBy);
  return { locale: rows[0]?.locale ?? inviter?.locale ?? 'en', inviterName: inviter?.name ?? null };
}

export async function invitation(db: Queryable, id: string): Promise<Invitation> {
  const { rows } = await db.query<Invitation>(`${INVITATIONS} where i.id = $1`, [id]);
  return rows[0] ?? unknown();
}

/** Null: nobody of that address is asked in now. */
export async function openInvitationTo(db: Queryable, orgId: string, email: string): Promise<Invitation | null> {
  const { rows } = await db.query<Invitation>(
    `${INVITATIONS} where i.org_id = $1 and i.email = $2 and i.ended_at is null and i.valid_until > clock_timestamp()`,
    [orgId, email],
  );
  return rows[0] ?? null;
}

/** Newest first. */
export async function listInvitations(
  db: Queryable,
  orgId: string,
  after: string | null,
  pageSize: number,
): Promise<Invitation[]> {
  const { rows } = await db.query<Invitation>(
    `${INVITATIONS}
      where i.org_id = $1
        and ($2::uuid is null or (i.created_at, i.id) < (select a.created_at, a.id from invitations a where a.id = $2))
      order by i.created_at desc, i.id desc
      limit $3`,
    [orgId, after, pageSize],
  );
  return rows;
}

/** @throws TollgateError invitation_over unless it is open */
export async function withdrawInvitation(tx: PoolClient, orgId: string, id: string): Promise<Invitation> {
  const found = await lockedInvitation(tx, id);
  if (found.orgId !== orgId) throw unknown();
  requireOpen(found);
  await tx.query('update invitations set ended_at = clock_timestamp() where id = $1', [id]);
  return invitation(tx, id);
}

/**
 * Who was removed once comes back by it; who was suspended since does not.
 * @throws TollgateError invitation_over unless it is open, known_member, seats_used_up, forbidden for who reads another address than it was sent to
 */
export async function acceptInvitation(tx: PoolClient, id: string, personId: string): Promise<Member> {
  const { orgId } = await invitation(tx, id);
  await lockedOrganization(tx, orgId);
  const found = await lockedInvitation(tx, id);
  requireOpen(found);
  const guest = await person(tx, personId);
  if (guest.email !== found.email || guest.emailVerifiedAt === null) {
    throw new TollgateError('forbidden', {
      message: `This invitation was sent to another address than yours (${guest.email}): sign in with the one that got it, or ask for a new invitation.`,
    });
  }
  const before = await memberIfAny(tx, orgId, personId);
  if (before === null) await addMember(tx, orgId, personId, found.role);
  else if (before.status !== 'removed') throw belongsAlready(guest.email);
  else await changeMember(tx, before, { role: found.role, status: 'active' });
  await tx.query('update invitations set accepted_by = $2, ended_at = clock_timestamp() where id = $1', [id, personId]);
  return member(tx, orgId, personId);
}

/** Nobody comes in by any of them. Caller holds the organization. */
export async function endInvitationsOf(tx: PoolClient, orgId: string): Promise<void> {
  await tx.query('update invitations set ended_at = clock_timestamp() where org_id = $1 and ended_at is null', [orgId]);
}

async function lockedInvitation(tx: PoolClient, id: string): Promise<Invitation> {
  await tx.query('select from invitations where id = $1 for no key update', [id]);
  return invitation(tx, id);
}

const WHY_NOT: Readonly<Record<Exclude<Invitation['state'], 'open'>, string>> = {
  accepted: 'This invitation was accepted already; it works once.',
  ended: 'This invitation was withdrawn, or another one took its place.',
  expired: 'This invitation has expired. Ask for a new one.',
};

function requireOpen({ state }: Invitation): void {
  if (state !== 'open') throw new TollgateError('invitation_over', { message: WHY_NOT[state] });
}

function belongsAlready(email: string): TollgateError {
  return new TollgateError('known_member', {
    message: `${email} belongs to this organization already.`,
    param: 'email',
  });
}

function unknown(): never {
  throw new TollgateError('not_found', { message: 'There is no such invitation.' });
}

/** Of whoever has no name any more. What he accepted stays, and so does one to his address that is open: that may be another one's by then. */
export async function forgetInvitedAddress(tx: PoolClient, personId: string, email: string): Promise<void> {
  await tx.query(
    `update invitations set email = $1 || '@closed.invalid'
      where accepted_by = $1::uuid or (email = $2 and ended_at is not null)`,
    [personId, email],
  );
}
