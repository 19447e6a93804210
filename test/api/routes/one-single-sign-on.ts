// Every route of single sign-on that changes something, called once: an enterprise names its provider, its owner comes in by it, proves by it that it is
// he, and lets it go.
import { inTransaction } from '../../../services/platform/postgres.ts';
import { mailIdentityLink } from '../../../services/single-sign-on/identity-links.ts';
import { signInThere, startIdentityProvider } from '../../support/identity-provider.ts';
import { forgetSteps } from './authenticator.ts';
import { cookiesAfter, PASSWORD } from './browser.ts';
import { foundEnterprise } from './enterprise.ts';
import type { ManagementApp } from './management-app.ts';
import type { TakeStep } from './take-step.ts';

const reason = 'he showed us';

export async function oneSingleSignOn(
  app: ManagementApp,
  step: TakeStep,
): Promise<{ readonly signOnSecrets: string[] }> {
  const provider = await startIdentityProvider(`${app.url}/console/signed-on`);
  provider.people.set('7', { email: 'olivia@engines.example', emailVerified: true });
  const { orgId, owner } = await foundEnterprise(app);
  const { personId, authenticator } = owner;
  const proof = { password: PASSWORD, code: authenticator.code() };
  let cookie = owner.cookie;
  const click = async (path: string, body: object, ids: Record<string, string> = {}) => {
    await forgetSteps(app);
    const answer = await step('post', path, ids, body, { cookie, origin: app.url });
    cookie = cookiesAfter(answer, cookie);
    return answer;
  };
  await app.db.query('insert into identity_providers (org_id, allow_local) values ($1, true)', [orgId]);
  await step('post', '/organizations/{orgId}/mail-domains', { orgId }, { domain: 'engines.example', reason });
  const { issuer, clientId, clientSecret } = provider;
  const named = { issuer, clientId, clientSecret, ...proof };
  const seen = { cookie, origin: app.url, 'if-match': '*' };
  await forgetSteps(app);
  await step('patch', '/organizations/{orgId}/single-sign-on', { orgId }, named, seen);
  const sent = await click('/me/identities', { orgId, ...proof });
  const signOnSecret = app.accounts.cookies.valueOf(app.accounts.cookies.signOn, cookie);
  await click('/sign-ins/single-sign-on/finish', { ...(await signInThere(sent.string('url'), '7')), locale: 'en' });
  await inTransaction(app.worker, (tx) => mailIdentityLink(tx, personId, 'Engines', { orgId, issuer, subject: '8' }));
  const { rows } = await app.db.query<{ id: string; linkId: string }>(
    `select i.id, l.id as "linkId" from identities i, auth.identity_links l where i.person_id = $1 and l.person_id = $1`,
    [personId],
  );
  const { id = '', linkId = '' } = rows[0] ?? {};
  const linkToken = app.singleSignOn.links.linkTokenOf(linkId);
  await click('/identity-links/confirm', { token: linkToken });
  await click('/sign-ins/single-sign-on', { email: 'somebody@engines.example' });
  await click('/me/identities/{id}/prove', {}, { id });
  await click('/me/identities/{id}/remove', proof, { id });
  const ids = { orgId, domain: 'engines.example' };
  await step('post', '/organizations/{orgId}/mail-domains/{domain}/take-back', ids, { reason });
  await provider.close();
  return { signOnSecrets: [clientSecret, signOnSecret, linkToken] };
}
