// What was asked of which card for a bill, as rows: an invoice, or a top-up (migrations/0010). They are begun under the organization's lock, of
// what is not answered yet (charge-standing.ts); answers take no lock.
import type { Pool, PoolClient } from 'pg';
import { classifyDecline, type DeclineCodes } from '../../domain/declines.ts';
import { type Author, writeAudit } from '../audit/audit.ts';
import { inTransaction, type Queryable } from '../platform/postgres.ts';
import { customerPays } from '../subscriptions/learn.ts';
import type { Told } from '../subscriptions/turn.ts';
import { type CardToAsk, cardToAsk } from './cards.ts';
import { type AttemptName, type BillPayment, type ChargeTry, isOvertaken, TRY } from './charge-standing.ts';

/** False: it is not open any more, or another caller has written down the same or another one. */
export async function keepIntent(db: Queryable, paymentId: string, paymentIntent: string): Promise<boolean> {
  const { rowCount } = await db.query(
    `update payments set stripe_payment_intent = $2 where id = $1 and state = 'open' and stripe_payment_intent is null`,
    [paymentId, paymentIntent],
  );
  return rowCount === 1;
}

export async function expirePayment(db: Queryable, paymentId: string, paymentIntent: string | null): Promise<void> {
  await db.query('select expire_payment($1, $2)', [paymentId, paymentIntent]);
}

/**
 * The row of a new attempt, or of the next try of one, with the card that is to be asked. Without a card that may be asked, the
 * attempt is answered with it. Null: things are not as the caller saw them.
 */
export function beginTry(
  db: Pool,
  billId: string,
  { id: paymentId, orgId, paymentIntent }: BillPayment,
  number: number,
  chargeBefore: string | null,
): Promise<ChargeTry | null> {
  return inTransaction(db, async (tx) => {
    if (await isOvertaken(tx, billId, paymentId, { askedBy: 'billing', number })) return null;
    const card = await cardToAsk(tx, orgId, null);
    if (card.why === null && paymentIntent === null) return null;
    const attempt = { paymentId, askedBy: 'billing', number, chargeBefore, returnUrl: null } as const;
    const begun = await insertTry(tx, attempt, card);
    return card.why === null ? begun : null;
  });
}

/** The card that the customer has chosen, where his bank sends him back to, and from where he came. */
export interface OwnOrder {
  readonly cardId: string;
  readonly returnUrl: string;
  readonly author: Author;
}

/** As beginTry, but of the customer's own: a card that may not be asked is the answer of its attempt. */
export function beginOwnAttempt(
  db: Pool,
  invoiceId: string,
  { id: paymentId, orgId }: BillPayment,
  { cardId, returnUrl, author, chargeBefore }: OwnOrder & { readonly chargeBefore: string | null },
  told: Told,
): Promise<AttemptName | null> {
  return inTransaction(db, async (tx) => {
    if (await isOvertaken(tx, invoiceId, paymentId, null)) return null;
    const card = await cardToAsk(tx, orgId, cardId);
    const { rows } = await tx.query<{ number: number }>(
      `select coalesce(max(a.number), 0) + 1 as number from charge_attempts a join payments p on p.id = a.payment_id
        where p.invoice_id = $1 and a.asked_by = 'customer'`,
      [invoiceId],
    );
    const attempt = { paymentId, askedBy: 'customer', number: rows[0]?.number ?? 1, chargeBefore, returnUrl } as const;
    const begun = await insertTry(tx, attempt, card);
    if (card.why !== null) return begun;
    await customerPays(tx, invoiceId, true, told);
    const what = { action: 'invoice.card_asked', targetKind: 'invoice', targetId: invoiceId } as const;
    await writeAudit(tx, author, { ...what, after: { cardId, number: begun.number } });
    return begun;
  });
}

/** Where no card may be asked, that is its answer. */
async function insertTry(
  tx: PoolClient,
  attempt: Pick<ChargeTry, 'paymentId' | 'askedBy' | 'number' | 'chargeBefore' | 'returnUrl'>,
  { paymentMethod, why }: CardToAsk,
): Promise<ChargeTry> {
  const { paymentId, askedBy, number, chargeBefore, returnUrl } = attempt;
  const { rows } = await tx.query<ChargeTry>(
    `insert into charge_attempts (payment_id, asked_by, number, try, payment_method, charge_before, return_url)
     select $1, $2, $3, 1 + count(*), $4, $5, $6 from charge_attempts where payment_id = $1 and asked_by = $2 and number = $3
     returning ${TRY}`,
    [paymentId, askedBy, number, paymentMethod, chargeBefore, returnUrl],
  );
  const [begun] = rows;
  if (begun === undefined) throw new Error(`attempt ${number} on payment ${paymentId} was not written`);
  if (why !== null) await decline(tx, begun, why);
  return begun;
}

export async function decline(db: Queryable, asked: ChargeTry, codes: DeclineCodes): Promise<void> {
  await answer(db, asked, 'declined', codes);
}

/** It will never be known what came of this try: the next one takes its place. */
export async function giveUpTry(db: Queryable, asked: ChargeTry, codes: DeclineCodes | null = null): Promise<void> {
  await answer(db, asked, 'unknown', codes);
}

export async function answerWithFault(db: Queryable, asked: ChargeTry, why: string): Promise<void> {
  await answer(db, asked, 'fault', null, why);
}

async function answer(
  db: Queryable,
  { paymentId, askedBy, number, try: tried }: ChargeTry,
  outcome: 'declined' | 'unknown' | 'fault',
  codes: DeclineCodes | null,
  error: string | null = null,
): Promise<void> {
  const { declineCode = null, adviceCode = null, networkAdviceCode = null } = codes ?? {};
  const declineClass = codes === null ? null : classifyDecline(codes).class;
  await db.query(
    `update charge_attempts
        set outcome = $4, decline_code = $5, advice_code = $6, network_advice_code = $7, decline_class = $8, error = $9, answered_at = billing_now()
      where payment_id = $1 and asked_by = $10 and number = $2 and try = $3 and outcome is null`,
    [paymentId, number, tried, outcome, declineCode, adviceCode, networkAdviceCode, declineClass, error, askedBy],
  );
}
