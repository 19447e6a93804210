// The payment of an automatic top-up: credit for what it costs, as a pack without a bonus. It is a row in the transaction that decides on
// it, and keeps its id whoever asks: a card is asked for it like for an invoice (charges.ts).
import type { PoolClient } from 'pg';
import { cents, nanoOf } from '../../domain/cents.ts';
import { idFor } from '../platform/ids.ts';

export function topUpPaymentId(orgId: string, number: number): string {
  return idFor(`top-up:${orgId}:${number}`);
}

/** The one before it is paid, or can be paid no more. */
export async function orderTopUp(
  tx: PoolClient,
  orgId: string,
  { number, amountCents }: { readonly number: number; readonly amountCents: number },
): Promise<void> {
  await tx.query(
    `insert into payments (id, org_id, purpose, top_up, amount_cents, credit_nano, requested_by)
     values ($1, $2, 'top_up', $3, $4, $5, 'auto top-up')`,
    [topUpPaymentId(orgId, number), orgId, number, amountCents, nanoOf(cents(amountCents))],
  );
}
