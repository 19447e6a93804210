// The money of a bill, an invoice or a top-up, is asked for exactly once. Its payment has one intent at Stripe, made and written down before
// any card is asked: whatever is asked twice, by whomever, is asked of the same intent, and that pays once. So every question begins with
// a look at it, and an answer that was lost is no answer: unknown is never failed (billing.md 4.3).
import { setTimeout as wait } from 'node:timers/promises';
import type { Pool } from 'pg';
import { type ChargeOutcome, outcomeOfRefusal } from '../../domain/charges.ts';
import type { DeclineCodes } from '../../domain/declines.ts';
import { TollgateError } from '../../domain/errors.ts';
import { newId } from '../platform/ids.ts';
import { inTransaction } from '../platform/postgres.ts';
import {
  type Attempt,
  answerWithFault,
  type BillPayment,
  beginAttempt,
  decline,
  expirePayment,
  giveUpTry,
  keepIntent,
  standingOf,
} from './charge-attempts.ts';
import {
  answerCancellation,
  beginCancellation,
  type Cancellation,
  type CancelOutcome,
} from './charge-cancellations.ts';
import { recordPayment } from './payments.ts';
import { beginRefund, sendRefunds } from './refunds.ts';
import type { StripeApi } from './stripe-api.ts';
import { stripeCustomer } from './stripe-customers.ts';
import type { PaymentIntent } from './stripe-intents.ts';

export interface ChargePlace {
  readonly db: Pool;
  readonly stripe: StripeApi;
  /** The workflow that waits for the answer, as in recordPayment. */
  readonly asker?: string;
}

const ACTOR = 'charges';
const PAID: ChargeOutcome = { kind: 'paid' };
const UNKNOWN: ChargeOutcome = { kind: 'unknown' };
const NOT_HEARD_BY: DeclineCodes = {
  declineCode: 'authentication_required',
  adviceCode: null,
  networkAdviceCode: null,
};

/** As banks are told why a card is asked while its owner is away. */
const USED_AS = { invoice: 'recurring', top_up: 'unscheduled' } as const;

/** Somebody else has the same question at Stripe: what he is told is waited for that long. */
const JOINED_FOR_MS = 30_000;
const LOOK_AGAIN_AFTER_MS = 100;

/**
 * Attempt by attempt, each counted by whoever asks. The same attempt again, at the same time or ever after, is the same attempt.
 * Passing trouble with Stripe is an unknown outcome and not an error.
 */
export async function askForCharge(place: ChargePlace, billId: string, attempt: number): Promise<ChargeOutcome> {
  const giveUpAtMs = performance.now() + JOINED_FOR_MS;
  for (;;) {
    try {
      const outcome = await step(place, billId, attempt);
      if (outcome !== null) return outcome;
    } catch (error) {
      if (!isPassing(error)) throw error;
      if (error.code !== 'request_in_progress' || performance.now() > giveUpAtMs) return UNKNOWN;
      await wait(LOOK_AGAIN_AFTER_MS);
    }
  }
}

function isPassing(error: unknown): error is TollgateError {
  if (!(error instanceof TollgateError)) return false;
  return error.code === 'payment_provider_unavailable' || error.code === 'request_in_progress';
}

/** Null: something has been written down, here or by another caller, and all is looked at anew. */
async function step(place: ChargePlace, billId: string, number: number): Promise<ChargeOutcome | null> {
  const standing = await standingOf(place.db, billId, number);
  if ('kind' in standing) return standing;
  const { payment, openAttempt, hasCard } = standing;
  // Answers that there is no card.
  if (payment.paymentIntent === null && !hasCard) {
    await beginAttempt(place.db, billId, payment, number, null);
    return null;
  }
  const intent = await intentOf(place, payment);
  if (intent === null) return null;
  if (intent.state !== 'open') return concluded(place, payment, intent);
  if (openAttempt !== null) return askedAgain(place, payment, openAttempt, intent);
  const known = { ...payment, paymentIntent: intent.id };
  const begun = await beginAttempt(place.db, billId, known, number, intent.latestCharge);
  return begun === null ? null : confirmed(place, payment, begun, intent);
}

/** Null: it was not to be made, or another caller made it. What nobody has written down is never confirmed, so it takes no money. */
async function intentOf({ db, stripe }: ChargePlace, payment: BillPayment): Promise<PaymentIntent | null> {
  if (payment.paymentIntent !== null) return stripe.paymentIntent(payment.paymentIntent);
  const { id: paymentId, orgId, amountCents, currency } = payment;
  const customer = await stripeCustomer(db, stripe, orgId);
  const made = await stripe.intents.create({ paymentId, orgId, customer, amountCents, currency });
  if (made !== null) return (await keepIntent(db, paymentId, made.id)) ? made : null;
  await expirePayment(db, paymentId, null);
  return null;
}

