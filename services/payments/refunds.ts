// Money that goes back. The credit goes first, in our books, then Stripe is asked, again and again if need be under one key; what Stripe
// says of it later, also of refunds that somebody made there, is applied as it stands then.
import type { Pool, PoolClient } from 'pg';
import { z } from 'zod';
import { TollgateError } from '../../domain/errors.ts';
import { isWithinRefundWindow, PACK_REFUND_DAYS } from '../../domain/proration.ts';
import { oneByOne } from '../platform/one-by-one.ts';
import { inTransaction, type Queryable } from '../platform/postgres.ts';
import { invoiceRefunded, invoiceRefundRefused } from '../subscriptions/learn.ts';
import { billingNow } from '../subscriptions/turn.ts';
import { payment, recordPayment } from './payments.ts';
import { tellOfRefund } from './refund-mails.ts';
import { beginRefund, bookHeardRefund, ownRefund, refundAt } from './refund-rows.ts';
import { endRefusedRefund, markSeenTo, tellOfRefusedRefund } from './refused-refund-rows.ts';
import type { StripeApi, StripeRefund } from './stripe-api.ts';

export interface Refund {
  readonly id: string;
  readonly paymentId: string;
  readonly amountCents: number;
  readonly state: StripeRefund['state'];
}

const RefundId = z.uuid();

/**
 * Takes what is unused of bought credit out of the books; sendRefunds hands it to Stripe. What was captured twice, and came back to us, goes
 * back at any time. `ignoresWindow`: the operator's word, for a reason that he gives.
 * @throws TollgateError not_found; refund_window_over; conflict where nothing is left, or no credit was bought
 */
export async function refundUnusedPack(
  tx: PoolClient,
  paymentId: string,
  actor: string,
  ignoresWindow = false,
): Promise<Refund> {
  const { state, purpose, paidAt } = await payment(tx, paymentId);
  if (purpose === 'invoice') {
    throw new TollgateError('conflict', {
      message: `Payment ${paymentId} paid an invoice, no pack: an invoice that is void goes back by itself.`,
    });
  }
  if (paidAt !== null && purpose !== 'second_capture' && !ignoresWindow) await requireWindow(tx, paymentId, paidAt);
  const { id, amountCents } = await beginRefund(tx, paymentId, actor);
  if (amountCents > 0) {
    await markSeenTo(tx, paymentId);
    return { id, paymentId, amountCents, state: 'submitted' };
  }
  const why = state === 'paid' ? 'everything that was paid has been used, or given back' : `it is ${state}`;
  throw new TollgateError('conflict', { message: `Nothing of payment ${paymentId} can be refunded: ${why}.` });
}

async function requireWindow(tx: PoolClient, paymentId: string, paidAt: Date): Promise<void> {
  if (isWithinRefundWindow(paidAt.getTime(), await billingNow(tx))) return;
  throw new TollgateError('refund_window_over', {
    message: `Payment ${paymentId} is of ${paidAt.toISOString()}: what is unused of a pack can be refunded within ${PACK_REFUND_DAYS} days. An operator may do it all the same, with "ignoresWindow": true and his reason.`,
  });
}

/** Those of which Stripe has not answered yet, or one of them. One that cannot be sent does not hold up the others. */
export async function sendRefunds(db: Pool, stripe: StripeApi, only: string | null = null): Promise<void> {
  const { rows } = await db.query<{ id: string; intent: string; amountCents: number }>(
    `select r.id, p.stripe_payment_intent as intent, r.amount_cents as "amountCents"
       from refunds r join payments p on p.id = r.payment_id
      where r.stripe_refund is null and r.state = 'submitted' and ($1::uuid is null or r.id = $1)
      order by r.created_at`,
    [only],
  );
  await oneByOne(rows, (refund) => sendRefund(db, stripe, refund));
}

/** What is repeated after a day, when its key is forgotten, is looked for first. */
async function sendRefund(
  db: Pool,
  stripe: StripeApi,
  { id, intent, amountCents }: { readonly id: string; readonly intent: string; readonly amountCents: number },
): Promise<void> {
  const known = (await stripe.refundsOf(intent)).find(({ refundId }) => refundId === id);
  const refund = known ?? (await stripe.createRefund(id, intent, amountCents));
  const [at, state] = [refund?.id ?? null, refund?.state ?? 'failed'] as const;
  await inTransaction(db, (tx) => settleRefund(tx, id, at, state, 'refunds'));
}

