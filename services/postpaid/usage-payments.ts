// What money for an invoice of usage changes beside the books, in the same transaction: its customer gets a receipt for it; paid in full,
// its case is closed and what it restricted is lifted; paid in part, it stays overdue.
import type { PoolClient } from 'pg';
import type { Dunning } from '../../domain/dunning.ts';
import { unpaidFacts } from '../dunning/dunning-mails.ts';
import { findDunning } from '../dunning/dunning-rows.ts';
import { queueMail } from '../notifications/outbox.ts';
import { lockedOrganization } from '../organizations/organizations.ts';
import { type Told, takeTurn } from '../subscriptions/turn.ts';

/** 'unwanted': a card paid more than was owed by then, and that goes back. */
export async function usageInvoicePaid(tx: PoolClient, invoiceId: string, told: Told): Promise<'taken' | 'unwanted'> {
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
  const unpaid = await findDunning(tx, invoiceId);
  if (unpaid !== null && told.hasReceipt !== true) await tellOfMoney(tx, orgId, unpaid.state);
  if (isPaid && unpaid !== null) {
    const settled = { kind: 'settled', how: 'paid' } as const;
    await takeTurn(tx, { orgId, ...told }, { process: 'dunning', id: invoiceId, event: settled });
  }
  return isOverpaid ? 'unwanted' : 'taken';
}

/** One receipt for each sum; those that were told of are not told again. */
async function tellOfMoney(tx: PoolClient, orgId: string, state: Dunning): Promise<void> {
  const { purchase, invoice, currency, invoiceId } = await unpaidFacts(tx, state);
  const { rows } = await tx.query<{ id: string; cents: number; at: Date }>(
    `select m.source_id as id, m.cents, coalesce(b.recorded_at, p.paid_at) as at
       from invoice_payments m left join bank_transfers b on b.id = m.source_id left join payments p on p.id = m.source_id
      where m.invoice_id = $1 and not m.reversed order by at, m.source_id`,
    [invoiceId],
  );
  for (const { id, cents, at } of rows) {
    const sum = { amountCents: cents, currency, purchase, invoice };
    await queueMail(tx, {
      orgId,
      kind: 'receipt',
      key: `receipt:${id}`,
      facts: { ...sum, paidAt: at.toISOString(), cardLastFour: null, renewsAt: null },
    });
  }
}
