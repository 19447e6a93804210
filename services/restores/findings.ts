// What was found after a restore and seen to: a row and an audit entry each, once, however often the same is found.
import type { PoolClient } from 'pg';
import { writeAudit } from '../audit/audit.ts';
import { newId } from '../platform/ids.ts';
import type { Queryable } from '../platform/postgres.ts';

export type FindingKind =
  | 'organization_recreated'
  | 'customer_adopted'
  | 'payment_adopted'
  | 'capture_in_question'
  | 'capture_without_place'
  | 'intent_cancelled'
  | 'page_closed'
  | 'refund_adopted'
  | 'journal_set_aside'
  | 'workflows_terminated';

export interface Finding {
  readonly what: FindingKind;
  /** At Stripe, or ours. */
  readonly subject: string;
  readonly details?: object;
}

/** False: it was noted before. */
export async function noteFinding(tx: PoolClient, epoch: number, finding: Finding): Promise<boolean> {
  const { what, subject, details = {} } = finding;
  const { rowCount } = await tx.query(
    'insert into restore_findings (epoch, what, subject, details) values ($1, $2, $3, $4) on conflict do nothing',
    [epoch, what, subject, JSON.stringify(details)],
  );
  if (rowCount !== 1) return false;
  await writeAudit(
    tx,
    { actor: 'restore', requestId: newId() },
    {
      action: `billing_hold.${what}`,
      targetKind: 'billing_hold',
      targetId: String(epoch),
      after: { subject, ...details },
    },
  );
  return true;
}

/** The epoch that the last restore began, and when; null: nothing was ever restored here. */
export async function lastEpoch(db: Queryable): Promise<{ readonly epoch: number; readonly since: Date } | null> {
  const { rows } = await db.query<{ epoch: number; since: Date }>(
    'select epoch, since from billing_holds order by epoch desc limit 1',
  );
  return rows[0] ?? null;
}
