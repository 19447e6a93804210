// What comes of somebody who is back from his provider: a session, or the question for his second factor, which no provider's word takes the place of; a
// provider that knows him from now on; or the proof that it is still he (D81).
import type { PoolClient } from 'pg';
import { TollgateError } from '../../domain/errors.ts';
import type { Accounts } from '../accounts/accounts.ts';
import type { Visit } from '../accounts/auth.ts';
import { CHALLENGE_VALID_S, openChallenge } from '../accounts/challenges.ts';
import { requireOpenAccount } from '../accounts/closings.ts';
import { isEnrolled } from '../accounts/second-factors.ts';
import { bindSession, noteFreshSignOn, type SignedIn } from '../accounts/sessions.ts';
import { openSession } from '../accounts/sign-ins.ts';
import type { Author } from '../audit/audit.ts';
import { lockedOrganization } from '../organizations/organizations.ts';
import { activeRole } from '../people/memberships.ts';
import { changePerson, lockedPerson } from '../people/persons.ts';
import type { Queryable } from '../platform/postgres.ts';
import type { SignedIds } from '../platform/signed-ids.ts';
import {
  type Arrival,
  admit,
  joinOrganization,
  type Newcomer,
  provenAddress,
  refuseStaff,
  requireStill,
  subjectOf,
} from './admission.ts';
import { requireNothingElsewhere } from './enforcement.ts';
import { addIdentity, knownIdentity, noteUsed } from './identities.ts';
import { type FollowedLink, takeIdentityLink } from './identity-links.ts';
import { type IdentityProvider, noteTried } from './identity-providers.ts';
import { failed } from './openid.ts';

export type SignedOn =
  | { readonly state: 'signed_in'; readonly sessionId: string; readonly identityId: string }
  | { readonly state: 'second_factor'; readonly identityId: string }
  | { readonly state: 'link_sent' };

/** @throws TollgateError single_sign_on_refused, single_sign_on_unproved, account_closed */
export async function signOn(
  tx: PoolClient,
  accounts: Accounts,
  arrival: Arrival,
  newcomer: Newcomer,
  { visit, author }: { readonly visit: Visit; readonly author: Author },
): Promise<{ readonly signedOn: SignedOn; readonly personId: string; readonly cookies: readonly string[] }> {
  const admitted = await admit(tx, arrival, newcomer, author);
  const { personId } = admitted;
  await requireOpenAccount(tx, personId);
  if (admitted.kind === 'link_sent') return { signedOn: { state: 'link_sent' }, personId, cookies: [] };
  const { identityId } = admitted;
  await noteTried(tx, arrival.provider, personId);
  if (await isEnrolled(tx, personId)) {
    const challenge = await openChallenge(tx, personId, identityId);
    const { cookies } = accounts;
    const asked = cookies.set(cookies.challenge, challenge, CHALLENGE_VALID_S);
    return { signedOn: { state: 'second_factor', identityId }, personId, cookies: [asked] };
  }
  const { sessionId, cookie } = await openSession(tx, accounts, personId, visit);
  await bindSession(tx, sessionId, identityId);
  return { signedOn: { state: 'signed_in', sessionId, identityId }, personId, cookies: [cookie] };
}

/** Of a member, in a live session of his, who has proved that it is he. @throws TollgateError single_sign_on_unproved, single_sign_on_refused, conflict */
export async function connect(tx: PoolClient, arrival: Arrival, { personId }: SignedIn): Promise<string> {
  const { orgId } = arrival.provider;
  await refuseStaff(tx, personId);
  await lockedOrganization(tx, orgId);
  await requireStill(tx, arrival.provider);
  if ((await activeRole(tx, orgId, personId)) === null) throw failed('no member any more');
  await provenAddress(tx, arrival);
  const identityId = await addIdentity(tx, personId, subjectOf(arrival));
  await noteTried(tx, arrival.provider, personId);
  return identityId;
}

/**
 * For what is done to the account as a whole, so not where that opens other organizations, too.
 * @throws TollgateError single_sign_on_failed for somebody else, single_sign_on_confined for who belongs elsewhere
 */
export async function proveBySignOn(
  tx: PoolClient,
  arrival: Arrival,
  { personId, sessionId }: Pick<SignedIn, 'personId' | 'sessionId'>,
): Promise<string> {
  const known = await knownIdentity(tx, subjectOf(arrival));
  if (known?.personId !== personId) throw failed('somebody else');
  await refuseStaff(tx, personId);
  await requireNothingElsewhere(tx, personId, { confinedTo: arrival.provider.orgId });
  await noteUsed(tx, known.id);
  await noteFreshSignOn(tx, sessionId);
  return known.id;
}

/** By the link that was mailed, whoever is signed in or nobody. @throws TollgateError link_unknown, link_used, link_expired, single_sign_on_refused, account_closed, conflict */
export async function connectByLink(
  tx: PoolClient,
  links: SignedIds,
  linkToken: string,
  author: Author,
): Promise<FollowedLink & { readonly identityId: string }> {
  const followed = await takeIdentityLink(tx, links, linkToken);
  const { personId, orgId, issuer } = followed;
  const person = await lockedPerson(tx, personId);
  await requireOpenAccount(tx, personId);
  await refuseStaff(tx, personId);
  const { name: orgName } = await lockedOrganization(tx, orgId);
  const provider = await providerNow(tx, orgId, issuer);
  // Whoever follows it reads that address.
  const { email } = await changePerson(tx, person, { verified: true });
  await joinOrganization(tx, { orgId, orgName, jitRole: provider.jitRole }, { personId, email }, author);
  return { ...followed, identityId: await addIdentity(tx, personId, followed) };
}

/** The one that has said it, if it may still. @throws TollgateError link_expired */
async function providerNow(db: Queryable, orgId: string, issuer: string): Promise<Pick<IdentityProvider, 'jitRole'>> {
  const { rows } = await db.query<Pick<IdentityProvider, 'jitRole'>>(
    `select i.jit_role as "jitRole" from identity_providers i
       join organizations o on o.id = i.org_id join plan_versions v on v.id = o.plan_version_id
      where i.org_id = $1 and i.issuer = $2 and v.plan = 'enterprise'`,
    [orgId, issuer],
  );
  if (rows[0] !== undefined) return rows[0];
  throw new TollgateError('link_expired', { message: 'The organization has another provider by now.', param: 'token' });
}
