// What a bank says to a charge, in words of a test.
import type { PoolClient } from 'pg';
import type { ChargeOutcome } from '../../../domain/charges.ts';
import { classifyDecline } from '../../../domain/declines.ts';
import { newInvoicePayment } from '../../../services/payments/charge-standing.ts';
import { newId } from '../../../services/platform/ids.ts';
import { planInvoice } from '../../../services/subscriptions/invoices-of-plans.ts';
import { invoicePaid } from '../../../services/subscriptions/learn.ts';

export type Bank = (ask: {
  readonly invoiceId: string;
  readonly attempt: number;
  readonly nowMs: number;
}) => ChargeOutcome;

export const PAID: ChargeOutcome = { kind: 'paid' };

export function refusal(declineCode: string): ChargeOutcome {
  return { kind: 'declined', decline: classifyDecline({ declineCode, adviceCode: null, networkAdviceCode: null }) };
}

/** What Stripe would capture for an invoice is told to the books. */
export async function capture(tx: PoolClient, invoiceId: string): Promise<void> {
  const { orgId, amountCents } = await planInvoice(tx, invoiceId);
  const { rows } = await tx.query<{ id: string }>(
    'select id from payments where invoice_id = $1 order by created_at desc limit 1',
    [invoiceId],
  );
  const paymentId = rows[0]?.id ?? (await newInvoicePayment(tx, invoiceId, { orgId, amountCents }, 'test'));
  const taken = await tx.query<{ outcome: string }>('select record_payment($1, $2, $3, $4, $5) as outcome', [
    ...[paymentId, `pi_${paymentId}`, amountCents, 'usd', 'test'],
  ]);
  if (taken.rows[0]?.outcome !== 'recorded' || (await invoicePaid(tx, invoiceId, { actor: 'test' })) === 'taken')
    return;
  await tx.query(`select begin_refund($1, $2, null, null, 'test')`, [newId(), paymentId]);
}
