// Facts about the money of plans, as they reach the processes: from Stripe by way of a payment, a charge or a cancelled payment intent, and
// from the mail server.
import type { PoolClient } from 'pg';
import type { ChargeOutcome } from '../../domain/charges.ts';
import type { Notice } from '../../domain/overdue-policy.ts';
import { monthOfCredit, newSubscription } from '../../domain/subscription.ts';
import { findDunning, openDunningsOf } from '../dunning/dunning-rows.ts';
import { lockedOrganization } from '../organizations/organizations.ts';
import { usageInvoicePaid } from '../postpaid/usage-payments.ts';
import { findPlanInvoice, type PlanInvoice, planInvoice, voidInvoice } from './invoices-of-plans.ts';
import { tellOfPeriod } from './plan-mails.ts';
import { grantCredit, insertPeriod } from './plan-writes.ts';
import { insertSubscription, liveSubscriptionOf } from './subscription-rows.ts';
import { billingNow, type Told, takeTurn } from './turn.ts';

/** 'unwanted': what was paid for cannot begin, is void by now or was not owed any more, and the money goes back. */
export type PlanPaid = 'taken' | 'unwanted';

/** Its money is in the books, in this transaction: that has the organization's lock. */
export async function invoicePaid(tx: PoolClient, invoiceId: string, told: Told): Promise<PlanPaid> {
  const invoice = await findPlanInvoice(tx, invoiceId);
  if (invoice === null) return usageInvoicePaid(tx, invoiceId, told);
  if (!invoice.hasBegun) return beginSubscription(tx, invoice, told);
  const { orgId, subscriptionId, name } = invoice;
  const context = { orgId, ...told };
  const outcome = { kind: 'paid' } as const;
  await takeTurn(tx, context, {
    process: 'subscription',
    id: subscriptionId,
    event: { kind: 'charged', invoice: name, outcome },
  });
  if (invoice.isInDunning) {
    await takeTurn(tx, context, { process: 'dunning', id: invoiceId, event: { kind: 'settled', how: 'paid' } });
  }
  return invoice.state === 'void' ? 'unwanted' : 'taken';
}

/** A subscription begins with its first payment. An organization that has one by now gets its money back. */
async function beginSubscription(tx: PoolClient, invoice: PlanInvoice, told: Told): Promise<PlanPaid> {
  const { id: invoiceId, orgId, subscriptionId, name, bought, state } = invoice;
  if (state === 'void' || (await liveSubscriptionOf(tx, orgId)) !== null) return 'unwanted';
  const nowMs = await billingNow(tx);
  const begun = newSubscription(bought.terms, name, nowMs);
  await insertSubscription(tx, subscriptionId, orgId, begun);
  await insertPeriod(tx, subscriptionId, begun.period, { invoiceId, fromMs: nowMs });
  const credit = { kind: 'credit_granted', ...monthOfCredit(begun, nowMs) } as const;
  await grantCredit(tx, { orgId, subscriptionId, state: begun, actor: told.actor }, credit);
  const order = { ...bought, invoice: name, amountCents: invoice.amountCents - invoice.taxCents };
  const about = { orgId, subscriptionId, state: begun, before: null, nowMs };
  if (told.hasReceipt !== true) await tellOfPeriod(tx, about, { order, period: begun.period, fromMs: nowMs });
  // Its seats, its next moment, and a workflow that is there then.
  await takeTurn(tx, { orgId, ...told }, { process: 'subscription', id: subscriptionId, event: { kind: 'tick' } });
  return 'taken';
}

/** What came of an attempt that did not bring money in. */
export async function chargeAnswered(
  tx: PoolClient,
  invoiceId: string,
  attempt: number,
  outcome: Exclude<ChargeOutcome, { kind: 'paid' }>,
  told: Told,
): Promise<void> {
  const { orgId, subscriptionId, name, isInDunning } = await planInvoice(tx, invoiceId);
  const context = { orgId, ...told };
  if (isInDunning) {
    await takeTurn(tx, context, { process: 'dunning', id: invoiceId, event: { kind: 'charged', attempt, outcome } });
  } else {
    await takeTurn(tx, context, {
      process: 'subscription',
      id: subscriptionId,
      event: { kind: 'charged', invoice: name, outcome },
    });
  }
}

/** A card that the customer chose himself is being asked for it, or is not any more. Only a case of dunning waits for that. */
export async function customerPays(tx: PoolClient, invoiceId: string, isUnderWay: boolean, told: Told): Promise<void> {
  const row = await findDunning(tx, invoiceId);
  if (row === null || row.state.closed !== null) return;
  if (!isUnderWay && row.state.invoice.customerPaysSinceMs === null) return;
  const event = { kind: 'customer_pays', isUnderWay } as const;
  await takeTurn(tx, { orgId: row.orgId, ...told }, { process: 'dunning', id: invoiceId, event });
}

/** Its payment intent will take no money, or nobody can say so yet. */
export async function invoiceCancelled(
  tx: PoolClient,
  invoiceId: string,
  how: 'cancelled' | 'in_doubt',
  told: Told,
): Promise<void> {
  const { orgId, subscriptionId, name } = await planInvoice(tx, invoiceId);
  const context = { orgId, ...told };
  await lockedOrganization(tx, orgId);
  const kind = how === 'cancelled' ? 'voided' : 'void_in_doubt';
  if (how === 'cancelled') {
    await voidInvoice(tx, invoiceId);
    if ((await findDunning(tx, invoiceId)) !== null) {
      await takeTurn(tx, context, { process: 'dunning', id: invoiceId, event: { kind: 'settled', how: 'void' } });
    }
  }
  await takeTurn(tx, context, { process: 'subscription', id: subscriptionId, event: { kind, invoice: name } });
}

export function invoiceRefunded(tx: PoolClient, invoiceId: string, told: Told): Promise<void> {
  return tellOfRefund(tx, invoiceId, 'refunded', told);
}

/** What was paid for a void invoice is with us still, and Stripe will not give it back by itself. */
export function invoiceRefundRefused(tx: PoolClient, invoiceId: string, told: Told): Promise<void> {
  return tellOfRefund(tx, invoiceId, 'refund_refused', told);
}

async function tellOfRefund(
  tx: PoolClient,
  invoiceId: string,
  kind: 'refunded' | 'refund_refused',
  told: Told,
): Promise<void> {
  const { orgId, subscriptionId, name } = await planInvoice(tx, invoiceId);
  const context = { orgId, ...told };
  await takeTurn(tx, context, {
    process: 'subscription',
    id: subscriptionId,
    event: { kind, invoice: name },
  });
}

/** The mail server took it over. */
export async function noticeHandedOver(
  tx: PoolClient,
  invoiceId: string,
  notice: Notice,
  handedOverAt: Date,
): Promise<void> {
  const row = await findDunning(tx, invoiceId);
  if (row === null) return;
  const context = { orgId: row.orgId, actor: 'mail', atMs: handedOverAt.getTime() };
  await takeTurn(tx, context, { process: 'dunning', id: invoiceId, event: { kind: 'handed_over', notice } });
}

/** Named as it is now: whoever waits for another card tries this one. */
export async function cardChanged(tx: PoolClient, orgId: string, card: string, actor: string): Promise<void> {
  await lockedOrganization(tx, orgId);
  for (const { invoiceId } of await openDunningsOf(tx, orgId)) {
    await takeTurn(tx, { orgId, actor }, { process: 'dunning', id: invoiceId, event: { kind: 'card_changed', card } });
  }
}
