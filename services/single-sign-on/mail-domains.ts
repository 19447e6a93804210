// For which mail addresses an organization's provider may speak. One of our people has made sure that the domain is the organization's: whoever speaks
// for a domain says who reads its mail, so it is never taken from what a customer says of himself (D81).
import type { PoolClient } from 'pg';
import { TollgateError } from '../../domain/errors.ts';
import { isPublicMail } from '../../domain/risk-hints.ts';
import { lockedOrganization } from '../organizations/organizations.ts';
import type { Queryable } from '../platform/postgres.ts';
import { identityProvider, tellOwners } from './identity-providers.ts';

export interface MailDomain {
  readonly domain: string;
  readonly confirmedAt: Date;
}

/** In the order of the alphabet. */
export async function mailDomainsOf(db: Queryable, orgId: string): Promise<MailDomain[]> {
  const { rows } = await db.query<MailDomain>(
    'select domain, confirmed_at as "confirmedAt" from mail_domains where org_id = $1 order by domain',
    [orgId],
  );
  return rows;
}

/** What it called its domain when it became an enterprise, unless that is confirmed, or anybody's; null: nothing suggests itself. */
export async function suggestedDomain(db: Queryable, orgId: string): Promise<string | null> {
  const { rows } = await db.query<{ domain: string }>(
    `select a.form ->> 'domain' as domain from applications a
      where a.org_id = $1 and a.stage = 'active' and a.form ? 'domain'
        and not exists (select from mail_domains d where d.domain = lower(a.form ->> 'domain'))
      order by a.created_at desc, a.id desc limit 1`,
    [orgId],
  );
  const domain = rows[0]?.domain.toLowerCase() ?? null;
  return domain === null || isPublicMail(domain) ? null : domain;
}

/** @throws TollgateError conflict for who is no enterprise, and for a domain that somebody has; invalid_body for one where anybody has an address */
export async function confirmDomain(tx: PoolClient, orgId: string, domain: string, confirmedBy: string): Promise<void> {
  const { plan } = await lockedOrganization(tx, orgId);
  if (plan !== 'enterprise') throw refused('Single sign-on is for enterprises, and this organization is none.');
  if (isPublicMail(domain)) {
    const message = `Anybody may have an address of ${domain}: it is no organization’s.`;
    throw new TollgateError('invalid_body', { message, param: 'domain' });
  }
  const { rowCount } = await tx.query(
    'insert into mail_domains (domain, org_id, confirmed_by) values ($1, $2, $3) on conflict do nothing',
    [domain, orgId, confirmedBy],
  );
  if (rowCount === 0) throw refused(`${domain} is confirmed already, for this organization or another one.`);
}

/** Who is known already stays so; without any domain nobody is held to the provider. @throws TollgateError not_found */
export async function takeBackDomain(tx: PoolClient, orgId: string, domain: string): Promise<void> {
  await lockedOrganization(tx, orgId);
  const { rowCount } = await tx.query('delete from mail_domains where domain = $1 and org_id = $2', [domain, orgId]);
  if (rowCount === 0)
    throw new TollgateError('not_found', { message: `${domain} is not confirmed for this organization.` });
  const before = await identityProvider(tx, orgId);
  const { rowCount: freed } = await tx.query(
    `update identity_providers set enforced = false, version = version + 1
      where org_id = $1 and enforced and not exists (select from mail_domains where org_id = $1)`,
    [orgId],
  );
  if (freed === 1) await tellOwners(tx, before, await identityProvider(tx, orgId));
}

/** Whether its provider may speak for this address. */
export async function maySpeakFor(db: Queryable, orgId: string, email: string): Promise<boolean> {
  const { rowCount } = await db.query('select from mail_domains where org_id = $1 and domain = $2', [
    orgId,
    mailDomainOf(email),
  ]);
  return rowCount === 1;
}

export function mailDomainOf(email: string): string {
  return email.slice(email.lastIndexOf('@') + 1).toLowerCase();
}

function refused(message: string): TollgateError {
  return new TollgateError('conflict', { message, param: 'domain' });
}
