// What money for an invoice of usage changes beside the books: paid in full, its case is closed and what it restricted is lifted, in the
// same transaction; paid in part, it stays overdue.
import type { PoolClient } from 'pg';
import { findDunning } from '../dunning/dunning-rows.ts';
import { lockedOrganization } from '../organizations/organizations.ts';
import type { Queryable } from '../platform/postgres.ts';
import { takeTurn } from '../subscriptions/turn.ts';

export async function isUsageInvoice(db: Queryable, invoiceId: string): Promise<boolean> {
  const { rowCount } = await db.query(`select from invoices where id = $1 and kind = 'usage'`, [invoiceId]);
  return rowCount === 1;
}

/** 'unwanted': a card paid more than was owed by then, and that goes back. */
export async function usageInvoicePaid(
  tx: PoolClient,
  invoiceId: string,
  told: { readonly actor: string; readonly asker?: string | undefined },
): Promise<'taken' | 'unwanted'> {
  const { rows } = await tx.query<{ orgId: string; isPaid: boolean; isOverpaid: boolean }>(
    `select i.org_id as "orgId", i.state = 'paid' as "isPaid",
            exists (select from payments p left join invoice_payments t on t.source_id = p.id
                     where p.invoice_id = i.id and p.state = 'paid' and p.amount_cents > coalesce(t.cents, 0)) as "isOverpaid"
       from invoices i where i.id = $1`,
    [invoiceId],
  );
  const [row] = rows;
  if (row === undefined) throw new Error(`there is no invoice ${invoiceId}`);
  const { orgId, isPaid, isOverpaid } = row;
  await lockedOrganization(tx, orgId);
  if (isPaid && (await findDunning(tx, invoiceId)) !== null) {
    const settled = { kind: 'settled', how: 'paid' } as const;
    await takeTurn(tx, { orgId, ...told }, { process: 'dunning', id: invoiceId, event: settled });
  }
  return isOverpaid ? 'unwanted' : 'taken';
}
