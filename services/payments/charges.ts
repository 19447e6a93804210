// The money of a bill, an invoice or a top-up, is asked for exactly once. Its payment has one intent at Stripe, made and written down before
// any card is asked: whatever is asked twice, by whomever, is asked of the same intent, and that pays once. So every question begins with
// a look at it, and an answer that was lost is no answer: unknown is never failed (billing.md 4.3).
import { setTimeout as wait } from 'node:timers/promises';
import type { Pool } from 'pg';
import { type ChargeOutcome, outcomeOfRefusal } from '../../domain/charges.ts';
import type { DeclineCodes } from '../../domain/declines.ts';
import { TollgateError } from '../../domain/errors.ts';
import { inTransaction } from '../platform/postgres.ts';
import type { Told } from '../subscriptions/turn.ts';
import { settleTax } from '../taxes/stripe-tax.ts';
import { intentOf } from './bill-intents.ts';
import { answerWithFault, beginTry, decline, expirePayment, giveUpTry } from './charge-attempts.ts';
import {
  answerCancellation,
  beginCancellation,
  type Cancellation,
  type CancelOutcome,
} from './charge-cancellations.ts';
import {
  type Askable,
  type AttemptName,
  AWAITS_TAX,
  type BillPayment,
  type ChargeTry,
  standingOf,
} from './charge-standing.ts';
import { recordIntent } from './payments.ts';
import { beginRefund } from './refund-rows.ts';
import { isAllBack, sendRefunds } from './refunds.ts';
import type { StripeApi } from './stripe-api.ts';
import type { PaymentIntent } from './stripe-intents.ts';

export interface ChargePlace {
  readonly db: Pool;
  readonly stripe: StripeApi;
  /** The workflow that waits for the answer (Told). */
  readonly asker?: string | undefined;
  /** Hears why an outcome is unknown. Who asks for money by the clock writes it down: nobody stands there to be told. */
  readonly onTrouble?: (error: TollgateError) => void;
}

/** Whoever has chosen a card himself stands before a page of his bank. */
export interface AtBank {
  readonly kind: 'at_bank';
  readonly bankPage: string;
}

const ACTOR = 'charges';
const PAID: ChargeOutcome = { kind: 'paid' };
const UNKNOWN: ChargeOutcome = { kind: 'unknown' };
const WANTS_CUSTOMER: DeclineCodes = {
  declineCode: 'authentication_required',
  adviceCode: null,
  networkAdviceCode: null,
};

/** A customer who has not come back from his bank by now keeps nobody waiting any longer. */
export const ABANDONED: DeclineCodes = {
  declineCode: 'authentication_abandoned',
  adviceCode: null,
  networkAdviceCode: null,
};

/** As banks are told why a card is asked while its owner is away. */
const USED_AS = { invoice: 'recurring', top_up: 'unscheduled' } as const;

/** Somebody else has the same question at Stripe (D55): what he is told is waited for that long. */
export const JOINED_FOR_MS = 30_000;
const LOOK_AGAIN_AFTER_MS = 100;

/**
 * Attempt by attempt, each counted by whoever asks. The same attempt again, at the same time or ever after, is the same attempt.
 * Passing trouble with Stripe is an unknown outcome and not an error.
 */
export async function askForCharge(place: ChargePlace, billId: string, attempt: number): Promise<ChargeOutcome> {
  const name = { askedBy: 'billing', number: attempt } as const;
  const outcome = await patiently(place, JOINED_FOR_MS, () => step(place, billId, name));
  // Whoever stands before his bank may be paying at this moment.
  return outcome.kind === 'at_bank' ? UNKNOWN : outcome;
}

export type Outcome = ChargeOutcome | AtBank;

export async function patiently(
  { onTrouble }: ChargePlace,
  patienceMs: number,
  once: () => Promise<Outcome | null>,
): Promise<Outcome> {
  const giveUpAtMs = performance.now() + patienceMs;
  for (;;) {
    try {
      const outcome = await once();
      if (outcome !== null) return outcome;
    } catch (error) {
      if (!isPassing(error)) throw error;
      if (error.code !== 'request_in_progress' || performance.now() > giveUpAtMs) {
        onTrouble?.(error);
        return UNKNOWN;
      }
      await wait(LOOK_AGAIN_AFTER_MS);
    }
  }
}

/** An address that Stripe Tax does not take is no refusal of a bank: nobody is asked, and it may be mended at any moment. */
const PASSING: ReadonlySet<string> = new Set([
  'payment_provider_unavailable',
  'request_in_progress',
  'tax_address_invalid',
]);

function isPassing(error: unknown): error is TollgateError {
  if (!(error instanceof TollgateError)) return false;
  return PASSING.has(error.code);
}

/** Null: something has been written down, here or by another caller, and all is looked at anew. */
export async function step(place: ChargePlace, billId: string, attempt: AttemptName): Promise<Outcome | null> {
  await place.stripe.mayPost();
  const standing = await standingWithTax(place, billId, attempt);
  if ('kind' in standing) return standing;
  const { askedBy, number } = attempt;
  const { payment, openTry, hasCard } = standing;
  // Answers that there is no card.
  if (payment.paymentIntent === null && !hasCard) {
    await beginTry(place.db, billId, payment, number, null);
    return null;
  }
  const intent = await intentOf(place, payment, toldBy(place));
  if (intent === null) return null;
  if (intent.state !== 'open') return concluded(place, payment, intent);
  if (openTry !== null) return askedAgain(place, payment, openTry, intent);
  if (askedBy === 'customer') throw new Error(`bill ${billId} has no attempt ${number} of its customer`);
  const known = { ...payment, paymentIntent: intent.id };
  const begun = await beginTry(place.db, billId, known, number, intent.latestCharge);
  return begun === null ? null : confirmed(place, payment, begun, intent);
}

