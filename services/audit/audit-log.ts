// The audit log as it is read: in pages for people, and as an export that whoever has it can verify without us.
import type { Queryable } from '../platform/postgres.ts';

export interface AuditFilter {
  readonly actor?: string | undefined;
  readonly action?: string | undefined;
  readonly targetKind?: string | undefined;
  readonly targetId?: string | undefined;
  readonly orgId?: string | undefined;
  readonly requestId?: string | undefined;
  readonly from?: Date | undefined;
  readonly to?: Date | undefined;
}

export interface AuditRow {
  /** Its place in the log. */
  readonly id: string;
  readonly at: Date;
  readonly billingAt: Date | null;
  readonly actor: string;
  readonly action: string;
  readonly targetKind: string;
  readonly targetId: string;
  readonly orgId: string | null;
  readonly before: unknown;
  readonly after: unknown;
  readonly reason: string | null;
  readonly requestId: string | null;
  readonly clientAddress: string | null;
  readonly workflowId: string | null;
  /** SHA-256 in hexadecimal. */
  readonly hash: string;
}

export interface ExportedEntry extends AuditRow {
  /** What `hash` is the hash of: JSON, to the byte. */
  readonly content: string;
}

const BATCH = 500;

const COLUMNS = `a.seq::text as id, a.at, a.billing_at as "billingAt", a.actor, a.action, a.target_kind as "targetKind",
  a.target_id as "targetId", a.org_id as "orgId", a.before, a.after, a.reason, a.request_id as "requestId",
  a.client_address as "clientAddress", a.workflow_id as "workflowId", encode(a.hash, 'hex') as hash`;

/** $1 to $8, as `valuesOf` has them. */
const MATCHES = `($1::text is null or a.actor = $1) and ($2::text is null or a.action = $2)
  and ($3::text is null or a.target_kind = $3) and ($4::text is null or a.target_id = $4)
  and ($5::uuid is null or a.org_id = $5) and ($6::uuid is null or a.request_id = $6)
  and ($7::timestamptz is null or a.at >= $7) and ($8::timestamptz is null or a.at < $8)`;

function valuesOf({ actor, action, targetKind, targetId, orgId, requestId, from, to }: AuditFilter) {
  return [actor, action, targetKind, targetId, orgId, requestId, from, to];
}

/** Newest first. `before`: the place of the entry that the page before ended with. */
export async function listAudit(
  db: Queryable,
  filter: AuditFilter,
  before: string | null,
  pageSize: number,
): Promise<AuditRow[]> {
  const { rows } = await db.query<AuditRow>(
    `select ${COLUMNS} from audit_log a where ${MATCHES} and ($9::bigint is null or a.seq < $9) and a.seq is not null
      order by a.seq desc limit $10`,
    [...valuesOf(filter), before, pageSize],
  );
  return rows;
}

/** Oldest first, up to where the log ends now. No transaction is held open over it: an entry never changes. */
export async function exportAudit(db: Queryable, filter: AuditFilter): Promise<AsyncIterable<ExportedEntry[]>> {
  const { rows } = await db.query<{ seq: string }>('select seq from audit_head');
  return batchesOf(db, filter, rows[0]?.seq ?? '0');
}

async function* batchesOf(db: Queryable, filter: AuditFilter, until: string): AsyncGenerator<ExportedEntry[]> {
  for (let after = '0'; ; ) {
    const { rows } = await db.query<ExportedEntry>(
      `select ${COLUMNS}, audit_content(a) as content from audit_log a
        where ${MATCHES} and a.seq > $9 and a.seq <= $10 order by a.seq limit $11`,
      [...valuesOf(filter), after, until, BATCH],
    );
    const last = rows.at(-1);
    if (last === undefined) return;
    yield rows;
    after = last.id;
  }
}
