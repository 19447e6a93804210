// API keys as rows, and as people see them: with the rotation that runs, and why a key is frozen. Whoever changes one reads it anew here.
import type { PoolClient } from 'pg';
import { TollgateError } from '../../domain/errors.ts';
import { type Cap, type CapJson, capsColumn, readCaps } from '../organizations/caps.ts';
import type { Queryable } from '../platform/postgres.ts';

export interface ApiKeySettings {
  readonly name: string;
  /** null: every model. */
  readonly allowedModels: readonly string[] | null;
  /** CIDR ranges; null: from everywhere. */
  readonly allowedAddresses: readonly string[] | null;
  readonly expiresAt: Date | null;
  /** null: as the organization's rate tier says. */
  readonly requestsPerMinute: number | null;
  readonly tokensPerMinute: number | null;
  readonly concurrentRequests: number | null;
}

export interface ApiKey extends ApiKeySettings {
  readonly id: string;
  readonly orgId: string;
  readonly projectId: string;
  /** With whom it is in use and out of use; null: it is the organization's. */
  readonly memberId: string | null;
  readonly prefix: string;
  readonly lastFour: string;
  readonly caps: readonly Cap[];
  readonly disabledAt: Date | null;
  readonly disabledReason: string | null;
  /** Its credential was found elsewhere; null: it is not frozen. */
  readonly frozen: Frozen | null;
  /** While the credential that was replaced works still; null: it has one. */
  readonly rotation: RunningRotation | null;
  readonly version: number;
  readonly createdAt: Date;
}

export interface Frozen {
  readonly at: Date;
  /** Null: nobody said where. */
  readonly url: string | null;
  /** Of which kind that place is, in the words of who reported it. */
  readonly source: string | null;
}

/** Of the credential that was replaced. */
export interface RunningRotation {
  readonly id: string;
  readonly prefix: string;
  readonly lastFour: string;
  readonly startedAt: Date;
  readonly endsAt: Date;
  /** As the gateways have told, within a minute; null: not since the rotation. */
  readonly usedAt: Date | null;
  readonly usedFrom: string | null;
}

interface ApiKeyRow extends Omit<ApiKey, 'caps' | 'tokensPerMinute' | 'frozen' | 'rotation'> {
  readonly caps: readonly CapJson[];
  readonly tokensPerMinute: string | null;
  readonly frozenAt: Date | null;
  readonly frozenUrl: string | null;
  readonly frozenSource: string | null;
  readonly rotationId: string | null;
  readonly oldPrefix: string;
  readonly oldLastFour: string;
  readonly startedAt: Date;
  readonly endsAt: Date;
  readonly usedAt: Date | null;
  readonly usedFrom: string | null;
}

const API_KEYS = `
  select k.id, k.org_id as "orgId", k.project_id as "projectId", k.member_id as "memberId", k.name, k.prefix,
         k.last_four as "lastFour", k.allowed_models as "allowedModels", k.allowed_addresses::text[] as "allowedAddresses",
         k.expires_at as "expiresAt",
         k.requests_per_minute as "requestsPerMinute", k.tokens_per_minute as "tokensPerMinute",
         k.concurrent_requests as "concurrentRequests", ${capsColumn('api_key', 'k.org_id', 'k.id')} as caps,
         k.disabled_at as "disabledAt", k.disabled_reason as "disabledReason", k.version, k.created_at as "createdAt",
         k.frozen_at as "frozenAt", l.url as "frozenUrl", l.source as "frozenSource",
         r.id as "rotationId", r.prefix as "oldPrefix", r.last_four as "oldLastFour", r.started_at as "startedAt", r.ends_at as "endsAt",
         r.used_at as "usedAt", host(r.used_from) as "usedFrom"
    from api_keys k
    left join leak_reports l on l.id = k.leak_report_id
    left join api_key_rotations r on r.api_key_id = k.id and r.ended_at is null and r.ends_at > billing_now()`;

export async function apiKey(db: Queryable, id: string): Promise<ApiKey> {
  const { rows } = await db.query<ApiKeyRow>(`${API_KEYS} where k.id = $1`, [id]);
  return readApiKey(rows[0] ?? unknown(id));
}

export async function lockedApiKey(tx: PoolClient, id: string): Promise<ApiKey> {
  await tx.query('select from api_keys where id = $1 for update', [id]);
  return apiKey(tx, id);
}

export interface ApiKeyFilter {
  readonly orgId?: string | undefined;
  readonly projectId?: string | undefined;
  readonly memberId?: string | undefined;
  readonly frozen?: 'true' | undefined;
}

/** Newest first. */
export async function listApiKeys(
  db: Queryable,
  { orgId, projectId, memberId, frozen }: ApiKeyFilter,
  after: string | null,
  pageSize: number,
): Promise<ApiKey[]> {
  const { rows } = await db.query<ApiKeyRow>(
    `${API_KEYS}
      where ($1::uuid is null or k.org_id = $1)
        and ($2::uuid is null or k.project_id = $2)
        and ($5::uuid is null or k.member_id = $5)
        and (not $6 or k.frozen_at is not null)
        and ($3::uuid is null or (k.created_at, k.id) < (select a.created_at, a.id from api_keys a where a.id = $3))
      order by k.created_at desc, k.id desc
      limit $4`,
    [orgId, projectId, after, pageSize, memberId, frozen === 'true'],
  );
  return rows.map(readApiKey);
}

function readApiKey(row: ApiKeyRow): ApiKey {
  const {
    frozenAt,
    frozenUrl,
    frozenSource,
    rotationId,
    oldPrefix,
    oldLastFour,
    startedAt,
    endsAt,
    usedAt,
    usedFrom,
    ...rest
  } = row;
  const old = { prefix: oldPrefix, lastFour: oldLastFour, startedAt, endsAt, usedAt, usedFrom };
  return {
    ...rest,
    tokensPerMinute: row.tokensPerMinute === null ? null : Number(row.tokensPerMinute),
    caps: readCaps(row.caps),
    frozen: frozenAt === null ? null : { at: frozenAt, url: frozenUrl, source: frozenSource },
    rotation: rotationId === null ? null : { id: rotationId, ...old },
  };
}

function unknown(id: string): never {
  throw new TollgateError('not_found', { message: `There is no API key ${id}.`, param: 'apiKeyId' });
}
