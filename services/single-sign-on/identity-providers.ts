// Whom an enterprise lets say who its people are: an OpenID provider that its owner names, whose secret is sealed by the vault and never told again. What
// has been tried holds for what was tried: with another issuer or client nobody is held to it any more (D81). Changed under the organization's lock.
import type { PoolClient } from 'pg';
import { TollgateError } from '../../domain/errors.ts';
import { queueMail } from '../notifications/outbox.ts';
import { organization } from '../organizations/organizations.ts';
import { newId } from '../platform/ids.ts';
import type { Queryable } from '../platform/postgres.ts';
import { seal } from '../vault/sealing.ts';
import type { SealContext, Sealed, Vault } from '../vault/vault.ts';

export const JIT_ROLES = ['developer', 'viewer'] as const;
export type JitRole = (typeof JIT_ROLES)[number];

export interface IdentityProvider {
  readonly orgId: string;
  /** Null: it has none. */
  readonly issuer: string | null;
  readonly clientId: string | null;
  /** As what somebody comes in whom nobody has invited; null: he does not. */
  readonly jitRole: JitRole | null;
  /** Members come in no other way. */
  readonly enforced: boolean;
  /** When an owner has come in through it. */
  readonly testedAt: Date | null;
  readonly allowLocal: boolean;
  /** 0: nobody has said anything of it yet. */
  readonly version: number;
}

export interface ProviderChange {
  /** Null: none any more. */
  readonly issuer?: string | null | undefined;
  readonly clientId?: string | undefined;
  readonly clientSecret?: string | undefined;
  readonly jitRole?: JitRole | null | undefined;
  readonly enforced?: boolean | undefined;
  readonly allowLocal?: boolean | undefined;
}

export async function identityProvider(db: Queryable, orgId: string): Promise<IdentityProvider> {
  const { rows } = await db.query<IdentityProvider>(
    `select org_id as "orgId", issuer, client_id as "clientId", jit_role as "jitRole", enforced, tested_at as "testedAt",
            allow_local as "allowLocal", version from identity_providers where org_id = $1`,
    [orgId],
  );
  const nothing = { issuer: null, clientId: null, jitRole: null, enforced: false, testedAt: null, allowLocal: false };
  return rows[0] ?? { orgId, ...nothing, version: 0 };
}

/** @throws TollgateError conflict for who is no enterprise, and for what cannot be enforced yet; invalid_body */
export async function changeProvider(
  tx: PoolClient,
  vault: Vault,
  before: IdentityProvider,
  change: ProviderChange,
): Promise<IdentityProvider> {
  const { orgId, issuer } = before;
  await requireEnterprise(tx, orgId);
  await tx.query('insert into identity_providers (org_id, allow_local) values ($1, false) on conflict do nothing', [
    orgId,
  ]);
  const isAnother = nameProvider(before, change);
  if (isAnother) await forgetTrust(tx, orgId, change.issuer);
  if (isAnother || change.clientSecret !== undefined) await putClient(tx, vault, before, change);
  const { jitRole = before.jitRole, allowLocal = before.allowLocal } = change;
  const enforced = change.enforced ?? (before.enforced && !isAnother);
  if (enforced && (isAnother || !before.enforced)) await requireTried(tx, orgId);
  await tx.query(
    `update identity_providers set jit_role = $2, allow_local = $3, enforced = $4, version = version + 1 where org_id = $1`,
    [orgId, jitRole, allowLocal, enforced],
  );
  if (enforced && !before.enforced) await tx.query('select end_sessions_beside_single_sign_on($1)', [orgId]);
  const after = await identityProvider(tx, orgId);
  if (issuer !== null || after.issuer !== null) await tellOwners(tx, before, after);
  return after;
}

async function requireEnterprise(tx: PoolClient, orgId: string): Promise<void> {
  if ((await organization(tx, orgId)).plan === 'enterprise') return;
  throw new TollgateError('conflict', { message: 'Single sign-on is for enterprises: apply to become one first.' });
}

/** Whether it is another one than before, or another client of it. @throws TollgateError invalid_body */
function nameProvider(
  before: IdentityProvider,
  { issuer = before.issuer, clientId, clientSecret }: ProviderChange,
): boolean {
  const known = clientId ?? before.clientId;
  const isAnother = issuer !== before.issuer || (issuer !== null && known !== before.clientId);
  if (issuer === null) {
    if (clientId === undefined && clientSecret === undefined) return isAnother;
    throw incomplete('issuer', 'Name the issuer whose client it is.');
  }
  if (known === null) throw incomplete('clientId', 'Name the client by which the issuer knows us.');
  // The secret before is bound to what it was given for, and opens for nothing else.
  if (isAnother && clientSecret === undefined) throw incomplete('clientSecret', 'Another client has another secret.');
  return isAnother;
}

