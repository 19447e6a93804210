// Who changed what. A row is written in the transaction of the change it tells of, and never changed afterwards.
// Secrets do not come here: what is audited is what the API shows of a thing, and the API shows no secret. Nor do names and
// addresses of people (D52).
import type { PoolClient } from 'pg';
import type { Queryable } from '../platform/postgres.ts';

export type TargetKind =
  | 'organization'
  | 'project'
  | 'api_key'
  | 'grant'
  | 'channel'
  | 'model'
  | 'price'
  | 'payment'
  | 'subscription'
  | 'invoice'
  | 'billing_incident'
  | 'reconciliation'
  | 'person'
  | 'membership'
  | 'billing_details'
  | 'tax_regime'
  | 'contract'
  | 'bank_transfer'
  | 'auto_top_up'
  | 'billing_clock';

export interface AuditEntry {
  readonly action: string;
  readonly targetKind: TargetKind;
  readonly targetId: string;
  readonly before?: object;
  readonly after?: object;
  readonly reason?: string | undefined;
}

/** Only `writeAudit` makes one: what says that it was audited was. */
class WrittenAudit {
  readonly #written = true;

  static is(audit: object): audit is WrittenAudit {
    return #written in audit;
  }
}

export type { WrittenAudit };

export function isWritten(audit: AuditEntry | WrittenAudit): audit is WrittenAudit {
  return WrittenAudit.is(audit);
}

export async function writeAudit(
  tx: PoolClient,
  actor: string,
  requestId: string,
  entry: AuditEntry,
): Promise<WrittenAudit> {
  await tx.query(
    `insert into audit_log (actor, action, target_kind, target_id, before, after, reason, request_id)
     values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      actor,
      entry.action,
      entry.targetKind,
      entry.targetId,
      asJson(entry.before),
      asJson(entry.after),
      entry.reason ?? null,
      requestId,
    ],
  );
  return new WrittenAudit();
}

/** Of somebody's row: the fields that say nothing of who he is, and the names of the others that are new (D52). */
export function pseudonymous<T extends object>(
  impersonal: readonly (keyof T & string)[],
  before: T | null,
  after: T,
): Pick<AuditEntry, 'before' | 'after'> {
  const names: readonly string[] = impersonal;
  const told = (row: T) => Object.fromEntries(Object.entries(row).filter(([field]) => names.includes(field)));
  const past = new Map(Object.entries(before ?? {}));
  const changed = Object.entries(after).flatMap(([field, value]) =>
    names.includes(field) || JSON.stringify(value) === JSON.stringify(past.get(field) ?? null) ? [] : [field],
  );
  return { ...(before === null ? {} : { before: told(before) }), after: { ...told(after), changed } };
}

/** Money is a bigint, which JSON does not know: it is told as everywhere, as a decimal string. */
function asJson(value: object | undefined): string | null {
  if (value === undefined) return null;
  return JSON.stringify(value, (_, field: unknown) => (typeof field === 'bigint' ? field.toString() : field));
}

export interface AuditRow {
  readonly id: string;
  readonly at: Date;
  readonly actor: string;
  readonly action: string;
  readonly targetKind: string;
  readonly targetId: string;
  readonly before: unknown;
  readonly after: unknown;
  readonly reason: string | null;
  readonly requestId: string | null;
}

export interface AuditFilter {
  readonly actor?: string | undefined;
  readonly action?: string | undefined;
  readonly targetKind?: string | undefined;
  readonly targetId?: string | undefined;
  readonly from?: Date | undefined;
  readonly to?: Date | undefined;
}

/** Newest first. */
export async function listAudit(
  db: Queryable,
  filter: AuditFilter,
  after: string | null,
  pageSize: number,
): Promise<AuditRow[]> {
  const { rows } = await db.query<AuditRow>(
    `select a.id::text, a.at, a.actor, a.action, a.target_kind as "targetKind", a.target_id as "targetId", a.before, a.after,
            a.reason, a.request_id as "requestId"
       from audit_log a
      where ($1::bigint is null or a.id < $1)
        and ($2::text is null or a.actor = $2)
        and ($3::text is null or a.action = $3)
        and ($4::text is null or a.target_kind = $4)
        and ($5::text is null or a.target_id = $5)
        and ($6::timestamptz is null or a.at >= $6)
        and ($7::timestamptz is null or a.at < $7)
      order by a.id desc
      limit $8`,
    [after, filter.actor, filter.action, filter.targetKind, filter.targetId, filter.from, filter.to, pageSize],
  );
  return rows;
}
