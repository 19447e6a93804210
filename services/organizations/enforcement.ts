// Stand-in until the package "gateway enforcement" is merged.
import type { PoolClient } from 'pg';

export async function applyEnforcement(
  tx: PoolClient,
  orgId: string,
  { stage }: { readonly stage: 'none' | 'limited' | 'stopped'; readonly payLink: string | null },
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update organizations set overdue_stage = $2, enforcement_seq = enforcement_seq + 1 where id = $1 and overdue_stage <> $2`,
    [orgId, stage],
  );
  return rowCount === 1;
}
