// The word that no more money is asked for an invoice. It is a row before Stripe hears of it, so that a charge on its way, which finds the
// intent cancelled, does not make another one.
import type { Pool } from 'pg';
import { inTransaction } from '../platform/postgres.ts';
import { expirePayment, lockInvoice } from './charge-attempts.ts';

export type CancelOutcome = 'cancelled' | 'paid' | 'in_doubt';

export interface Cancellation {
  readonly invoiceId: string;
  readonly number: number;
  /** null: there is none that could take money. */
  readonly payment: { readonly id: string; readonly isPaid: boolean; readonly paymentIntent: string } | null;
}

/** One that nobody has answered yet is gone on with. */
export function beginCancellation(db: Pool, invoiceId: string): Promise<Cancellation> {
  return inTransaction(db, async (tx) => {
    await lockInvoice(tx, invoiceId);
    await tx.query(
      `insert into charge_cancellations (invoice_id, number) select $1, 1 + count(*) from charge_cancellations where invoice_id = $1
       on conflict do nothing`,
      [invoiceId],
    );
    const { rows: open } = await tx.query<{ number: number }>(
      'select number from charge_cancellations where invoice_id = $1 and outcome is null',
      [invoiceId],
    );
    const [cancellation] = open;
    if (cancellation === undefined) throw new Error(`no cancellation of invoice ${invoiceId} is open`);
    // Locked: an intent that is being written down is seen, or is not written down any more.
    const { rows } = await tx.query<{ id: string; isPaid: boolean; paymentIntent: string | null }>(
      `select id, state = 'paid' as "isPaid", stripe_payment_intent as "paymentIntent" from payments
        where invoice_id = $1 and state <> 'expired' for update`,
      [invoiceId],
    );
    const [payment] = rows;
    if (payment === undefined) return { invoiceId, ...cancellation, payment: null };
    const { id, isPaid, paymentIntent } = payment;
    if (paymentIntent !== null) return { invoiceId, ...cancellation, payment: { id, isPaid, paymentIntent } };
    await expirePayment(tx, id, null);
    return { invoiceId, ...cancellation, payment: null };
  });
}

/** After doubt the charge may go on; what has been cancelled stays so, whoever else had doubts. */
export async function answerCancellation(
  db: Pool,
  { invoiceId, number }: Cancellation,
  outcome: CancelOutcome,
): Promise<void> {
  await db.query(
    `update charge_cancellations set outcome = $3, answered_at = billing_now()
      where invoice_id = $1 and number = $2 and (outcome is null or $3 = 'cancelled')`,
    [invoiceId, number, outcome],
  );
}
