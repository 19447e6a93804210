// An enterprise whose people come in by a provider, and an owner of it who has a password and an app.
import { randomUUID } from 'node:crypto';
import { hashOf } from '../../../services/accounts/passwords.ts';
import { openSession } from '../../../services/accounts/sign-ins.ts';
import { createAccount } from '../../../services/accounts/sign-ups.ts';
import { addMember } from '../../../services/people/memberships.ts';
import { createVerifiedPerson } from '../../../services/people/persons.ts';
import { inTransaction } from '../../../services/platform/postgres.ts';
import type { IdentityProviderServer } from '../../support/identity-provider.ts';
import { Authenticator, forgetSteps } from './authenticator.ts';
import { Browser, PASSWORD } from './browser.ts';
import { type Answered, done, type ManagementApp } from './management-app.ts';

export interface Owner {
  readonly personId: string;
  readonly email: string;
  readonly cookie: string;
  readonly authenticator: Authenticator;
}

/** With its first owner. */
export async function foundEnterprise(app: ManagementApp): Promise<{ readonly orgId: string; readonly owner: Owner }> {
  const orgId = randomUUID();
  await app.db.query(
    `insert into plan_versions values ('enterprise-of-the-test', 'enterprise', '-infinity', 0, 0, null, 'all', 1000000, 'standard')
     on conflict do nothing`,
  );
  await app.db.query(
    `insert into organizations (id, name, plan_version_id, seats) values ($1, 'Analytical Engines', 'enterprise-of-the-test', null)`,
    [orgId],
  );
  return { orgId, owner: await ownerOf(app, orgId) };
}

export async function ownerOf(app: ManagementApp, orgId: string): Promise<Owner> {
  const { accounts } = app;
  const email = `owner-${randomUUID()}@example.com`;
  const passwordHash = await hashOf(PASSWORD);
  const visit = { clientAddress: '198.51.100.1', userAgent: 'test', cookie: '' };
  return inTransaction(app.worker, async (tx) => {
    const { id } = await createVerifiedPerson(tx, { email, name: 'Olivia', locale: 'en', timeZone: 'UTC' });
    await createAccount(tx, accounts.auth, id, passwordHash);
    const { totpUri } = await accounts.secondFactors.begin(tx, id, email);
    const authenticator = new Authenticator(totpUri);
    await accounts.secondFactors.confirm(tx, id, authenticator.code());
    await addMember(tx, orgId, id, 'owner');
    const { cookie } = await openSession(tx, accounts, id, visit);
    return { personId: id, email, cookie: cookie.split(';')[0] ?? '', authenticator };
  });
}

export interface Enterprise {
  readonly orgId: string;
  readonly owner: Owner;
  /** Of its mail. */
  readonly domain: string;
}

/** Its provider is named, and may speak for its domain. */
export async function enterpriseWith(
  app: ManagementApp,
  provider: IdentityProviderServer,
  jitRole: 'developer' | 'viewer' | null = null,
): Promise<Enterprise> {
  const { orgId, owner } = await foundEnterprise(app);
  const domain = `${randomUUID()}.example`;
  const reason = 'made sure';
  done(await app.call('post', `/api/v1/organizations/${orgId}/mail-domains`, { body: { domain, reason } }));
  done(await changeAsOperator(app, orgId, { allowLocal: true }));
  const { issuer, clientId, clientSecret } = provider;
  done(await changeAsOwner(app, orgId, owner, { issuer, clientId, clientSecret, jitRole }));
  return { orgId, owner, domain };
}

export function changeAsOperator(app: ManagementApp, orgId: string, body: object): Promise<Answered> {
  const headers = { 'if-match': '*' };
  return app.call('patch', `/api/v1/organizations/${orgId}/single-sign-on`, { headers, body });
}

/** Who proves that it is he. */
export async function changeAsOwner(
  app: ManagementApp,
  orgId: string,
  { cookie, authenticator }: Owner,
  body: object,
): Promise<Answered> {
  await forgetSteps(app);
  const proof = { password: PASSWORD, code: authenticator.code() };
  return app.call('patch', `/api/v1/organizations/${orgId}/single-sign-on`, {
    credential: null,
    headers: { cookie, origin: app.url, 'if-match': '*' },
    body: { ...proof, ...body },
  });
}

/** A browser in which the owner is signed in. */
export function browserOf(app: ManagementApp, { cookie }: Owner): Browser {
  const browser = new Browser(app);
  browser.cookies = cookie;
  return browser;
}
