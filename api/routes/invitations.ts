// Asking people into an organization, and coming in by the link of the mail.
import { z } from 'zod';
import { MEMBER_ROLES } from '../../domain/authorization.ts';
import { TollgateError } from '../../domain/errors.ts';
import type { SignedIn } from '../../services/accounts/sessions.ts';
import { organization } from '../../services/organizations/organizations.ts';
import {
  acceptInvitation,
  type Invitation as InvitationRow,
  invitation,
  invite,
  listInvitations,
  withdrawInvitation,
} from '../../services/people/invitations.ts';
import { activeRole } from '../../services/people/memberships.ts';
import type { Queryable } from '../../services/platform/postgres.ts';
import type { AppDependencies } from './app-dependencies.ts';
import { instant, mailAddress, uuid } from './field-schemas.ts';
import { Member } from './members.ts';
import { onePage, pageOf, pageQuery } from './pagination.ts';
import { personChange, personRead } from './person-route.ts';
import { adminChange, adminRead, none, type Route } from './route.ts';

const role = z.enum(MEMBER_ROLES);

const Invitation = z
  .object({
    id: uuid,
    orgId: uuid,
    email: z.string(),
    role,
    invitedBy: uuid.nullable().meta({ description: 'null: the operator' }),
    createdAt: instant,
    validUntil: instant,
    state: z.enum(['open', 'accepted', 'ended', 'expired']),
  })
  .meta({ id: 'Invitation' });

const ofOrganization = z.object({ orgId: uuid });
const byToken = z.object({ token: z.string() });
const invitations = { name: 'invitations', position: uuid, positionOf: ({ id }: { id: string }) => id };

export const invitationRoutes: readonly Route[] = [
  adminChange({
    method: 'post',
    path: '/api/v1/organizations/{orgId}/invitations',
    permission: 'member.invite',
    of: ({ params }) => params,
    summary: 'Ask somebody into an organization by mail; only an owner asks another owner',
    params: ofOrganization,
    status: 201,
    body: z.strictObject({ email: mailAddress, role }),
    response: Invitation,
    handler: ({ params, body, person }, _app, change) =>
      change(async (tx) => {
        if (body.role === 'owner') await requireOwnRank(tx, params.orgId, person);
        const answer = await invite(tx, params.orgId, { ...body, invitedBy: person?.personId ?? null });
        return { answer, audit: { action: 'invitation.sent', ...targetOf(answer), after: impersonal(answer) } };
      }),
  }),
  adminRead({
    path: '/api/v1/organizations/{orgId}/invitations',
    permission: 'member.read',
    of: ({ params }) => params,
    summary: 'Who was asked into an organization, newest first',
    params: ofOrganization,
    query: z.strictObject(pageQuery),
    response: pageOf(Invitation),
    handler: async ({ params, query }, { db }) => {
      const { id } = await organization(db, params.orgId);
      return onePage(invitations, query, (after, pageSize) => listInvitations(db, id, after, pageSize));
    },
  }),
  adminChange({
    method: 'post',
    path: '/api/v1/organizations/{orgId}/invitations/{id}/withdraw',
    permission: 'member.invite',
    of: ({ params }) => params,
    summary: 'Nobody comes in by this invitation any more',
    params: ofOrganization.extend({ id: uuid }),
    body: z.strictObject({}),
    response: Invitation,
    handler: ({ params }, _app, change) =>
      change(async (tx) => {
        const answer = await withdrawInvitation(tx, params.orgId, params.id);
        return { answer, audit: { action: 'invitation.withdrawn', ...targetOf(answer), after: impersonal(answer) } };
      }),
  }),
  personRead({
    path: '/api/v1/invitations/{token}',
    summary: 'For whoever was sent its link: into which organization, and as what',
    params: byToken,
    query: none,
    response: z
      .object({ orgName: z.string(), role, state: Invitation.shape.state, validUntil: instant })
      .meta({ id: 'InvitationSeen' }),
    handler: ({ params }, app) => invitation(app.db, idOf(params.token, app)),
  }),
  personChange({
    method: 'post',
    path: '/api/v1/invitations/{token}/accept',
    summary: 'Become a member, as the one who reads the address that it was sent to',
    params: byToken,
    body: z.strictObject({}),
    response: Member,
    handler: ({ params, person }, app, change) =>
      change(async (tx) => {
        const answer = await acceptInvitation(tx, idOf(params.token, app), person.personId);
        const { orgId, personId, role: as, status } = answer;
        const target = { targetKind: 'membership', targetId: `${orgId}:${personId}` } as const;
        return {
          answer,
          audit: { action: 'invitation.accepted', ...target, after: { orgId, personId, role: as, status } },
        };
      }),
  }),
];

/** @throws TollgateError forbidden unless he is an owner himself, or the operator */
async function requireOwnRank(tx: Queryable, orgId: string, person: SignedIn | null): Promise<void> {
  if (person === null || (await activeRole(tx, orgId, person.personId)) === 'owner') return;
  throw new TollgateError('forbidden', { message: 'Only an owner asks another owner in.', param: 'role' });
}

/** @throws TollgateError not_found */
function idOf(linkToken: string, { invitationLinks }: AppDependencies): string {
  const id = invitationLinks.invitationOf(linkToken);
  if (id !== null) return id;
  throw new TollgateError('not_found', { message: 'There is no such invitation.' });
}

function targetOf({ id }: InvitationRow) {
  return { targetKind: 'invitation', targetId: id } as const;
}

/** Whom it was sent to stands in its row alone (D52). */
function impersonal({ id, orgId, role: as, invitedBy, validUntil, state }: InvitationRow) {
  return { id, orgId, role: as, invitedBy, validUntil, state };
}
