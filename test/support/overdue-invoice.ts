// An invoice of usage that its customer does not pay, with its case as a worker would have opened it.
import type { Pool } from 'pg';
import { postpaidDunning } from '../../domain/dunning.ts';
import type { UnpaidInvoice } from '../../domain/overdue-policy.ts';
import { insertDunning } from '../../services/dunning/dunning-rows.ts';
import { newId } from '../../services/platform/ids.ts';
import { inTransaction } from '../../services/platform/postgres.ts';

/** Answers its id. handedOver: the mails that went out for it. db: of the owner of the tables. */
export async function overdueInvoice(
  db: Pool,
  orgId: string,
  dueMs: number,
  handedOver: UnpaidInvoice['handedOver'] = {},
): Promise<string> {
  const invoiceId = newId();
  await inTransaction(db, async (tx) => {
    await tx.query(
      `select post_usage_invoice($1, $2, '2026-01', $3, 1900, 0, '{"kind": "none"}', null, 19000000000,
                                 '[{"kind": "earlier_usage", "amountNano": "19000000000"}]', '{}', 'test')`,
      [invoiceId, orgId, new Date(dueMs)],
    );
    const opened = postpaidDunning(invoiceId, dueMs);
    const state = { ...opened, invoice: { ...opened.invoice, handedOver } };
    await insertDunning(tx, { invoiceId, orgId, subscriptionId: null, state });
  });
  return invoiceId;
}
