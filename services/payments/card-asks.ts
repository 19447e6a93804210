// What the rows of billing ask of Stripe (D36), answered: by a workflow's activity, or by the API for somebody who waits. Both may be at the
// same ask; it is asked once, and whoever comes second finds the answer in the row.
import type { Pool } from 'pg';
import type { ChargeOutcome } from '../../domain/charges.ts';
import { inTransaction, within } from '../platform/postgres.ts';
import { chargeAnswered, invoiceCancelled, invoiceRefunded } from '../subscriptions/learn.ts';
import { type CardAsk, type SubscriptionView, viewOf } from '../subscriptions/subscriptions.ts';
import type { TopUpAsk } from '../top-ups/top-ups.ts';
import { topUpAnswered } from '../top-ups/turn.ts';
import { askForCharge, type ChargePlace, cancelCharge, refundVoidInvoice } from './charges.ts';
import { lookAtPayment } from './own-payments.ts';

export async function answerCardAsk(place: ChargePlace, ask: CardAsk | TopUpAsk): Promise<void> {
  if (ask.kind === 'top_up') return answerTopUp(place, ask);
  const told = { actor: 'billing', asker: place.asker };
  const { invoiceId } = ask;
  switch (ask.kind) {
    case 'charge': {
      const outcome = await askForCharge(place, invoiceId, ask.attempt);
      if (outcome.kind === 'paid') return;
      return inTransaction(place.db, (tx) => chargeAnswered(tx, invoiceId, ask.attempt, outcome, told));
    }
    case 'look':
      await lookAtPayment(place, invoiceId);
      return;
    case 'void': {
      const outcome = await cancelCharge(place, invoiceId);
      if (outcome === 'paid') return;
      return inTransaction(place.db, (tx) => invoiceCancelled(tx, invoiceId, outcome, told));
    }
    case 'refund':
      if (!(await refundVoidInvoice(place, invoiceId))) return;
      return inTransaction(place.db, (tx) => invoiceRefunded(tx, invoiceId, told));
  }
}

async function answerTopUp(place: ChargePlace, { orgId, number, paymentId }: TopUpAsk): Promise<void> {
  const outcome = await askForTopUp(place, paymentId);
  if (outcome.kind === 'paid') return;
  await inTransaction(place.db, (tx) => topUpAnswered(tx, orgId, number, outcome, { asker: place.asker }));
}

/** The card is asked once. That it was declined is told when nothing can come of it any more: the next top-up has an intent of its own. */
async function askForTopUp(place: ChargePlace, paymentId: string): Promise<ChargeOutcome> {
  const outcome = await askForCharge(place, paymentId, 1);
  if (outcome.kind === 'paid' || outcome.kind === 'unknown') return outcome;
  const cancelled = await cancelCharge(place, paymentId);
  if (cancelled === 'cancelled') return outcome;
  return { kind: cancelled === 'paid' ? 'paid' : 'unknown' };
}

/** For somebody who waits: the subscription when it asks for nothing more, or as it is when his patience is over. */
export async function settleCardAsks(
  place: ChargePlace,
  subscriptionId: string,
  patienceMs: number,
): Promise<SubscriptionView> {
  const giveUpAtMs = performance.now() + patienceMs;
  let view = await look(place.db, subscriptionId);
  while (view.asks.length > 0 && performance.now() < giveUpAtMs) {
    for (const ask of view.asks) {
      const leftMs = Math.max(giveUpAtMs - performance.now(), 1);
      await within(leftMs, answerCardAsk(place, ask)).catch(ignoreIfOver(giveUpAtMs));
    }
    view = await look(place.db, subscriptionId);
  }
  return view;
}

/** What goes on without him is not lost: the workflow asks too. */
function ignoreIfOver(giveUpAtMs: number): (error: unknown) => void {
  return (error) => {
    if (performance.now() < giveUpAtMs) throw error;
  };
}

function look(db: Pool, subscriptionId: string): Promise<SubscriptionView> {
  return inTransaction(db, (tx) => viewOf(tx, subscriptionId));
}
