// Whom a provider's word lets in. Who is known comes in by his number there. Who comes for the first time needs a mail address that the provider has
// proved, of a domain that we have confirmed, and somebody who wants him here: an invitation, or the organization's word for all of its people. Nobody
// is taken for somebody who has an account already: that one says so himself, by a link (D81).
import type { PoolClient } from 'pg';
import type { MemberRole } from '../../domain/authorization.ts';
import { TollgateError } from '../../domain/errors.ts';
import { type Author, writeAudit } from '../audit/audit.ts';
import { lockedOrganization } from '../organizations/organizations.ts';
import { acceptInvitation, openInvitationTo } from '../people/invitations.ts';
import { addMember, memberIfAny } from '../people/memberships.ts';
import { createVerifiedPerson, type Locale, personWithAddress } from '../people/persons.ts';
import { staffRolesOf } from '../people/staff-roles.ts';
import { addIdentity, knownIdentity, noteUsed, type Subject } from './identities.ts';
import { mailIdentityLink } from './identity-links.ts';
import type { JitRole, KnownProvider } from './identity-providers.ts';
import { mailDomainOf, maySpeakFor } from './mail-domains.ts';
import { type Claims, failed } from './openid.ts';

export interface Arrival {
  readonly provider: Pick<KnownProvider, 'orgId' | 'orgName' | 'issuer' | 'clientId' | 'jitRole'>;
  readonly claims: Claims;
}

export interface Newcomer {
  readonly locale: Locale;
  readonly timeZone: string;
}

export type Admitted =
  | { readonly kind: 'known'; readonly personId: string; readonly identityId: string }
  /** He has an account here, and was mailed a link by which he says that it is his. */
  | { readonly kind: 'link_sent'; readonly personId: string };

/** @throws TollgateError single_sign_on_refused, single_sign_on_unproved */
export async function admit(tx: PoolClient, arrival: Arrival, newcomer: Newcomer, author: Author): Promise<Admitted> {
  const { provider, claims } = arrival;
  const of = subjectOf(arrival);
  const known = await admitKnown(tx, arrival);
  if (known !== null) return known;
  const email = await provenAddress(tx, arrival);
  await lockedOrganization(tx, provider.orgId);
  await requireStill(tx, provider);
  // He may have come in a moment ago by another tab.
  const knownByNow = await admitKnown(tx, arrival);
  if (knownByNow !== null) return knownByNow;
  const person = await personWithAddress(tx, email);
  if (person !== null) {
    await refuseStaff(tx, person.id);
    if ((await roleWaiting(tx, provider, person.id, email)) === null) throw refused(provider.orgName);
    await mailIdentityLink(tx, person.id, provider.orgName, of);
    return { kind: 'link_sent', personId: person.id };
  }
  if ((await roleWaiting(tx, provider, null, email)) === null) throw refused(provider.orgName);
  const name = claims.name ?? email.slice(0, email.lastIndexOf('@'));
  const { id: personId } = await createVerifiedPerson(tx, { email, name, ...newcomer });
  await joinOrganization(tx, provider, { personId, email }, author);
  const identityId = await addIdentity(tx, personId, of);
  await noteUsed(tx, identityId);
  return { kind: 'known', personId, identityId };
}

/** Null: he comes for the first time. @throws TollgateError single_sign_on_refused */
async function admitKnown(tx: PoolClient, arrival: Arrival): Promise<Admitted | null> {
  const known = await knownIdentity(tx, subjectOf(arrival));
  if (known === null) return null;
  if (known.status !== 'active') throw refused(arrival.provider.orgName);
  await refuseStaff(tx, known.personId);
  await noteUsed(tx, known.id);
  return { kind: 'known', personId: known.personId, identityId: known.id };
}

/** Under the organization's lock: whom another provider has sent, this one does not answer for. @throws TollgateError single_sign_on_failed */
export async function requireStill(
  tx: PoolClient,
  { orgId, issuer, clientId }: Pick<KnownProvider, 'orgId' | 'issuer' | 'clientId'>,
): Promise<void> {
  const { rowCount } = await tx.query(
    'select from identity_providers where org_id = $1 and issuer = $2 and client_id = $3',
    [orgId, issuer, clientId],
  );
  if (rowCount === 0) throw failed('another provider by now');
}

export function subjectOf({ provider: { orgId, issuer }, claims: { subject } }: Arrival): Subject {
  return { orgId, issuer, subject };
}

/** @throws TollgateError single_sign_on_unproved */
export async function provenAddress(tx: PoolClient, { provider, claims: { email } }: Arrival): Promise<string> {
  if (email !== null && (await maySpeakFor(tx, provider.orgId, email))) return email;
  throw new TollgateError('single_sign_on_unproved', {
    message:
      email === null
        ? 'Your provider does not say that it has verified your mail address (email_verified). Ask whoever runs it.'
        : `Your provider may not speak for addresses of ${mailDomainOf(email)} here. Ask an owner of ${provider.orgName}.`,
  });
}

/** Of whom it may be said. Null: nobody waits for him. */
async function roleWaiting(
  tx: PoolClient,
  { orgId, jitRole }: { readonly orgId: string; readonly jitRole: JitRole | null },
  personId: string | null,
  email: string,
): Promise<MemberRole | null> {
  const member = personId === null ? null : await memberIfAny(tx, orgId, personId);
  if (member?.status === 'active') return member.role;
  if (member?.status === 'suspended') return null;
  const invited = await openInvitationTo(tx, orgId, email);
  if (invited !== null) return invited.role;
  // Whoever has left comes back by an invitation alone.
  return member === null ? jitRole : null;
}

/** Whoever belongs to it already stays as he is. Under the organization's lock. @throws TollgateError single_sign_on_refused */
export async function joinOrganization(
  tx: PoolClient,
  provider: Pick<KnownProvider, 'orgId' | 'orgName' | 'jitRole'>,
  { personId, email }: { readonly personId: string; readonly email: string },
  author: Author,
): Promise<void> {
  const { orgId, orgName } = provider;
  const role = await roleWaiting(tx, provider, personId, email);
  if (role === null) throw refused(orgName);
  if ((await memberIfAny(tx, orgId, personId))?.status === 'active') return;
  const invited = await openInvitationTo(tx, orgId, email);
  if (invited === null) await addMember(tx, orgId, personId, role);
  else await acceptInvitation(tx, invited.id, personId);
  const what = { action: 'member.joined', targetKind: 'membership', targetId: `${orgId}:${personId}` } as const;
  const after = { role, by: 'single_sign_on', invitationId: invited?.id ?? null };
  await writeAudit(tx, { ...author, actor: `person:${personId}` }, { ...what, after });
}

/** Whoever works for us is nobody else's to vouch for. @throws TollgateError single_sign_on_refused */
export async function refuseStaff(tx: PoolClient, personId: string): Promise<void> {
  if ((await staffRolesOf(tx, personId)).length === 0) return;
  throw new TollgateError('single_sign_on_refused', {
    message: 'Whoever works for us signs in by his password and his second factor.',
  });
}

function refused(orgName: string): TollgateError {
  return new TollgateError('single_sign_on_refused', {
    message: `Your provider knows you, and ${orgName} expects you in no role here: ask an owner to invite you.`,
  });
}
