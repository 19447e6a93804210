// One of our staff looks at an organization as its owner sees it. He stays who he is, and nothing is opened for him but what he may read anyway: that
// he looks, and why, is an entry of the audit log, and that entry is what lets him, for an hour (D105).
import type { AuditEntry } from '../audit/audit.ts';
import type { Queryable } from '../platform/postgres.ts';

const VALID_FOR = '1 hour';
const ACTION = 'organization.viewed';

export function viewAudit(orgId: string, validUntil: Date, reason: string): AuditEntry {
  return { action: ACTION, targetKind: 'organization', targetId: orgId, after: { validUntil }, reason };
}

/** Of one that begins with this transaction. */
export async function viewEnds(db: Queryable): Promise<Date> {
  const { rows } = await db.query<{ validUntil: Date }>(
    `select transaction_timestamp() + $1::interval as "validUntil"`,
    [VALID_FOR],
  );
  if (rows[0] === undefined) throw new Error('PostgreSQL does not know the time');
  return rows[0].validUntil;
}

export async function isViewing(db: Queryable, personId: string, orgId: string): Promise<boolean> {
  const { rowCount } = await db.query(
    `select from audit_log where target_id = $1 and action = $2 and actor = $3 and at > clock_timestamp() - $4::interval limit 1`,
    [orgId, ACTION, `person:${personId}`, VALID_FOR],
  );
  return rowCount === 1;
}
