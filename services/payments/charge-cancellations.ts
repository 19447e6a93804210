// The word that no more money is asked for a bill. It is a row before Stripe hears of it, so that a charge on its way, which finds the
// intent cancelled, does not make another one.
import type { Pool } from 'pg';
import { inTransaction } from '../platform/postgres.ts';
import { expirePayment } from './charge-attempts.ts';
import { lockBill } from './charge-standing.ts';

export type CancelOutcome = 'cancelled' | 'paid' | 'in_doubt';

export interface Cancellation {
  readonly billId: string;
  readonly number: number;
  /** null: there is none that could take money. */
  readonly payment: { readonly id: string; readonly isPaid: boolean; readonly paymentIntent: string } | null;
}

/** One that nobody has answered yet is gone on with. */
export function beginCancellation(db: Pool, billId: string): Promise<Cancellation> {
  return inTransaction(db, async (tx) => {
    await lockBill(tx, billId);
    await tx.query(
      `insert into charge_cancellations (bill_id, number) select $1, 1 + count(*) from charge_cancellations where bill_id = $1
       on conflict do nothing`,
      [billId],
    );
    const { rows: open } = await tx.query<{ number: number }>(
      'select number from charge_cancellations where bill_id = $1 and outcome is null',
      [billId],
    );
    const [cancellation] = open;
    if (cancellation === undefined) throw new Error(`no cancellation of bill ${billId} is open`);
    // Locked: an intent that is being written down is seen, or is not written down any more.
    const { rows } = await tx.query<{ id: string; isPaid: boolean; paymentIntent: string | null }>(
      `select id, state = 'paid' as "isPaid", stripe_payment_intent as "paymentIntent" from payments
        where bill_id = $1 and state <> 'expired' for update`,
      [billId],
    );
    const [payment] = rows;
    if (payment === undefined) return { billId, ...cancellation, payment: null };
    const { id, isPaid, paymentIntent } = payment;
    if (paymentIntent !== null) return { billId, ...cancellation, payment: { id, isPaid, paymentIntent } };
    await expirePayment(tx, id, null);
    return { billId, ...cancellation, payment: null };
  });
}

/** After doubt the charge may go on; what has been cancelled stays so, whoever else had doubts. */
export async function answerCancellation(
  db: Pool,
  { billId, number }: Cancellation,
  outcome: CancelOutcome,
): Promise<void> {
  await db.query(
    `update charge_cancellations set outcome = $3, answered_at = billing_now()
      where bill_id = $1 and number = $2 and (outcome is null or $3 = 'cancelled')`,
    [billId, number, outcome],
  );
}
