// The address of a route, with the ids of things that are there.
import type { World } from './one-of-everything.ts';

export function pathIn(world: World, path: string): string {
  const ids: Record<string, string> = {
    organizations: world.orgId,
    projects: world.projectId,
    'api-keys': world.apiKeyId,
    persons: world.personId,
    channels: world.channelId,
    'key-rotations': world.keyRotationId,
    models: 'acme%2Fmodel-1',
    payments: world.paymentId,
    invoices: world.invoiceId,
    subscriptions: world.subscriptionId,
    'billing-incidents': world.incidentId,
    'plan-changes': world.planChangeId,
    'bank-transfers': world.bankTransferId,
    proposals: world.proposalId,
    applications: world.applicationId,
    inbox: world.proposalId,
    requests: '0193f000-0000-7000-8000-000000000001',
  };
  const [, noun = ''] = /\/v1\/([\w-]+)\//.exec(path) ?? [];
  return path
    .replace('/invitations/{id}', `/invitations/${world.invitationId}`)
    .replace('/invitations/{token}', `/invitations/${world.invitationToken}`)
    .replace('{id}', ids[noun] ?? world.personId)
    .replace('{plan}', 'team')
    .replace('{kind}', 'proposal')
    .replace('{domain}', 'acme.example')
    .replace('{orgId}', world.orgId)
    .replace('{personId}', world.personId)
    .replace('{applicationId}', world.applicationId)
    .replace('{version}', '2')
    .replace('{slotId}', world.channelKeyId)
    .replace('{keyId}', world.channelKeyId);
}