/** As standingOf, once its tax is known: Stripe is asked for that where it has to say it. */
export async function standingWithTax(
  place: ChargePlace,
  billId: string,
  attempt: AttemptName | null,
): Promise<ChargeOutcome | Askable> {
  for (;;) {
    const standing = await standingOf(place.db, billId, attempt);
    if (standing !== AWAITS_TAX) return standing;
    await settleTax(place, billId);
  }
}

/** Of an intent that no card can be asked for any more. Null: it is cancelled, and its payment can be paid no more. */
export async function concluded(
  place: ChargePlace,
  payment: BillPayment,
  intent: PaymentIntent,
): Promise<ChargeOutcome | null> {
  if (intent.state === 'paid') return recorded(place, intent);
  if (intent.state === 'processing') return UNKNOWN;
  await expirePayment(place.db, payment.id, intent.id);
  return null;
}

/** Money that cannot be booked as asked waits for a person, and nobody is charged again meanwhile. */
export async function recorded(place: ChargePlace, intent: PaymentIntent): Promise<ChargeOutcome> {
  const outcome = await inTransaction(place.db, (tx) => recordIntent(tx, intent, toldBy(place)));
  return outcome === 'recorded' || outcome === 'known' || outcome === 'twice' ? PAID : UNKNOWN;
}

export function toldBy({ asker }: ChargePlace): Told {
  return { actor: ACTOR, asker };
}

/** Whoever asked first may have been killed before Stripe heard of it, or before he heard what came of it (D56). */
function askedAgain(
  place: ChargePlace,
  payment: BillPayment,
  asked: ChargeTry,
  intent: PaymentIntent,
): Promise<Outcome | null> {
  const hasBeenRefused = intent.refusal !== null && intent.latestCharge !== asked.chargeBefore;
  if (hasBeenRefused) return refused(place.db, asked, intent.refusal);
  return asked.askedBy === 'customer' && asked.isOld
    ? refused(place.db, asked, ABANDONED)
    : confirmed(place, payment, asked, intent);
}

async function confirmed(
  place: ChargePlace,
  payment: BillPayment,
  asked: ChargeTry,
  intent: PaymentIntent,
): Promise<Outcome | null> {
  const { paymentMethod, returnUrl } = asked;
  const name = `${asked.number}.${asked.try}`;
  const confirming = {
    paymentIntent: intent.id,
    paymentId: payment.id,
    attempt: returnUrl === null ? name : `customer:${name}`,
    paymentMethod,
  };
  const { intents } = place.stripe;
  const confirmation = await (returnUrl === null
    ? intents.confirmOffSession(confirming, USED_AS[payment.kind])
    : intents.confirmOnSession(confirming, returnUrl));
  switch (confirmation.kind) {
    case 'answered':
      return confirmation.intent.state === 'open'
        ? customerWanted(place, payment, asked, intent)
        : concluded(place, payment, confirmation.intent);
    case 'refused':
      return refused(place.db, asked, confirmation.codes);
    case 'invalid':
      await answerWithFault(place.db, asked, confirmation.why);
      return null;
    case 'overtaken':
      await giveUpTry(place.db, asked);
      return null;
    case 'fault_repeated':
      if (!asked.isOld) return UNKNOWN;
      await giveUpTry(place.db, asked);
      return null;
  }
}

/** What is answered again under a key is what was answered first: only the intent says whether his bank still waits. */
async function customerWanted(
  place: ChargePlace,
  payment: BillPayment,
  asked: ChargeTry,
  { id }: PaymentIntent,
): Promise<Outcome | null> {
  if (asked.returnUrl === null) return refused(place.db, asked, WANTS_CUSTOMER);
  const intent = await place.stripe.paymentIntent(id);
  if (intent.state !== 'open') return concluded(place, payment, intent);
  if (intent.bankPage !== null) return { kind: 'at_bank', bankPage: intent.bankPage };
  return refused(place.db, asked, intent.refusal ?? WANTS_CUSTOMER);
}

/** A bank that says it has seen this before is asked once more when an earlier payment would have shown itself. */
async function refused(db: Pool, asked: ChargeTry, codes: DeclineCodes): Promise<ChargeOutcome | null> {
  if (outcomeOfRefusal(codes).kind === 'declined') await decline(db, asked, codes);
  else if (asked.isOld) await giveUpTry(db, asked, codes);
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
    const intent = await place.stripe.intents.cancel(payment.paymentIntent, payment.id, number);
    if (intent.state === 'paid') return (await recorded(place, intent)).kind === 'paid' ? 'paid' : 'in_doubt';
    if (intent.state !== 'cancelled') return 'in_doubt';
    await expirePayment(place.db, payment.id, intent.id);
    return 'cancelled';
  } catch (error) {
    if (!isPassing(error)) throw error;
    place.onTrouble?.(error);
    return 'in_doubt';
  }
}

/** All that was captured for an invoice that is void by now. False: Stripe would not give back all of it, which was told (refunds.ts). */
export async function refundVoidInvoice({ db, stripe }: ChargePlace, invoiceId: string): Promise<boolean> {
  const { rows: payments } = await db.query<{ id: string }>(
    `select p.id from payments p join invoices i on i.id = p.invoice_id where i.id = $1 and i.state = 'void' and p.state = 'paid'`,
    [invoiceId],
  );
  for (const { id } of payments) await beginRefund(db, id, ACTOR);
  const { rows: refunds } = await db.query<{ id: string }>(
    'select r.id from refunds r join payments p on p.id = r.payment_id where p.invoice_id = $1',
    [invoiceId],
  );
  for (const { id } of refunds) await sendRefunds(db, stripe, id);
  return isAllBack(db, invoiceId);
}
