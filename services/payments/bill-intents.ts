// The payment intent of a bill: made once, and written down before any card is asked. What was made before and is not written down, because its
// process died or a restored database has forgotten it, is looked for among its customer’s and taken over, before another one is made (D153).
import type { Pool } from 'pg';
import { TollgateError } from '../../domain/errors.ts';
import { inTransaction } from '../platform/postgres.ts';
import type { Told } from '../subscriptions/turn.ts';
import { adoptIntent, isKnown, isPlaceless } from './adoption.ts';
import { expirePayment, keepIntent } from './charge-attempts.ts';
import type { BillPayment } from './charge-standing.ts';
import { noteOf, type PurchaseNote } from './purchase-notes.ts';
import type { StripeApi } from './stripe-api.ts';
import { stripeCustomer } from './stripe-customers.ts';
import type { PaymentIntent } from './stripe-intents.ts';

export interface IntentPlace {
  readonly db: Pool;
  readonly stripe: StripeApi;
}

/** Null: it was not to be made, or another caller made it. What nobody has written down is never confirmed, so it takes no money. */
export async function intentOf(place: IntentPlace, payment: BillPayment, told: Told): Promise<PaymentIntent | null> {
  const { db, stripe } = place;
  if (payment.paymentIntent !== null) return stripe.paymentIntent(payment.paymentIntent);
  const { id: paymentId, amountCents, currency } = payment;
  const note = await noteOf(db, paymentId);
  const found = payment.customer === null ? null : await madeBefore(place, payment.customer, note, told);
  if (found === 'adopted') return null;
  const customer = payment.customer ?? (await stripeCustomer(db, stripe, payment.orgId));
  const made = found ?? (await stripe.intents.create({ paymentId, note, customer, amountCents, currency }));
  if (made !== null) return (await keepIntent(db, paymentId, made.id)) ? made : null;
  await expirePayment(db, paymentId, null);
  return null;
}

/** 'adopted': its invoice was paid by a payment that was forgotten, and is by now. Null: there is none. */
async function madeBefore(
  { db, stripe }: IntentPlace,
  customer: string,
  { payment_id: paymentId, invoice_id: invoiceId }: PurchaseNote,
  told: Told,
): Promise<PaymentIntent | 'adopted' | null> {
  const alive = (await stripe.intents.of(customer)).filter(({ state }) => state !== 'cancelled');
  const own = alive.find((intent) => intent.paymentId === paymentId);
  if (own !== undefined) return own;
  if (invoiceId === undefined) return null;
  for (const intent of alive) {
    if (intent.state === 'open' || intent.note.invoice_id !== invoiceId) continue;
    if (intent.paymentId === null || (await isKnown(db, intent.paymentId))) continue;
    const { outcome } = await inTransaction(db, (tx) => adoptIntent(tx, intent, told));
    if (outcome !== 'under_way' && !isPlaceless(outcome)) return 'adopted';
    throw new TollgateError('payment_provider_unavailable', {
      message: `Invoice ${invoiceId} is being paid by ${intent.id}, and nobody knows yet how that ends, or where it belongs: repeat this in a minute.`,
    });
  }
  return null;
}
