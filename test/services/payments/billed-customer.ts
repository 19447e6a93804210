// A customer with a card, and the invoice of a first subscription that is to be paid by it.
import { setTimeout as wait } from 'node:timers/promises';
import { termsOf } from '../../../domain/plans.ts';
import { purchaseOrder } from '../../../domain/subscription.ts';
import { keepCards, readCards } from '../../../services/payments/cards.ts';
import { stripeCustomer } from '../../../services/payments/stripe-customers.ts';
import { planOnSale } from '../../../services/plans/plan-versions.ts';
import { newId } from '../../../services/platform/ids.ts';
import { inTransaction } from '../../../services/platform/postgres.ts';
import { orderInvoice } from '../../../services/subscriptions/invoices-of-plans.ts';
import { ledgerOf } from '../../fake-stripe/stripe-client.ts';
import type { Till } from './till.ts';

/** As much of a till as a customer comes to see. */
export type Counter = Pick<Till, 'db' | 'admin' | 'stripe' | 'stripeUrl' | 'sdk' | 'newOrganization'>;

export interface BilledCustomer {
  readonly orgId: string;
  readonly invoiceId: string;
}

/** 19.00, as Pro costs a month. */
export async function billed(till: Counter, card: string | null = 'pm_card_visa'): Promise<BilledCustomer> {
  const orgId = await till.newOrganization();
  if (card !== null) await giveCard(till, orgId, card);
  return { orgId, invoiceId: await newInvoice(till, orgId) };
}

export function newInvoice(till: Counter, orgId: string): Promise<string> {
  return inTransaction(till.db, async (tx) => {
    const terms = termsOf(await planOnSale(tx, 'pro', Date.now()), 1);
    const order = purchaseOrder(newId(), terms, terms.priceCents);
    return (await orderInvoice(tx, { orgId, subscriptionId: newId(), order, actor: 'test' })).invoiceId;
  });
}

/** Its newest from now on. */
export async function giveCard(till: Counter, orgId: string, card: string): Promise<string> {
  const customer = await stripeCustomer(till.db, till.stripe, orgId);
  const { id } = await till.sdk.paymentMethods.attach(card, { customer });
  await inTransaction(till.db, async (tx) => {
    const cards = await readCards(tx, till.stripe, customer);
    if (cards !== null) await keepCards(tx, cards, async () => {});
  });
  return id;
}

/** What became of each try, in the order of asking: outcome and class. */
export async function triesOf(till: Counter, invoiceId: string): Promise<string[]> {
  const { rows } = await till.admin.query<{ told: string }>(
    `select concat_ws(' ', a.number || '.' || a.try, coalesce(a.outcome, 'open'), a.decline_class, a.decline_code) as told
       from charge_attempts a join payments p on p.id = a.payment_id where p.invoice_id = $1 order by a.asked_at, a.number, a.try`,
    [invoiceId],
  );
  return rows.map(({ told }) => told);
}

export async function paymentsOf(
  till: Counter,
  invoiceId: string,
): Promise<{ state: string; intent: string | null }[]> {
  const { rows } = await till.admin.query(
    'select state, stripe_payment_intent as intent from payments where invoice_id = $1 order by created_at, id',
    [invoiceId],
  );
  return rows;
}

export async function stateOf(till: Counter, invoiceId: string): Promise<string> {
  const { rows } = await till.admin.query('select state from invoices where id = $1', [invoiceId]);
  return rows[0].state;
}

/** How often cards were asked, and what Stripe took, over all intents of the invoice. */
export async function takenFor(till: Counter, invoiceId: string): Promise<{ asked: number; captured: number[] }> {
  const ledger = await ledgerOf(till.stripeUrl);
  let asked = 0;
  const captured: number[] = [];
  for (const { intent } of await paymentsOf(till, invoiceId)) {
    if (intent === null) continue;
    asked += (await till.sdk.charges.list({ payment_intent: intent })).data.length;
    const entry = ledger[intent];
    if (entry !== undefined) captured.push(entry.captured - entry.refunded);
  }
  return { asked, captured };
}

let aheadMinutes = 0;

/** By the clock of billing alone. */
export async function passBillingMinutes(till: Counter, minutes: number): Promise<void> {
  aheadMinutes += minutes;
  await till.admin.query(
    `create or replace function billing_now() returns timestamptz language sql stable as $$ select now() + interval '${aheadMinutes} minutes' $$`,
  );
}

export const tenMilliseconds = () => wait(10);
