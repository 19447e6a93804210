// The payment of an automatic top-up: credit for what it costs before tax, as a pack without a bonus. It is a row in the transaction that decides on
// it, and keeps its id whoever asks: a card is asked for it like for an invoice (charges.ts).
import type { PoolClient } from 'pg';
import { cents, nanoOf } from '../../domain/cents.ts';
import { stripeTaxCode, type Tax } from '../../domain/tax.ts';
import type { OpenTopUp } from '../../domain/top-up.ts';
import { idFor } from '../platform/ids.ts';

export function topUpPaymentId(orgId: string, number: number): string {
  return idFor(`top-up:${orgId}:${number}`);
}

/** The one before it is paid, or can be paid no more. */
export async function orderTopUp(
  tx: PoolClient,
  orgId: string,
  { number, amountCents, priceCents }: OpenTopUp,
  tax: Tax,
): Promise<void> {
  await tx.query(
    `insert into payments (id, org_id, purpose, top_up, amount_cents, tax_cents, tax_code, credit_nano, requested_by)
     values ($1, $2, 'top_up', $3, $4, $5, $6, $7, 'auto top-up')`,
    [
      ...[topUpPaymentId(orgId, number), orgId, number, priceCents, priceCents - amountCents],
      ...[stripeTaxCode(tax), nanoOf(cents(amountCents))],
    ],
  );
}

/** In cents, with tax. */
export async function priceOfTopUp(tx: PoolClient, orgId: string, number: number): Promise<number> {
  const { rows } = await tx.query<{ cents: number }>('select amount_cents as cents from payments where id = $1', [
    topUpPaymentId(orgId, number),
  ]);
  if (rows[0] === undefined) throw new Error(`there is no top-up ${number} of organization ${orgId}`);
  return rows[0].cents;
}
