// Credentials of ours that were found where others read them. Whoever reports one has to have all of it: that proves that it is out. What was sent is
// compared by its digest and forgotten: it stands in no row, no log and no answer (D132).
import type { PoolClient } from 'pg';
import type { AuditEntry } from '../audit/audit.ts';
import { queueMail } from '../notifications/outbox.ts';
import { lockOrganization } from '../organizations/organizations.ts';
import { newId } from '../platform/ids.ts';
import { type ApiKey, lockedApiKey } from './api-key-rows.ts';
import { digestOf, hasValidChecksum, withoutCredentials } from './credential.ts';
import { rotation } from './rotation-rows.ts';
import { shapeOf, takeRotationTurn } from './rotation-turn.ts';

/** As it stands in the audit log, and where a report that was told already is known by. */
export const SCANNER = 'secret_scanning';

export interface Leak {
  readonly credential: string;
  /** Where it was seen. */
  readonly url: string | null;
  readonly source: string | null;
}

type Outcome = 'frozen' | 'overlap_ended' | 'out_of_use';

/** What became of it, and of which key; `told_before`: nothing, this time. */
export interface KnownLeak {
  readonly apiKeyId: string;
  readonly outcome: Outcome | 'told_before';
  /** Null: nothing was changed. Whoever commits writes it. */
  readonly audit: AuditEntry | null;
}

/** Null: nobody has or had an API key with this credential here. */
export async function reportLeak(tx: PoolClient, leak: Leak, reportedBy: string): Promise<KnownLeak | null> {
  const found = await ownerOfCredential(tx, leak.credential);
  if (found === null) return null;
  await lockOrganization(tx, found.orgId);
  const before = await lockedApiKey(tx, found.apiKeyId);
  // It may have been rolled before it was locked.
  const held = await ownerOfCredential(tx, leak.credential);
  if (held === null) return null;
  const outcome = await outcomeFor(tx, before, held);
  const reportId = await keepReport(tx, held, leak, { reportedBy, outcome });
  if (reportId === null) return { apiKeyId: before.id, outcome: 'told_before', audit: null };
  if (outcome === 'frozen') await freeze(tx, before, reportId);
  if (outcome === 'overlap_ended') await endOverlap(tx, held.rotationId ?? '');
  if (outcome !== 'out_of_use') await tellOwners(tx, before, held, { reportId, outcome });
  const after = { reportId, outcome, url: cleared(leak.url), source: cleared(leak.source) };
  const audit = { action: 'api_key.leak_reported', targetKind: 'api_key', targetId: before.id, after } as const;
  return { apiKeyId: before.id, outcome, audit };
}

interface Owner {
  readonly apiKeyId: string;
  readonly orgId: string;
  readonly prefix: string;
  readonly lastFour: string;
  /** Null: it is the key's own. */
  readonly rotationId: string | null;
  readonly digest: string;
}

async function ownerOfCredential(tx: PoolClient, credential: string): Promise<Owner | null> {
  if (!hasValidChecksum(credential)) return null;
  const digest = digestOf(credential);
  const { rows } = await tx.query<Omit<Owner, 'digest'>>(
    `select id as "apiKeyId", org_id as "orgId", prefix, last_four as "lastFour", null as "rotationId" from api_keys where digest = decode($1, 'hex')
     union all
     select api_key_id, org_id, prefix, last_four, id from api_key_rotations where digest = decode($1, 'hex')`,
    [digest],
  );
  return rows[0] === undefined ? null : { ...rows[0], digest };
}

/** A disabled key is frozen as well: whoever enables it must not put a credential back that is out. */
async function outcomeFor(tx: PoolClient, { frozen }: ApiKey, { rotationId }: Owner): Promise<Outcome> {
  if (rotationId === null) return frozen === null ? 'frozen' : 'out_of_use';
  const { rowCount } = await tx.query(
    'select from api_key_rotations where id = $1 and ended_at is null and ends_at > billing_now()',
    [rotationId],
  );
  return rowCount === 1 ? 'overlap_ended' : 'out_of_use';
}

/** Null: this scanner has told of this place before. */
async function keepReport(
  tx: PoolClient,
  { apiKeyId, orgId, digest }: Owner,
  { url, source }: Leak,
  { reportedBy, outcome }: { readonly reportedBy: string; readonly outcome: Outcome },
): Promise<string | null> {
  const { rows } = await tx.query<{ id: string }>(
    `insert into leak_reports (id, org_id, api_key_id, digest, url, source, reported_by, outcome) values ($1, $2, $3, decode($4, 'hex'), $5, $6, $7, $8)
     on conflict do nothing returning id`,
    [newId(), orgId, apiKeyId, digest, cleared(url), cleared(source), reportedBy, outcome],
  );
  return rows[0]?.id ?? null;
}

/** An address may have the credential in it. */
function cleared(text: string | null): string | null {
  return text === null ? null : withoutCredentials(text);
}

async function freeze(tx: PoolClient, { id }: ApiKey, reportId: string): Promise<void> {
  await tx.query(
    'update api_keys set frozen_at = billing_now(), leak_report_id = $2, version = version + 1 where id = $1',
    [id, reportId],
  );
}

async function endOverlap(tx: PoolClient, rotationId: string): Promise<void> {
  await takeRotationTurn(tx, await rotation(tx, rotationId), { kind: 'end', how: 'leaked' });
}

async function tellOwners(
  tx: PoolClient,
  { orgId, name, memberId }: ApiKey,
  held: Owner,
  { reportId, outcome }: { readonly reportId: string; readonly outcome: 'frozen' | 'overlap_ended' },
): Promise<void> {
  const { rows } = await tx.query<{ url: string | null; at: Date }>(
    'select url, reported_at as at from leak_reports where id = $1',
    [reportId],
  );
  const [{ url = null, at = new Date(Number.NaN) } = {}] = rows;
  const about = { holderId: memberId, apiKeyName: name, shape: shapeOf(held) };
  const facts = { ...about, isFrozen: outcome === 'frozen', seenAt: url, reportedAt: at.toISOString() };
  await queueMail(tx, { orgId, kind: 'credential_leaked', key: `credential_leaked:${reportId}`, facts });
}
