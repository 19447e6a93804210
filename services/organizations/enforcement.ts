// What an organization may do while it owes, as it is stored. Whoever learns a fact about its invoices computes the stage
// (domain/enforcement.ts) under the organization's lock and writes it here; staff's own switch (organizations.enforcement) stands beside it.
// The rest follows from the row, by triggers in the same transaction: the record of the change, its announcement, and the recall of
// what was leased (migrations/0001, 0002).
import type { PoolClient } from 'pg';
import type { Stage } from '../../domain/overdue-policy.ts';

export interface OverdueEnforcement {
  readonly stage: Stage;
  /** Whose payment everybody who is refused for it is asked for. */
  readonly payInvoiceId: string | null;
}

/** True: it changed. The caller holds the organization (`lockedOrganization`). */
export async function applyEnforcement(
  tx: PoolClient,
  orgId: string,
  { stage, payInvoiceId }: OverdueEnforcement,
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update organizations
        set overdue_stage = $2, pay_invoice_id = $3, enforcement_seq = enforcement_seq + (overdue_stage <> $2)::integer
      where id = $1 and (overdue_stage, pay_invoice_id) is distinct from ($2, $3::uuid)`,
    [orgId, stage, payInvoiceId],
  );
  return rowCount === 1;
}
