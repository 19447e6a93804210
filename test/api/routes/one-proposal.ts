// One of our staff has another role, and what he asked for another one takes in hand, gives back and refuses.
import { inTransaction } from '../../../services/platform/postgres.ts';
import { propose } from '../../../services/proposals/proposals.ts';
import type { ManagementApp } from './management-app.ts';
import { signedInAs } from './signed-in-as.ts';
import type { TakeStep } from './take-step.ts';

export async function oneProposal(app: ManagementApp, step: TakeStep) {
  const { personId: proposedBy } = await signedInAs(app, { staff: ['admin'] });
  await step(
    'post',
    '/persons/{id}/staff-roles',
    { id: proposedBy },
    { roles: ['business', 'admin'], reason: 'cover' },
  );
  const { cookie } = await signedInAs(app, { staff: ['admin'] });
  const asked = { route: 'post /api/v1/grants', path: '/api/v1/grants', body: '{}', ifMatch: null };
  const { id: proposalId } = await inTransaction(app.worker, (tx) =>
    propose(tx, { ...asked, why: 'credit above $50 in a day', proposedBy }),
  );
  const item = { kind: 'proposal', id: proposalId };
  for (const verb of ['claim', 'give-back']) {
    await step('post', `/inbox/{kind}/{id}/${verb}`, item, {}, { cookie, origin: app.url });
  }
  const decision = { decision: 'refused', reason: 'not agreed' };
  await step('post', '/proposals/{id}/decisions', { id: proposalId }, decision, { cookie, origin: app.url });
  return { proposalId };
}
