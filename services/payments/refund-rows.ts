// Refunds as rows. Each is made with its entries in the books by begin_refund (migrations/0005): before Stripe is asked where it is ours, after it
// where somebody made it there.
import { newId } from '../platform/ids.ts';
import type { Queryable } from '../platform/postgres.ts';

export interface BegunRefund {
  readonly id: string;
  /** 0: nothing of the payment is unused, or with us, and there is no such row. */
  readonly amountCents: number;
}

/** All that can go back of a payment, or at most so much of it. */
export function beginRefund(
  db: Queryable,
  paymentId: string,
  actor: string,
  atMostCents: number | null = null,
): Promise<BegunRefund> {
  return begin(db, newId(), paymentId, null, atMostCents, actor);
}

/** What Stripe says that it gave back; `id`: that it had with us, where we had asked for it and have forgotten. */
export function bookHeardRefund(
  db: Queryable,
  paymentId: string,
  heard: { readonly id: string; readonly amountCents: number },
  actor: string,
  id = newId(),
): Promise<BegunRefund> {
  return begin(db, id, paymentId, heard.id, heard.amountCents, actor);
}

/**
 * Of a refund of ours that Stripe names: its row, or the one that was begun in its place since a restore. `id` null: somebody made it there, and
 * while billing is on hold that is how ours are made. Null: there is none.
 */
export async function ownRefund(
  db: Queryable,
  paymentIntent: string,
  id: string | null,
  amountCents: number,
): Promise<string | null> {
  const { rows } = await db.query<{ id: string }>(
    `select r.id from refunds r join payments p on p.id = r.payment_id
      where r.id = $2
         or ($2::uuid is not null or billing_held_since() is not null) and p.stripe_payment_intent = $1 and r.stripe_refund is null and r.state = 'submitted' and r.amount_cents = $3
      order by r.id = $2 desc nulls last limit 1`,
    [paymentIntent, id, amountCents],
  );
  return rows[0]?.id ?? null;
}

async function begin(
  db: Queryable,
  id: string,
  paymentId: string,
  stripeRefund: string | null,
  cents: number | null,
  actor: string,
): Promise<BegunRefund> {
  const { rows } = await db.query<{ cents: string }>('select begin_refund($1, $2, $3, $4, $5) as cents', [
    id,
    paymentId,
    stripeRefund,
    cents,
    actor,
  ]);
  return { id, amountCents: Number(rows[0]?.cents) };
}

/** Null: we have heard of none by that id of Stripe's. */
export async function refundAt(db: Queryable, stripeRefund: string): Promise<string | null> {
  const { rows } = await db.query<{ id: string }>('select id from refunds where stripe_refund = $1', [stripeRefund]);
  return rows[0]?.id ?? null;
}
