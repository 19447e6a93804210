// What the billing processes do to an organization's stage, for tests of what follows from it.
import type { Pool } from 'pg';
import type { Stage } from '../../domain/overdue-policy.ts';
import { applyEnforcement } from '../../services/organizations/enforcement.ts';
import { lockedOrganization } from '../../services/organizations/organizations.ts';
import { inTransaction } from '../../services/platform/postgres.ts';

export const PAY_LINK = 'https://tollgate.example/pay/signed-token';

/** True: it changed. */
export function putUnder(
  worker: Pool,
  orgId: string,
  stage: Stage,
  payLink: string | null = stage === 'none' ? null : PAY_LINK,
): Promise<boolean> {
  return inTransaction(worker, async (tx) => {
    await lockedOrganization(tx, orgId);
    return applyEnforcement(tx, orgId, { stage, payLink });
  });
}
