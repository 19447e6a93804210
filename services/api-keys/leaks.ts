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
  const report = await keepReport(tx, held, leak, { reportedBy, outcome });
  if (report === null) return { apiKeyId: before.id, outcome: 'told_before', audit: null };
  if (outcome === 'frozen') await freeze(tx, before, report.id);
  if (outcome === 'overlap_ended') await endOverlap(tx, held.rotationId ?? '');
  if (outcome !== 'out_of_use') await tellOwners(tx, before, held, { report, isFrozen: outcome === 'frozen' });
  const after = { reportId: report.id, outcome, url: report.url, source: report.source };
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

interface Report {
  readonly id: string;
  /** Without what looks like a credential. */
  readonly url: string | null;
  readonly source: string | null;
  readonly at: Date;
}

/** Null: this scanner has told of this place before. What he told while it changed nothing, because the key was frozen, counts when it does. */
async function keepReport(
  tx: PoolClient,
  { apiKeyId, orgId, digest }: Owner,
  { url, source }: Leak,
  { reportedBy, outcome }: { readonly reportedBy: string; readonly outcome: Outcome },
): Promise<Report | null> {
  const { rows } = await tx.query<Report>(
    `insert into leak_reports (id, org_id, api_key_id, digest, url, source, reported_by, outcome) values ($1, $2, $3, decode($4, 'hex'), $5, $6, $7, $8)
     on conflict (digest, md5(url), source) where reported_by = '${SCANNER}'
       do update set outcome = excluded.outcome, reported_at = excluded.reported_at
       where leak_reports.outcome = 'out_of_use' and excluded.outcome <> 'out_of_use'
     returning id, url, source, reported_at as at`,
    [newId(), orgId, apiKeyId, digest, cleared(url), cleared(source), reportedBy, outcome],
  );
  return rows[0] ?? null;
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
  { report, isFrozen }: { readonly report: Report; readonly isFrozen: boolean },
): Promise<void> {
  const about = { holderId: memberId, apiKeyName: name, shape: shapeOf(held) };
  const facts = { ...about, isFrozen, seenAt: report.url, reportedAt: report.at.toISOString() };
  await queueMail(tx, { orgId, kind: 'credential_leaked', key: `credential_leaked:${report.id}`, facts });
}
