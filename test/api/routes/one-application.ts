// Calls every route of applications that changes something once. Nobody decides about what he has applied for, so another applies for what is
// decided on here.
import { randomUUID } from 'node:crypto';
import { lockedApplication } from '../../../services/onboarding/application-rows.ts';
import { startApplication, submitApplication } from '../../../services/onboarding/applications.ts';
import { inTransaction } from '../../../services/platform/postgres.ts';
import { FORM } from '../../services/onboarding/desk.ts';
import type { ManagementApp } from './management-app.ts';
import type { TakeStep } from './take-step.ts';
import { welcomeLink } from './welcome-link.ts';

/** Of one that waits for nobody any more. */
export async function oneApplication(
  app: ManagementApp,
  step: TakeStep,
  { orgId, personId }: { readonly orgId: string; readonly personId: string },
): Promise<string> {
  await app.db.query('update persons set email_verified_at = billing_now() where id = $1', [personId]);
  const path = '/organizations/{orgId}/applications';
  const begun = await step('post', path, { orgId }, { form: { company: 'Acme' } });
  const ids = { orgId, applicationId: begun.string('id') };
  await step('patch', `${path}/{applicationId}`, ids, { form: FORM }, { 'if-match': '*' });
  await step('post', `${path}/{applicationId}/submit`, ids, {});
  await step('post', `${path}/{applicationId}/messages`, ids, { body: 'canary of an applicant' });
  await step('post', `${path}/{applicationId}/withdraw`, ids, { reason: 'another day' });

  const author = { actor: 'applicant', requestId: randomUUID() };
  const id = await inTransaction(app.worker, async (tx) => {
    const { application } = await startApplication(tx, orgId, FORM, author);
    await submitApplication(tx, await lockedApplication(tx, application.id), author);
    return application.id;
  });
  await step('post', '/applications/{id}/messages', { id }, { body: 'canary of a reviewer' });
  await step('post', '/applications/{id}/decisions', { id }, { revision: 1, level: 1, kind: 'reject', reason: 'no' });
  await welcomeLink(app, orgId);
  const { rows } = await app.db.query<{ id: string }>(
    `select id from applications where org_id = $1 and stage = 'active'`,
    [orgId],
  );
  await step('post', '/applications/{id}/welcomes', { id: rows[0]?.id ?? '' }, {});
  return ids.applicationId;
}
