// API keys of customers. The credential leaves here once, when the key is made; only its digest is stored.
// Disabling is an UPDATE whose trigger tells every gateway, so it works within seconds everywhere.
import type { PoolClient } from 'pg';
import { TollgateError } from '../../domain/errors.ts';
import { type Cap, type CapOwner, replaceCaps } from '../organizations/caps.ts';
import { newId } from '../platform/ids.ts';
import { networks } from '../platform/networks.ts';
import { projectForKey } from '../projects/projects.ts';
import { type ApiKey, type ApiKeySettings, apiKey } from './api-key-rows.ts';
import { newCredential } from './credential.ts';

export interface NewApiKey extends ApiKeySettings {
  readonly orgId: string;
  readonly projectId: string | undefined;
  readonly memberId: string | null;
  readonly caps: readonly Cap[];
}

export type ApiKeyChange = { readonly [S in keyof ApiKeySettings]?: ApiKeySettings[S] | undefined } & {
  readonly caps?: readonly Cap[] | undefined;
};

/** @throws TollgateError invalid_body for an organization that is not there, or a member whom it does not have */
export async function createApiKey(
  tx: PoolClient,
  wanted: NewApiKey,
): Promise<{ readonly apiKey: ApiKey; readonly credential: string }> {
  const { rowCount } = await tx.query('select from organizations where id = $1', [wanted.orgId]);
  if (rowCount === 0) {
    throw new TollgateError('invalid_body', { message: `There is no organization ${wanted.orgId}.`, param: 'orgId' });
  }
  await refuseUnusable(tx, wanted);
  await refuseStranger(tx, wanted);
  const projectId = await projectForKey(tx, wanted.orgId, wanted.projectId);
  const { credential, digest, prefix, lastFour } = newCredential();
  const id = newId();
  await tx.query(
    `insert into api_keys (id, org_id, project_id, member_id, name, digest, prefix, last_four, allowed_models, allowed_addresses,
                           expires_at, requests_per_minute, tokens_per_minute, concurrent_requests)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, ${networks('$10')}, $11, $12, $13, $14)`,
    [
      id,
      wanted.orgId,
      projectId,
      wanted.memberId,
      wanted.name,
      digest,
      prefix,
      lastFour,
      wanted.allowedModels,
      wanted.allowedAddresses,
      wanted.expiresAt,
      wanted.requestsPerMinute,
      wanted.tokensPerMinute,
      wanted.concurrentRequests,
    ],
  );
  await replaceCaps(tx, ownerOf(wanted.orgId, id), wanted.caps);
  return { apiKey: await apiKey(tx, id), credential };
}

export async function changeApiKey(tx: PoolClient, before: ApiKey, change: ApiKeyChange): Promise<ApiKey> {
  const {
    name = before.name,
    allowedModels = before.allowedModels,
    allowedAddresses = before.allowedAddresses,
    expiresAt = before.expiresAt,
    requestsPerMinute = before.requestsPerMinute,
    tokensPerMinute = before.tokensPerMinute,
    concurrentRequests = before.concurrentRequests,
  } = change;
  await refuseUnusable(tx, { allowedModels, expiresAt: change.expiresAt ?? null });
  await tx.query(
    `update api_keys
        set name = $2, allowed_models = $3, allowed_addresses = ${networks('$4')}, expires_at = $5, requests_per_minute = $6,
            tokens_per_minute = $7, concurrent_requests = $8, version = version + 1
      where id = $1`,
    [
      before.id,
      name,
      allowedModels,
      allowedAddresses,
      expiresAt,
      requestsPerMinute,
      tokensPerMinute,
      concurrentRequests,
    ],
  );
  if (change.caps !== undefined) await replaceCaps(tx, ownerOf(before.orgId, before.id), change.caps);
  return apiKey(tx, before.id);
}

/** A key that is disabled already keeps the time at which that was done first. */
export async function disableApiKey(tx: PoolClient, before: ApiKey, reason: string): Promise<ApiKey> {
  await tx.query(
    `update api_keys set disabled_at = coalesce(disabled_at, billing_now()), disabled_reason = $2, version = version + 1
      where id = $1`,
    [before.id, reason],
  );
  return apiKey(tx, before.id);
}

export async function enableApiKey(tx: PoolClient, before: ApiKey): Promise<ApiKey> {
  await tx.query(
    'update api_keys set disabled_at = null, disabled_reason = null, version = version + 1 where id = $1',
    [before.id],
  );
  return apiKey(tx, before.id);
}

function ownerOf(orgId: string, apiKeyId: string): CapOwner {
  return { orgId, scope: 'api_key', scopeId: apiKeyId };
}

async function refuseStranger(tx: PoolClient, { orgId, memberId }: NewApiKey): Promise<void> {
  if (memberId === null) return;
  const { rowCount } = await tx.query(
    `select from memberships where org_id = $1 and person_id = $2 and status = 'active'`,
    [orgId, memberId],
  );
  if (rowCount !== 0) return;
  const message = `Organization ${orgId} has no active member ${memberId}; leave memberId out for a key of the organization itself.`;
  throw new TollgateError('invalid_body', { message, param: 'memberId' });
}

async function refuseUnusable(
  tx: PoolClient,
  { allowedModels, expiresAt }: Pick<ApiKeySettings, 'allowedModels' | 'expiresAt'>,
): Promise<void> {
  const { rows } = await tx.query<{ unknownModels: string[]; inTime: boolean }>(
    `select array(select wanted from unnest($1::text[]) wanted where not exists (select from models m where m.id = wanted)) as "unknownModels",
            coalesce($2 > billing_now(), true) as "inTime"`,
    [allowedModels, expiresAt],
  );
  const { unknownModels = [], inTime = true } = rows[0] ?? {};
  if (unknownModels.length > 0) {
    const message = `There is no model ${unknownModels.join(', ')}; GET /api/v1/models lists those that a key can be bound to.`;
    throw new TollgateError('invalid_body', { message, param: 'allowedModels' });
  }
  if (!inTime) {
    const message = 'expiresAt lies in the past; to stop a key now, disable it.';
    throw new TollgateError('invalid_body', { message, param: 'expiresAt' });
  }
}