/** By a charge or refund of Stripe's: the payment comes first, should nobody have told us of it. */
export async function followRefunds(
  tx: PoolClient,
  stripe: StripeApi,
  refunded: { readonly kind: 'charge' | 'refund'; readonly id: string },
  actor: string,
): Promise<void> {
  const intent = await stripe.refundedPaymentIntent(refunded.kind, refunded.id);
  if (intent === null) return;
  const outcome = await recordPayment(tx, stripe, intent, { actor });
  if (outcome !== 'recorded' && outcome !== 'known' && outcome !== 'twice') return;
  for (const refund of await stripe.refundsOf(intent)) await applyRefund(tx, intent, refund, actor);
}

async function applyRefund(tx: PoolClient, intent: string, refund: StripeRefund, actor: string): Promise<void> {
  const ours = RefundId.safeParse(refund.refundId);
  // Where Stripe's id stands comes first: a refund may have been booked anew (rebook_heard_since).
  const known = (await refundAt(tx, refund.id)) ?? (await ownRefund(tx, intent, ours.data ?? null, refund.amountCents));
  if (known !== null) return settleRefund(tx, known, refund.id, refund.state, actor);
  if (refund.state === 'failed') return;
  const { rows } = await tx.query<{ id: string }>('select id from payments where stripe_payment_intent = $1', [intent]);
  const [paid] = rows;
  if (paid === undefined) throw new Error(`no payment was recorded by ${intent}`);
  const { id } = await bookHeardRefund(tx, paid.id, refund, actor, ours.data);
  await settleRefund(tx, id, refund.id, refund.state, actor);
}

async function settleRefund(
  tx: PoolClient,
  id: string,
  stripeRefund: string | null,
  state: StripeRefund['state'],
  actor: string,
): Promise<void> {
  const { rows } = await tx.query<{ hasFailed: boolean }>('select settle_refund($1, $2, $3, $4) as "hasFailed"', [
    id,
    stripeRefund,
    state,
    actor,
  ]);
  if (rows[0]?.hasFailed === true) await tellOfRefusal(tx, id, actor);
  if (state !== 'succeeded') return;
  await tellOfRefund(tx, id);
  await endRefusal(tx, id, actor);
}

/** A person must see to it: of a void invoice by its subscription, unless somebody has given all of it back meanwhile. */
async function tellOfRefusal(tx: PoolClient, refundId: string, actor: string): Promise<void> {
  const { rows } = await tx.query<{ invoiceId: string }>(
    `select i.id as "invoiceId" from refunds r join payments p on p.id = r.payment_id join invoices i on i.id = p.invoice_id
       join subscriptions s on s.id = i.subscription_id where r.id = $1 and i.state = 'void'`,
    [refundId],
  );
  if (rows.length === 0) return tellOfRefusedRefund(tx, refundId);
  for (const { invoiceId } of rows) {
    const tell = (await isAllBack(tx, invoiceId)) ? invoiceRefunded : invoiceRefundRefused;
    await tell(tx, invoiceId, { actor });
  }
}

/** Somebody has given it back at Stripe, or Stripe has done what it would not do before. */
async function endRefusal(tx: PoolClient, refundId: string, actor: string): Promise<void> {
  await endRefusedRefund(tx, refundId);
  const { rows } = await tx.query<{ invoiceId: string }>(
    `select i.id as "invoiceId" from refunds r join payments p on p.id = r.payment_id join invoices i on i.id = p.invoice_id
       join subscriptions s on s.id = i.subscription_id where r.id = $1 and s.state -> 'refundsRefused' ? i.name`,
    [refundId],
  );
  for (const { invoiceId } of rows) {
    if (await isAllBack(tx, invoiceId)) await invoiceRefunded(tx, invoiceId, { actor });
  }
}

/** Of all that was captured for it, nothing is with us, or will be when Stripe has done what it was asked. */
export async function isAllBack(db: Queryable, invoiceId: string): Promise<boolean> {
  const { rowCount } = await db.query(
    `select from payments p where p.invoice_id = $1 and p.state = 'paid'
        and p.amount_cents > coalesce((select sum(r.amount_cents) from refunds r where r.payment_id = p.id and r.state <> 'failed'), 0) limit 1`,
    [invoiceId],
  );
  return rowCount === 0;
}
