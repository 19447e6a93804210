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
  return begin(db, paymentId, null, atMostCents, actor);
}

/** What Stripe says that it gave back. */
export function bookHeardRefund(
  db: Queryable,
  paymentId: string,
  { id, amountCents }: { readonly id: string; readonly amountCents: number },
  actor: string,
): Promise<BegunRefund> {
  return begin(db, paymentId, id, amountCents, actor);
}

async function begin(
  db: Queryable,
  paymentId: string,
  stripeRefund: string | null,
  cents: number | null,
  actor: string,
): Promise<BegunRefund> {
  const id = newId();
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
