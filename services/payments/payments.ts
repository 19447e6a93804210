// Payments: what was asked for, and what came of it. Money comes in through recordPayment alone.
import type { PoolClient } from 'pg';
import { z } from 'zod';
import { TollgateError } from '../../domain/errors.ts';
import { type Nano, nano } from '../../domain/nano.ts';
import type { Queryable } from '../platform/postgres.ts';
import { invoicePaid } from '../subscriptions/learn.ts';
import type { Told } from '../subscriptions/turn.ts';
import { topUpPaid } from '../top-ups/turn.ts';
import { beginRefund } from './refund-rows.ts';
import type { StripeApi } from './stripe-api.ts';
import type { PaymentIntent } from './stripe-intents.ts';

export interface Payment {
  readonly id: string;
  readonly orgId: string;
  readonly purpose: 'pack' | 'invoice' | 'top_up' | 'second_capture';
  readonly pack: string | null;
  readonly invoiceId: string | null;
  /** Its number. */
  readonly topUp: number | null;
  /** The payment that was captured once more. */
  readonly secondOf: string | null;
  readonly state: 'open' | 'paid' | 'expired';
  readonly amountCents: number;
  /** Of the amount. */
  readonly taxCents: number;
  /** The amount is net: Stripe has not said yet what the tax on it is. */
  readonly awaitsTax: boolean;
  readonly currency: string;
  readonly creditNano: Nano;
  readonly bonusNano: Nano;
  readonly stripePaymentIntent: string | null;
  /** Given back, or on its way. */
  readonly refundedCents: number;
  readonly requestedBy: string;
  readonly createdAt: Date;
  readonly paidAt: Date | null;
}

interface PaymentRow extends Omit<Payment, 'creditNano' | 'bonusNano'> {
  readonly creditNano: string;
  readonly bonusNano: string;
}

/** 'twice': it was paid before, by another intent; this one is on its way back. 'in_question': nothing is credited, a person decides. */
export type Recorded = 'recorded' | 'known' | 'twice' | 'in_question' | 'not_ours' | 'not_paid';

const PaymentId = z.uuid();

/**
 * The only writer of money in. Whoever learns that something may have been paid calls it, at any time and as often as it likes: it looks
 * at the payment intent as Stripe has it now, and PostgreSQL counts it once. What the money changes (credit, period, case of dunning,
 * restriction) is in the same transaction.
 */
export async function recordPayment(
  tx: PoolClient,
  stripe: StripeApi,
  paymentIntentId: string,
  told: Told,
): Promise<Recorded> {
  if (await isOnTheBooks(tx, paymentIntentId)) return 'known';
  return recordIntent(tx, await stripe.paymentIntent(paymentIntentId), told);
}

/** What is paid stays paid: Stripe need not be asked again (D76). */
async function isOnTheBooks(tx: PoolClient, paymentIntentId: string): Promise<boolean> {
  const { rowCount } = await tx.query("select from payments where stripe_payment_intent = $1 and state = 'paid'", [
    paymentIntentId,
  ]);
  return rowCount === 1;
}

/** As Stripe has told it in this very transaction, or in answer to what led to it. */
export async function recordIntent(tx: PoolClient, intent: PaymentIntent, told: Told): Promise<Recorded> {
  const paymentId = PaymentId.safeParse(intent.paymentId);
  if (!paymentId.success) return 'not_ours';
  if (!intent.isPaid) return 'not_paid';
  const { rows } = await tx.query<{ outcome: Recorded }>('select record_payment($1, $2, $3, $4, $5, $6) as outcome', [
    paymentId.data,
    intent.id,
    intent.amountCents,
    intent.currency,
    told.actor,
    told.asker ?? null,
  ]);
  const [row] = rows;
  if (row === undefined) throw new Error('record_payment answered nothing');
  return row.outcome === 'recorded' ? fulfilled(tx, paymentId.data, told) : row.outcome;
}

/** A pack was fulfilled with its record. What goes back leaves the books at once: no other period may be paid out of it. */
async function fulfilled(tx: PoolClient, paymentId: string, told: Told): Promise<Recorded> {
  const { orgId, topUp, invoiceId, isSecond } = await soldBy(tx, paymentId);
  if (topUp !== null) await topUpPaid(tx, orgId, topUp, told);
  if (invoiceId === null) return 'recorded';
  if (!isSecond && (await invoicePaid(tx, invoiceId, told)) === 'taken') return 'recorded';
  await beginRefund(tx, paymentId, told.actor);
  return isSecond ? 'twice' : 'recorded';
}

interface Sold extends Pick<Payment, 'orgId' | 'topUp' | 'invoiceId'> {
  /** Its invoice is of a plan, and was paid before by another payment, whose place this one had or was to take. */
  readonly isSecond: boolean;
}

export async function soldBy(db: Queryable, paymentId: string): Promise<Sold> {
  const { rows } = await db.query<Sold>(
    `select p.org_id as "orgId", p.top_up as "topUp", p.invoice_id as "invoiceId",
            exists (select from invoices i join payments o on o.invoice_id = i.id and o.state = 'paid' and o.transaction_id < p.transaction_id
                     where i.id = p.invoice_id and i.kind = 'plan' and i.state = 'paid') as "isSecond"
       from payments p where p.id = $1`,
    [paymentId],
  );
  if (rows[0] === undefined) throw new Error(`there is no payment ${paymentId}`);
  return rows[0];
}

const PAYMENTS = `
  select p.id, p.org_id as "orgId", p.purpose, p.pack, p.invoice_id as "invoiceId", p.top_up as "topUp", p.second_of as "secondOf", p.state, p.amount_cents as "amountCents", p.tax_cents as "taxCents",
         p.awaits_tax as "awaitsTax", p.currency, p.credit_nano as "creditNano",
         p.bonus_nano as "bonusNano", p.stripe_payment_intent as "stripePaymentIntent", p.requested_by as "requestedBy",
         p.created_at as "createdAt", p.paid_at as "paidAt",
         coalesce((select sum(r.amount_cents)::integer from refunds r where r.payment_id = p.id and r.state <> 'failed'), 0) as "refundedCents"
    from payments p`;

/** @throws TollgateError not_found */
export async function payment(db: Queryable, id: string): Promise<Payment> {
  const { rows } = await db.query<PaymentRow>(`${PAYMENTS} where p.id = $1`, [id]);
  const [row] = rows;
  if (row === undefined) throw new TollgateError('not_found', { message: `There is no payment ${id}.`, param: 'id' });
  return readPayment(row);
}

/** Newest first. */
export async function listPayments(
  db: Queryable,
  orgId: string,
  after: string | null,
  pageSize: number,
): Promise<Payment[]> {
  const { rows } = await db.query<PaymentRow>(
    `${PAYMENTS}
      where p.org_id = $1
        and ($2::uuid is null or (p.created_at, p.id) < (select a.created_at, a.id from payments a where a.id = $2))
      order by p.created_at desc, p.id desc
      limit $3`,
    [orgId, after, pageSize],
  );
  return rows.map(readPayment);
}

function readPayment(row: PaymentRow): Payment {
  return { ...row, creditNano: nano(row.creditNano), bonusNano: nano(row.bonusNano) };
}
