// Somebody is asked into an organization, and not any more; somebody else comes in, and leaves.
import { invite } from '../../../services/people/invitations.ts';
import { inTransaction } from '../../../services/platform/postgres.ts';
import type { ManagementApp } from './management-app.ts';
import { signedInAs } from './signed-in-as.ts';
import type { TakeStep } from './take-step.ts';

export async function oneInvitation(app: ManagementApp, step: TakeStep, orgId: string) {
  const wanted = { email: 'asked@example.com', role: 'viewer' };
  const sent = await step('post', '/organizations/{orgId}/invitations', { orgId }, wanted);
  await step('post', '/organizations/{orgId}/invitations/{id}/withdraw', { orgId, id: sent.string('id') }, {});
  const { email, cookie } = await signedInAs(app, {});
  const { id: invitationId } = await inTransaction(app.worker, (tx) =>
    invite(tx, orgId, { email, role: 'viewer', invitedBy: null }),
  );
  const invitationToken = app.invitationLinks.urlOf(invitationId).split('/').at(-1) ?? '';
  await step('post', '/invitations/{token}/accept', { token: invitationToken }, {}, { cookie, origin: app.url });
  await step('post', '/me/memberships/{orgId}/leave', { orgId }, {}, { cookie, origin: app.url });
  return { invitationId, invitationToken };
}
