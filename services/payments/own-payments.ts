// An invoice that its customer pays himself, on our page: with a card that he chooses, and before his bank if it wants him. It is the same
// payment intent that billing asks, one question at a time: whoever finds one open joins it, so it pays once whoever asks. His attempts
// are numbered apart from those of billing, and a case of dunning hears no more of them than that it has to wait (D61).
import type { DeclineClass } from '../../domain/declines.ts';
import { inTransaction, type Queryable } from '../platform/postgres.ts';
import { customerPays } from '../subscriptions/learn.ts';
import { intentOf } from './bill-intents.ts';
import { beginOwnAttempt, decline, type OwnOrder } from './charge-attempts.ts';
import { type AttemptName, lockBill } from './charge-standing.ts';
import {
  ABANDONED,
  type ChargePlace,
  concluded,
  JOINED_FOR_MS,
  type Outcome,
  patiently,
  recorded,
  standingWithTax,
  step,
  toldBy,
} from './charges.ts';

export interface LastAnswer {
  readonly outcome: 'declined' | 'fault' | 'unknown';
  readonly declineClass: DeclineClass | null;
  readonly declineCode: string | null;
  /** Null: none was asked. */
  readonly card: { readonly brand: string; readonly last4: string } | null;
}

/** A card is asked once: what it refuses, nobody asks again by himself. */
export async function payOnSession(place: ChargePlace, invoiceId: string, order: OwnOrder): Promise<Outcome> {
  let attempt: AttemptName | null = null;
  const outcome = await patiently(place, JOINED_FOR_MS, async () => {
    if (attempt !== null) return step(place, invoiceId, attempt);
    const found = await joinedOrBegun(place, invoiceId, order);
    if (found === null || 'kind' in found) return found;
    attempt = found;
    return null;
  });
  await tellWhetherHePays(place, invoiceId);
  return outcome;
}

/** Null: all is looked at anew. */
async function joinedOrBegun(
  place: ChargePlace,
  invoiceId: string,
  order: OwnOrder,
): Promise<AttemptName | Outcome | null> {
  await place.stripe.mayPost();
  const standing = await standingWithTax(place, invoiceId, null);
  if ('kind' in standing) return standing;
  const { payment, openTry } = standing;
  if (openTry !== null && (openTry.askedBy === 'billing' || openTry.cardId === order.cardId)) return openTry;
  const intent = await intentOf(place, payment, toldBy(place));
  if (intent === null) return null;
  if (intent.state !== 'open') return concluded(place, payment, intent);
  if (openTry === null) {
    return beginOwnAttempt(
      place.db,
      invoiceId,
      payment,
      { ...order, chargeBefore: intent.latestCharge },
      toldBy(place),
    );
  }
  // He has left the page of the bank of another card. Confirmed anew, the intent forgets it.
  if (intent.bankPage === null) return openTry;
  await decline(place.db, openTry, ABANDONED);
  return null;
}

/** What has come of whatever is being asked; the customer may be back from his bank. Null: nothing is. */
export async function lookAtPayment(place: ChargePlace, invoiceId: string): Promise<Outcome | null> {
  const attempt = await openAttemptOf(place.db, invoiceId);
  if (attempt === null) return lateMoney(place, invoiceId);
  const outcome = await patiently(place, 0, () => step(place, invoiceId, attempt));
  await tellWhetherHePays(place, invoiceId);
  return outcome;
}

/** Somebody took longer before his bank than he was waited for. Null: he has not paid. */
async function lateMoney(place: ChargePlace, invoiceId: string): Promise<Outcome | null> {
  const paymentIntent = await abandonedPaymentOf(place.db, invoiceId);
  if (paymentIntent === null) return null;
  const outcome = await patiently(place, 0, async () => {
    const intent = await place.stripe.paymentIntent(paymentIntent);
    return intent.isPaid ? recorded(place, intent) : { kind: 'unknown' };
  });
  return outcome.kind === 'paid' ? outcome : null;
}

/** Whose customer was given up before his bank, where nothing else has happened since. Null: there is none. */
async function abandonedPaymentOf(db: Queryable, invoiceId: string): Promise<string | null> {
  const { rows } = await db.query<{ paymentIntent: string }>(
    `select p.stripe_payment_intent as "paymentIntent" from payments p
      where p.invoice_id = $1 and p.state = 'open'
        and exists (select from charge_attempts a where a.payment_id = p.id and a.decline_code = 'authentication_abandoned')`,
    [invoiceId],
  );
  return rows[0]?.paymentIntent ?? null;
}

/** Null: none is under way. */
async function openAttemptOf(db: Queryable, invoiceId: string): Promise<AttemptName | null> {
  const { rows } = await db.query<AttemptName>(
    `select a.asked_by as "askedBy", a.number from charge_attempts a join payments p on p.id = a.payment_id
      where p.invoice_id = $1 and a.outcome is null`,
    [invoiceId],
  );
  return rows[0] ?? null;
}

/** What the card said that was asked last, whoever asked it. Null: none was in the last hour, or it paid. */
export async function lastAnswerOf(db: Queryable, invoiceId: string): Promise<LastAnswer | null> {
  const { rows } = await db.query<LastAnswer>(
    `select a.outcome, a.decline_class as "declineClass", a.decline_code as "declineCode",
            case when m.id is not null then jsonb_build_object('brand', m.brand, 'last4', m.last4) end as card
       from charge_attempts a join payments p on p.id = a.payment_id
       left join payment_methods m on m.stripe_payment_method = a.payment_method
      where p.invoice_id = $1 and a.outcome <> 'paid' and a.answered_at > billing_now() - interval '1 hour'
      order by a.answered_at desc, a.asked_at desc limit 1`,
    [invoiceId],
  );
  return rows[0] ?? null;
}

/** Whatever he was told, his case waits as long as a question is open. */
function tellWhetherHePays(place: ChargePlace, invoiceId: string): Promise<void> {
  return inTransaction(place.db, async (tx) => {
    await lockBill(tx, invoiceId);
    const open = await openAttemptOf(tx, invoiceId);
    await customerPays(tx, invoiceId, open?.askedBy === 'customer', toldBy(place));
  });
}
