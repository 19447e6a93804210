// Where the money of a bill stands, an invoice or a top-up: what is known of it already, or what to ask with. Read under the organization's
// lock, which whoever pays, voids or cancels the bill takes too; nobody holds it while Stripe is asked.
import type { Pool, PoolClient } from 'pg';
import type { ChargeOutcome } from '../../domain/charges.ts';
import { classifyDecline, type DeclineClass, type DeclineCodes } from '../../domain/declines.ts';
import { newId } from '../platform/ids.ts';
import { inTransaction } from '../platform/postgres.ts';

/** Of a bill. Another one takes its place only when its intent was cancelled at Stripe, and never that of a top-up. */
export interface BillPayment {
  readonly id: string;
  readonly kind: 'invoice' | 'top_up';
  readonly orgId: string;
  readonly amountCents: number;
  readonly currency: string;
  /** null: not made, or not written down yet. */
  readonly paymentIntent: string | null;
}

/** Within its bill. */
export interface AttemptName {
  readonly askedBy: 'billing' | 'customer';
  readonly number: number;
}

/** One request of an attempt, under a key of its own. */
export interface ChargeTry extends AttemptName {
  readonly paymentId: string;
  readonly try: number;
  readonly paymentMethod: string;
  readonly cardId: string;
  /** Null: nobody is there whom his bank could ask. */
  readonly returnUrl: string | null;
  readonly chargeBefore: string | null;
  /** What Stripe has not said by now, it will not say by itself. */
  readonly isOld: boolean;
}

export interface Askable {
  readonly payment: BillPayment;
  readonly openTry: ChargeTry | null;
  readonly hasCard: boolean;
}

interface BillFacts {
  readonly kind: BillPayment['kind'];
  readonly orgId: string;
  readonly state: 'open' | 'paid' | 'void';
  readonly amountCents: number;
  readonly currency: string;
  readonly paymentId: string | null;
  readonly isPaid: boolean;
  readonly paymentIntent: string | null;
  readonly cancellation: 'asked' | 'cancelled' | null;
  readonly hasCard: boolean;
  readonly awaitsTax: boolean;
}

/** Nothing can be asked: how much it is, Stripe has to say first (services/taxes/stripe-tax.ts). */
export const AWAITS_TAX = 'awaits_tax';

/** What is known of it already, or what to ask with. A null attempt: one that has not been made. */
export function standingOf(
  db: Pool,
  billId: string,
  attempt: AttemptName | null,
): Promise<ChargeOutcome | Askable | typeof AWAITS_TAX> {
  return inTransaction(db, async (tx) => {
    await lockBill(tx, billId);
    const facts = await factsOf(tx, billId);
    const isPaid = facts.isPaid || facts.state === 'paid';
    const { openTry, answered } = await asStands(tx, billId, facts.paymentId, isPaid ? null : attempt);
    const known = answered ?? knownFrom(facts);
    if (known !== null) return known;
    if (facts.awaitsTax) return AWAITS_TAX;
    const { kind, orgId, amountCents, currency, paymentIntent, hasCard } = facts;
    const id = facts.paymentId ?? (await newInvoicePayment(tx, billId, facts, 'charges'));
    return { payment: { id, kind, orgId, amountCents, currency, paymentIntent }, openTry, hasCard };
  });
}

export async function lockBill(tx: PoolClient, billId: string): Promise<void> {
  await tx.query('select from organizations where id = (select org_id from bills where id = $1) for no key update', [
    billId,
  ]);
}

async function factsOf(tx: PoolClient, billId: string): Promise<BillFacts> {
  const { rows } = await tx.query<BillFacts>(
    `select b.kind, b.org_id as "orgId", b.state, coalesce(p.amount_cents, remaining_of(b.id), b.amount_cents) as "amountCents", b.currency,
            p.id as "paymentId", coalesce(p.state = 'paid', false) as "isPaid", p.stripe_payment_intent as "paymentIntent",
            (select coalesce(c.outcome, 'asked') from charge_cancellations c
              where c.bill_id = b.id and (c.outcome is null or c.outcome = 'cancelled') order by c.outcome nulls last limit 1) as cancellation,
            exists (select from payment_methods m where m.org_id = b.org_id and m.is_default) as "hasCard",
            coalesce(p.awaits_tax or i.awaits_tax, false) as "awaitsTax"
       from bills b
       left join invoices i on i.id = b.id
       left join payments p on p.bill_id = b.id and (p.state = 'open' or p.state = 'paid' and i.kind is distinct from 'usage') -- usage is paid in parts
      where b.id = $1
      order by p.state = 'paid' desc nulls last limit 1`,
    [billId],
  );
  const [facts] = rows;
  if (facts === undefined) throw new Error(`there is no bill ${billId}`);
  return facts;
}