async function putClient(
  tx: PoolClient,
  vault: Vault,
  before: IdentityProvider,
  change: ProviderChange,
): Promise<void> {
  const { issuer = before.issuer, clientId = before.clientId, clientSecret } = change;
  const sealed =
    issuer === null || clientSecret === undefined
      ? null
      : await seal(tx, vault, clientSecret, providerPlace(before.orgId, issuer));
  await tx.query(
    'update identity_providers set issuer = $2, client_id = $3, sealed = $4, master_key_version = $5 where org_id = $1',
    [
      before.orgId,
      issuer,
      issuer === null ? null : clientId,
      sealed === null ? null : JSON.stringify(sealed),
      sealed?.v ?? null,
    ],
  );
}

/** Whom another issuer knew, this one does not; that somebody could come in was tried with the one before. */
async function forgetTrust(tx: PoolClient, orgId: string, issuer: string | null | undefined): Promise<void> {
  await tx.query('update identity_providers set tested_at = null, enforced = false where org_id = $1', [orgId]);
  if (issuer === undefined) return;
  await tx.query('delete from identities where org_id = $1 and issuer is distinct from $2', [orgId, issuer]);
}

async function requireTried(tx: PoolClient, orgId: string): Promise<void> {
  const { rowCount } = await tx.query(
    `select from identity_providers i where i.org_id = $1 and i.tested_at is not null
        and exists (select from mail_domains d where d.org_id = i.org_id)`,
    [orgId],
  );
  if (rowCount === 1) return;
  throw new TollgateError('conflict', {
    message:
      'Come in through it yourself first, with an address of a domain that we have confirmed: nobody is held to what nobody has tried.',
    param: 'enforced',
  });
}

/** Whatever was said of it, they hear of it by mail. */
export async function tellOwners(
  tx: PoolClient,
  before: IdentityProvider,
  { orgId, issuer, enforced }: IdentityProvider,
): Promise<void> {
  const enforcement = enforced ? 'enforced' : 'freed';
  const change = issuer === null ? 'removed' : enforced === before.enforced ? 'changed' : enforcement;
  const { rows } = await tx.query<{ at: Date }>('select clock_timestamp() as at');
  const host = issuer === null ? null : new URL(issuer).host;
  const facts = { change, host, changedAt: (rows[0]?.at ?? new Date(0)).toISOString() } as const;
  await queueMail(tx, { orgId, kind: 'single_sign_on', key: `single_sign_on:${newId()}`, facts });
}

/** What is needed to ask it. */
export interface KnownProvider {
  readonly orgId: string;
  readonly orgName: string;
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly jitRole: JitRole | null;
  readonly allowLocal: boolean;
}

interface KnownRow extends Omit<KnownProvider, 'clientSecret'> {
  readonly sealed: Sealed;
}

const KNOWN = `
  select i.org_id as "orgId", o.name as "orgName", i.issuer, i.client_id as "clientId", i.sealed, i.jit_role as "jitRole", i.allow_local as "allowLocal"
    from identity_providers i join organizations o on o.id = i.org_id join plan_versions v on v.id = o.plan_version_id
   where i.issuer is not null and v.plan = 'enterprise' and exists (select from mail_domains d where d.org_id = i.org_id)`;

/** Null: no enterprise comes in by addresses of this domain. */
export async function providerForDomain(
  db: Queryable,
  vault: Vault,
  mailDomain: string,
): Promise<KnownProvider | null> {
  const { rows } = await db.query<KnownRow>(
    `${KNOWN} and i.org_id = (select org_id from mail_domains where domain = $1)`,
    [mailDomain],
  );
  return rows[0] === undefined ? null : opened(vault, rows[0]);
}

/** Null: it has none, or none that may speak for anybody. */
export async function providerOf(db: Queryable, vault: Vault, orgId: string): Promise<KnownProvider | null> {
  const { rows } = await db.query<KnownRow>(`${KNOWN} and i.org_id = $1`, [orgId]);
  return rows[0] === undefined ? null : opened(vault, rows[0]);
}

function opened(vault: Vault, { sealed, ...provider }: KnownRow): KnownProvider {
  return { ...provider, clientSecret: vault.open(sealed, providerPlace(provider.orgId, provider.issuer)) };
}

/** An owner has come in through it, so it may be enforced: if it is that one still. */
export async function noteTried(
  tx: PoolClient,
  { orgId, issuer, clientId }: Pick<KnownProvider, 'orgId' | 'issuer' | 'clientId'>,
  personId: string,
): Promise<void> {
  await tx.query(
    `update identity_providers i set tested_at = clock_timestamp()
      where i.org_id = $1 and i.issuer = $3 and i.client_id = $4 and i.tested_at is null
        and exists (select from memberships m where m.org_id = i.org_id and m.person_id = $2 and m.role = 'owner' and m.status = 'active')`,
    [orgId, personId, issuer, clientId],
  );
}

/** The one place that a secret of a provider is bound to. */
export function providerPlace(orgId: string, issuer: string): SealContext {
  return { table: 'identity_providers', rowId: orgId, column: 'sealed', origin: new URL(issuer).origin };
}

function incomplete(param: string, message: string): TollgateError {
  return new TollgateError('invalid_body', { message, param });
}
