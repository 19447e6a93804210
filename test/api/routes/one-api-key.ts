// Every route that changes an API key, called once: made, changed, switched off and on, rolled and taken back, found elsewhere, let go on. In the end it
// has the credential that it was made with.
import { forgetSteps } from './authenticator.ts';
import { PASSWORD } from './browser.ts';
import { ownerOf } from './enterprise.ts';
import type { ManagementApp } from './management-app.ts';
import type { TakeStep } from './take-step.ts';

const ifMatch = { 'if-match': '*' };

export async function oneApiKey(app: ManagementApp, step: TakeStep, orgId: string, projectId: string) {
  const made = await step('post', '/api-keys', {}, { orgId, projectId, name: 'ci' });
  const credential = made.string('credential');
  const id = made.string('id');
  await step('patch', '/api-keys/{id}', { id }, { name: 'ci 2' }, ifMatch);
  await step('post', '/api-keys/{id}/disable', { id }, { reason: 'lost' }, ifMatch);
  await step('post', '/api-keys/{id}/enable', { id }, { reason: 'found' }, ifMatch);
  const rolled = await step('post', '/api-keys/{id}/roll', { id }, { overlapHours: 24 }, ifMatch);
  await step('post', '/api-keys/{id}/rotation/extend', { id }, { overlapHours: 48 }, ifMatch);
  await step('post', '/api-keys/{id}/rotation/end', { id }, { keep: 'old' }, ifMatch);
  await step('post', '/leak-reports', {}, { credential, url: `https://paste.example/?q=${credential}` });
  const { cookie, authenticator } = await ownerOf(app, orgId);
  await forgetSteps(app);
  const proof = { password: PASSWORD, code: authenticator.code() };
  const unfrozen = { reason: 'it was ours alone', ...proof };
  await step('post', '/api-keys/{id}/unfreeze', { id }, unfrozen, { ...ifMatch, cookie, origin: app.url });
  return { apiKeyId: id, credential, rolledCredential: rolled.string('credential') };
}
