// That an organization is being converted: no API key of it works, no credit of it is leased, and what is leased comes back. Beside what
// staff decide and what follows from debts, so that none of the three lifts another. Gateways learn of it as of those, from the row (D89).
import type { PoolClient } from 'pg';

/** False: it was so before. The caller holds the organization. */
export async function markProvisioning(tx: PoolClient, orgId: string, provisioning: boolean): Promise<boolean> {
  const { rowCount } = await tx.query(
    'update organizations set provisioning = $2 where id = $1 and provisioning <> $2',
    [orgId, provisioning],
  );
  return rowCount === 1;
}