/** Answers are written without the lock: of a try that is not open any more the answer is read after that is known, or it is read by nobody. */
async function asStands(
  tx: PoolClient,
  billId: string,
  paymentId: string | null,
  attempt: AttemptName | null,
): Promise<{ openTry: ChargeTry | null; answered: ChargeOutcome | null }> {
  const openTry = paymentId === null ? null : await openTryOf(tx, paymentId);
  return { openTry, answered: attempt === null ? null : await answerOf(tx, billId, attempt) };
}

function knownFrom({ state, isPaid, cancellation }: BillFacts): ChargeOutcome | null {
  if (isPaid || state === 'paid') return { kind: 'paid' };
  if (state === 'void' || cancellation === 'cancelled') return { kind: 'fault' };
  return cancellation === 'asked' ? { kind: 'unknown' } : null;
}

interface AnswerRow extends DeclineCodes {
  readonly outcome: 'paid' | 'declined' | 'fault' | 'unknown';
  readonly declineClass: DeclineClass | null;
}

/**
 * As it was answered last, also on a payment whose place another one has taken. What the customer asked is not tried again for him; a
 * fault is no answer of a bank, and billing may ask again when whatever was wrong may have been mended.
 */
async function answerOf(
  tx: PoolClient,
  billId: string,
  { askedBy, number }: AttemptName,
): Promise<ChargeOutcome | null> {
  const { rows } = await tx.query<AnswerRow>(
    `select a.outcome, a.decline_code as "declineCode", a.advice_code as "adviceCode", a.network_advice_code as "networkAdviceCode",
            a.decline_class as "declineClass"
       from charge_attempts a join payments p on p.id = a.payment_id
      where p.bill_id = $1 and a.asked_by = $2 and a.number = $3
        and case when a.asked_by = 'customer' then a.outcome is not null
                 when a.outcome = 'fault' then a.answered_at > billing_now() - interval '15 minutes'
                 else a.outcome in ('paid', 'declined') end
      order by a.answered_at desc, a.try desc limit 1`,
    [billId, askedBy, number],
  );
  const [row] = rows;
  if (row === undefined) return null;
  if (row.outcome === 'unknown' || row.declineClass === null)
    return { kind: row.outcome === 'declined' ? 'fault' : row.outcome };
  return { kind: 'declined', decline: { ...classifyDecline(row), class: row.declineClass } };
}

/** Asks for the money of an invoice. */
export async function newInvoicePayment(
  tx: PoolClient,
  invoiceId: string,
  { orgId, amountCents }: Pick<BillFacts, 'orgId' | 'amountCents'>,
  actor: string,
): Promise<string> {
  const id = newId();
  await tx.query(
    `insert into payments (id, org_id, purpose, invoice_id, amount_cents, tax_cents, tax_code, tax_calculation, requested_by)
     select $1, $2, 'invoice', i.id, $4, case i.kind when 'plan' then i.tax_cents else 0 end,
            case i.kind when 'plan' then i.tax ->> 'taxCode' end, case i.kind when 'plan' then i.tax_calculation end, $5
       from invoices i where i.id = $3`,
    [id, orgId, invoiceId, amountCents, actor],
  );
  return id;
}

export const TRY = `payment_id as "paymentId", asked_by as "askedBy", number, try, payment_method as "paymentMethod", return_url as "returnUrl",
  (select m.id from payment_methods m where m.stripe_payment_method = payment_method) as "cardId", charge_before as "chargeBefore", asked_at <= billing_now() - interval '15 minutes' as "isOld"`;

async function openTryOf(tx: PoolClient, paymentId: string): Promise<ChargeTry | null> {
  const { rows } = await tx.query<ChargeTry>(
    `select ${TRY} from charge_attempts where payment_id = $1 and outcome is null`,
    [paymentId],
  );
  return rows[0] ?? null;
}

/** Things are not as the caller saw them. Takes the lock of the bill. */
export async function isOvertaken(
  tx: PoolClient,
  billId: string,
  paymentId: string,
  attempt: AttemptName | null,
): Promise<boolean> {
  await lockBill(tx, billId);
  const facts = await factsOf(tx, billId);
  if (knownFrom(facts) !== null || facts.paymentId !== paymentId) return true;
  const { openTry, answered } = await asStands(tx, billId, paymentId, attempt);
  return openTry !== null || answered !== null;
}