async function concluded(
  place: ChargePlace,
  payment: BillPayment,
  { id, state }: PaymentIntent,
): Promise<ChargeOutcome | null> {
  if (state === 'paid') return recorded(place, id);
  if (state === 'processing') return UNKNOWN;
  await expirePayment(place.db, payment.id, id);
  return null;
}

/** Money that cannot be booked as asked waits for a person, and nobody is charged again meanwhile. */
async function recorded({ db, stripe, asker }: ChargePlace, paymentIntent: string): Promise<ChargeOutcome> {
  const outcome = await inTransaction(db, (tx) => recordPayment(tx, stripe, paymentIntent, { actor: ACTOR, asker }));
  return outcome === 'recorded' || outcome === 'known' ? PAID : UNKNOWN;
}

/** Whoever asked first may have been killed before Stripe heard of it, or before he heard what came of it. */
function askedAgain(
  place: ChargePlace,
  payment: BillPayment,
  attempt: Attempt,
  intent: PaymentIntent,
): Promise<ChargeOutcome | null> {
  const hasBeenRefused = intent.refusal !== null && intent.latestCharge !== attempt.chargeBefore;
  return hasBeenRefused ? refused(place.db, attempt, intent.refusal) : confirmed(place, payment, attempt, intent);
}

async function confirmed(
  place: ChargePlace,
  payment: BillPayment,
  attempt: Attempt,
  { id: paymentIntent }: PaymentIntent,
): Promise<ChargeOutcome | null> {
  const { paymentMethod } = attempt;
  const confirming = {
    paymentIntent,
    paymentId: payment.id,
    attempt: `${attempt.number}.${attempt.try}`,
    paymentMethod,
  };
  const confirmation = await place.stripe.intents.confirmOffSession(confirming, USED_AS[payment.kind]);
  switch (confirmation.kind) {
    case 'answered':
      return confirmation.intent.state === 'open'
        ? refused(place.db, attempt, NOT_HEARD_BY)
        : concluded(place, payment, confirmation.intent);
    case 'refused':
      return refused(place.db, attempt, confirmation.codes);
    case 'invalid':
      await answerWithFault(place.db, attempt, confirmation.why);
      return null;
    case 'overtaken':
      await giveUpTry(place.db, attempt);
      return null;
    case 'fault_repeated':
      if (!attempt.isOld) return UNKNOWN;
      await giveUpTry(place.db, attempt);
      return null;
  }
}

/** A bank that says it has seen this before is asked once more when an earlier payment would have shown itself. */
async function refused(db: Pool, attempt: Attempt, codes: DeclineCodes): Promise<ChargeOutcome | null> {
  if (outcomeOfRefusal(codes).kind === 'declined') await decline(db, attempt, codes);
  else if (attempt.isOld) await giveUpTry(db, attempt, codes);
  else return UNKNOWN;
  return null;
}

/** After 'cancelled' no money can come for this bill any more; 'in_doubt': it may be coming, and is asked for again as if nothing was. */
export async function cancelCharge(place: ChargePlace, billId: string): Promise<CancelOutcome> {
  const cancellation = await beginCancellation(place.db, billId);
  const outcome = await cancelled(place, cancellation);
  await answerCancellation(place.db, cancellation, outcome);
  return outcome;
}

async function cancelled(place: ChargePlace, { number, payment }: Cancellation): Promise<CancelOutcome> {
  if (payment === null) return 'cancelled';
  if (payment.isPaid) return 'paid';
  try {
    const { id, state } = await place.stripe.intents.cancel(payment.paymentIntent, payment.id, number);
    if (state === 'paid') return (await recorded(place, id)).kind === 'paid' ? 'paid' : 'in_doubt';
    if (state !== 'cancelled') return 'in_doubt';
    await expirePayment(place.db, payment.id, id);
    return 'cancelled';
  } catch (error) {
    if (isPassing(error)) return 'in_doubt';
    throw error;
  }
}

/** All that was captured for an invoice that is void by now. Where nothing was, or all of it has gone back, nothing happens. */
export async function refundVoidInvoice({ db, stripe }: ChargePlace, invoiceId: string): Promise<void> {
  const { rows: payments } = await db.query<{ id: string }>(
    `select p.id from payments p join invoices i on i.id = p.invoice_id where i.id = $1 and i.state = 'void' and p.state = 'paid'`,
    [invoiceId],
  );
  for (const { id } of payments) await beginRefund(db, [newId(), id, null, null, ACTOR]);
  const { rows: refunds } = await db.query<{ id: string }>(
    'select r.id from refunds r join payments p on p.id = r.payment_id where p.invoice_id = $1',
    [invoiceId],
  );
  for (const { id } of refunds) await sendRefunds(db, stripe, id);
}
