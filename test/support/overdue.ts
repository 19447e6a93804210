// What the billing processes do to an organization's stage, for tests of what follows from it.
import type { Pool } from 'pg';
import type { Stage } from '../../domain/overdue-policy.ts';
import { applyEnforcement } from '../../services/organizations/enforcement.ts';
import { lockedOrganization } from '../../services/organizations/organizations.ts';
import { inTransaction } from '../../services/platform/postgres.ts';

export const PAY_INVOICE = '0193f000-0000-7000-8000-0000000000aa';
export const payUrlOf = (invoiceId: string): string => `https://tollgate.example/pay/${invoiceId}`;
export const PAY_LINK = payUrlOf(PAY_INVOICE);

/** True: it changed. */
export function putUnder(
  worker: Pool,
  orgId: string,
  stage: Stage,
  payInvoiceId: string | null = stage === 'none' ? null : PAY_INVOICE,
): Promise<boolean> {
  return inTransaction(worker, async (tx) => {
    await lockedOrganization(tx, orgId);
    return applyEnforcement(tx, orgId, { stage, payInvoiceId });
  });
}
