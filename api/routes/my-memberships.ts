// Somebody leaves an organization by himself.
import { z } from 'zod';
import { TollgateError } from '../../domain/errors.ts';
import { leaveKeys } from '../../services/api-keys/keys-of-leavers.ts';
import { pseudonymous } from '../../services/audit/audit.ts';
import { lockedOrganization } from '../../services/organizations/organizations.ts';
import { changeMember, type Member as MemberRow, memberIfAny } from '../../services/people/memberships.ts';
import { requireNotElsewhere } from '../../services/single-sign-on/enforcement.ts';
import { uuid } from './field-schemas.ts';
import { IMPERSONAL_MEMBER, keysOfLeaver, Member, targetOf } from './members.ts';
import { personChange } from './person-route.ts';
import type { Route } from './route.ts';

export const myMembershipRoutes: readonly Route[] = [
  personChange({
    method: 'post',
    path: '/api/v1/me/memberships/{orgId}/leave',
    summary: 'Leave an organization, and say what becomes of one’s API keys there; its last owner stays',
    params: z.object({ orgId: uuid }),
    body: z.strictObject({ keys: keysOfLeaver.optional() }),
    response: Member,
    handler: ({ params: { orgId }, body, person }, _app, change) =>
      change(async (tx) => {
        const { personId } = person;
        requireMember(await memberIfAny(tx, orgId, personId));
        requireNotElsewhere(person, orgId);
        await lockedOrganization(tx, orgId);
        const before = requireMember(await memberIfAny(tx, orgId, personId));
        const left = await leaveKeys(tx, before, body.keys);
        const answer = await changeMember(tx, before, { status: 'removed' });
        const told = pseudonymous(IMPERSONAL_MEMBER, before, answer);
        const what = { action: 'member.left', ...targetOf(answer) };
        return { answer, audit: { ...what, ...told, after: { ...told.after, keys: left } } };
      }),
  }),
];

/** @throws TollgateError not_found for where he does not belong, as for what is not there */
function requireMember(found: MemberRow | null): MemberRow {
  if (found !== null && found.status !== 'removed') return found;
  throw new TollgateError('not_found', { message: 'You belong to no such organization.', param: 'orgId' });
}
