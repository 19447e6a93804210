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
  /** As Stripe knows its organization. Null: it does not yet. */
  readonly customer: string | null;
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
  readonly customer: string | null;
  readonly paymentIntent: string | null;
  /** Of its payment. */
  readonly openTry: ChargeTry | null;
  /** Of the attempt that is asked about. */
  readonly answer: AnswerRow | null;
  readonly cancellation: 'asked' | 'cancelled' | null;
  readonly hasCard: boolean;
  readonly awaitsTax: boolean;
}

interface AnswerRow extends DeclineCodes {
  readonly outcome: 'paid' | 'declined' | 'fault' | 'unknown';
  readonly declineClass: DeclineClass | null;
}

export const TRY = `payment_id as "paymentId", asked_by as "askedBy", number, try, payment_method as "paymentMethod", return_url as "returnUrl",
  (select m.id from payment_methods m where m.stripe_payment_method = payment_method) as "cardId", charge_before as "chargeBefore", asked_at <= billing_now() - interval '15 minutes' as "isOld"`;

const OPEN_TRY = `select ${TRY} from charge_attempts where payment_id = p.id and outcome is null`;

/**
 * As it was answered last, also on a payment whose place another one has taken. What the customer asked is not tried again for him; a
 * fault is no answer of a bank, and billing may ask again when whatever was wrong may have been mended.
 */
const ANSWER = `
  select a.outcome, a.decline_code as "declineCode", a.advice_code as "adviceCode", a.network_advice_code as "networkAdviceCode",
         a.decline_class as "declineClass"
    from charge_attempts a join payments o on o.id = a.payment_id
   where o.bill_id = b.id and a.asked_by = $2 and a.number = $3
     and case when a.asked_by = 'customer' then a.outcome is not null
              when a.outcome = 'fault' then a.answered_at > billing_now() - interval '15 minutes'
              else a.outcome in ('paid', 'declined') end
   order by a.answered_at desc, a.try desc limit 1`;

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
    const facts = await factsOf(tx, billId, attempt);
    const known = knownFrom(facts);
    if (known !== null) return known;
    if (facts.awaitsTax) return AWAITS_TAX;
    const { kind, orgId, amountCents, currency, customer, paymentIntent, openTry, hasCard } = facts;
    const id = facts.paymentId ?? (await newInvoicePayment(tx, billId, facts, 'charges'));
    return { payment: { id, kind, orgId, amountCents, currency, customer, paymentIntent }, openTry, hasCard };
  });
}

export async function lockBill(tx: PoolClient, billId: string): Promise<void> {
  await tx.query('select from organizations where id = (select org_id from bills where id = $1) for no key update', [
    billId,
  ]);
}

/** Answers are written without the lock: of one moment, a try is open or answered. */
async function factsOf(tx: PoolClient, billId: string, attempt: AttemptName | null): Promise<BillFacts> {
  const { rows } = await tx.query<BillFacts>(
    `select b.kind, b.org_id as "orgId", b.state, coalesce(p.amount_cents, remaining_of(b.id), b.amount_cents) as "amountCents", b.currency,
            p.id as "paymentId", coalesce(p.state = 'paid', false) as "isPaid", p.stripe_payment_intent as "paymentIntent",
            (select c.stripe_customer from stripe_customers c where c.org_id = b.org_id) as customer,
            (select to_jsonb(t) from (${OPEN_TRY}) t) as "openTry", (select to_jsonb(a) from (${ANSWER}) a) as answer,
            (select coalesce(c.outcome, 'asked') from charge_cancellations c
              where c.bill_id = b.id and (c.outcome is null or c.outcome = 'cancelled') order by c.outcome nulls last limit 1) as cancellation,
            exists (select from payment_methods m where m.org_id = b.org_id and m.is_default) as "hasCard",
            coalesce(p.awaits_tax or i.awaits_tax, false) as "awaitsTax"
       from bills b
       left join invoices i on i.id = b.id
       left join payments p on p.bill_id = b.id and (p.state = 'open' or p.state = 'paid' and i.kind is distinct from 'usage') -- usage is paid in parts
      where b.id = $1
      order by p.state = 'paid' desc nulls last limit 1`,
    [billId, attempt?.askedBy ?? null, attempt?.number ?? null],
  );
  const [facts] = rows;
  if (facts === undefined) throw new Error(`there is no bill ${billId}`);
  return facts;
}

function knownFrom({ state, isPaid, answer, cancellation }: BillFacts): ChargeOutcome | null {
  if (isPaid || state === 'paid') return { kind: 'paid' };
  if (answer !== null) return outcomeOf(answer);
  if (state === 'void' || cancellation === 'cancelled') return { kind: 'fault' };
  return cancellation === 'asked' ? { kind: 'unknown' } : null;
}

function outcomeOf(answer: AnswerRow): ChargeOutcome {
  const { outcome, declineClass } = answer;
  if (outcome === 'unknown' || declineClass === null) return { kind: outcome === 'declined' ? 'fault' : outcome };
  return { kind: 'declined', decline: { ...classifyDecline(answer), class: declineClass } };
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

/** Things are not as the caller saw them. Takes the lock of the bill. */
export async function isOvertaken(
  tx: PoolClient,
  billId: string,
  paymentId: string,
  attempt: AttemptName | null,
): Promise<boolean> {
  await lockBill(tx, billId);
  const facts = await factsOf(tx, billId, attempt);
  return knownFrom(facts) !== null || facts.paymentId !== paymentId || facts.openTry !== null;
}
