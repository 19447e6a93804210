// Who belongs to an organization, and in which role. An active member takes one of the organization's seats.
import { z } from 'zod';
import { MEMBER_ROLES } from '../../domain/authorization.ts';
import { TollgateError } from '../../domain/errors.ts';
import { leaveKeys } from '../../services/api-keys/keys-of-leavers.ts';
import { pseudonymous } from '../../services/audit/audit.ts';
import { memberCaps } from '../../services/organizations/caps.ts';
import { organization } from '../../services/organizations/organizations.ts';
import {
  addMember,
  changeMember,
  listMembers,
  lockedMember,
  type Member as MemberRow,
  member,
} from '../../services/people/memberships.ts';
import { caps, instant, money, reason, shownCaps, uuid, version } from './field-schemas.ts';
import { onePage, pageOf, pageQuery } from './pagination.ts';
import { requireSeen } from './reply.ts';
import { adminChange, adminRead, none, type Route } from './route.ts';

const role = z.enum(MEMBER_ROLES);
const status = z.enum(['active', 'suspended', 'removed']);

export const Member = z
  .object({
    orgId: uuid,
    personId: uuid,
    email: z.string().nullable().meta({ description: 'Null of whoever left' }),
    name: z.string(),
    role,
    status: status.meta({ description: 'API keys of a member work while he is active' }),
    caps: shownCaps.meta({ description: 'Of what his API keys spend here' }),
    awaitsSeat: z.boolean().meta({ description: 'Suspended for want of a seat, until there is one' }),
    version,
    createdAt: instant,
  })
  .meta({ id: 'Member' });

const MemberCap = z
  .object({
    personId: uuid,
    period: z.enum(['total', 'day', 'week', 'month']),
    amountNano: money,
    usedNano: money.meta({ description: 'Spent in the period, and set aside for requests in flight' }),
  })
  .meta({ id: 'MemberCap' });

/** Of a member who leaves. */
export const keysOfLeaver = z
  .union([z.literal('revoke'), z.strictObject({ handOver: uuid })])
  .meta({ description: 'What becomes of the API keys of a member who leaves; needed where he has some in use' });

export const IMPERSONAL_MEMBER = ['orgId', 'personId', 'role', 'status', 'awaitsSeat', 'caps', 'version'] as const;
const ofOrganization = z.object({ orgId: uuid });
const ofMember = z.object({ orgId: uuid, personId: uuid });
const members = { name: 'members', position: uuid, positionOf: ({ personId }: { personId: string }) => personId };

export const memberRoutes: readonly Route[] = [
  adminChange({
    method: 'post',
    path: '/api/v1/organizations/{orgId}/members',
    permission: 'member.add',
    summary: 'Make a person a member; the first one is an owner',
    params: ofOrganization,
    status: 201,
    body: z.strictObject({ personId: uuid, role }),
    response: Member,
    handler: ({ params, body }, _app, change) =>
      change(async (tx) => {
        const answer = await addMember(tx, params.orgId, body.personId, body.role);
        return {
          answer,
          audit: { action: 'member.added', ...targetOf(answer), ...pseudonymous(IMPERSONAL_MEMBER, null, answer) },
        };
      }),
  }),
  adminRead({
    path: '/api/v1/organizations/{orgId}/members',
    permission: 'member.read',
    of: ({ params }) => params,
    summary: 'Members of an organization, newest first, and those who left',
    params: ofOrganization,
    query: z.strictObject({ ...pageQuery, status: status.optional() }),
    response: pageOf(Member),
    handler: async ({ params, query }, { db }) => {
      const { id } = await organization(db, params.orgId);
      return onePage(members, query, (after, pageSize) => listMembers(db, id, query.status, after, pageSize));
    },
  }),
  adminRead({
    path: '/api/v1/organizations/{orgId}/member-caps',
    permission: 'member.read',
    of: ({ params }) => params,
    summary: 'What members have used of their caps, each in its running period',
    params: ofOrganization,
    query: none,
    response: z.object({ data: z.array(MemberCap).readonly() }),
    handler: async ({ params }, { db }) => {
      const { id } = await organization(db, params.orgId);
      return { data: await memberCaps(db, id) };
    },
  }),
  adminRead({
    path: '/api/v1/organizations/{orgId}/members/{personId}',
    permission: 'member.read',
    of: ({ params }) => params,
    summary: 'One member of an organization',
    query: none,
    params: ofMember,
    response: Member,
    handler: ({ params }, { db }) => member(db, params.orgId, params.personId),
  }),
  adminChange({
    method: 'patch',
    path: '/api/v1/organizations/{orgId}/members/{personId}',
    permission: 'member.change',
    of: ({ params }) => params,
    summary:
      'Change the role or the caps of a member, suspend, remove or restore; an active owner stays, API keys are not left behind, who left is invited',
    ifMatch: 'required',
    params: ofMember,
    body: z.strictObject({
      role: role.optional(),
      status: status.optional(),
      caps: caps.optional(),
      keys: keysOfLeaver.optional(),
      reason: reason.optional(),
    }),
    response: Member,
    handler: ({ params, body, ifMatch }, _app, change) =>
      change(async (tx) => {
        const before = await lockedMember(tx, params.orgId, params.personId);
        requireSeen(ifMatch, before);
        const { reason: why, keys, ...wanted } = body;
        requireInvitation(before, wanted.status);
        const isLeaving = wanted.status === 'removed' && before.status !== 'removed';
        const left = isLeaving ? await leaveKeys(tx, before, keys) : null;
        const answer = await changeMember(tx, before, wanted);
        const what = { action: 'member.changed', ...targetOf(answer) };
        const told = pseudonymous(IMPERSONAL_MEMBER, before, answer);
        return { answer, audit: { ...what, ...told, after: { ...told.after, keys: left }, reason: why } };
      }),
  }),
];

/** Whoever left comes back by his own word. @throws TollgateError conflict */
function requireInvitation({ personId, status: was }: MemberRow, wanted: MemberRow['status'] | undefined): void {
  if (was !== 'removed' || wanted === undefined || wanted === 'removed') return;
  throw new TollgateError('conflict', {
    message: `Person ${personId} has left this organization: invite him, and he comes back when he accepts.`,
    param: 'status',
  });
}

export function targetOf({ orgId, personId }: MemberRow) {
  return { targetKind: 'membership', targetId: `${orgId}:${personId}` } as const;
}
