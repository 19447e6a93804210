// Each invoice against what Stripe has taken for it, and the account of Stripe in the ledger against Stripe, payment by payment.
import type { BillingFacts, Capture, Invoice } from './billing-facts.ts';
import { type BillingFinding, finding } from './billing-finding.ts';

const NANO_PER_CENT = 10_000_000n;

export function judgeCharges(facts: BillingFacts): BillingFinding[] {
  return [
    ...facts.invoices.flatMap((invoice) => judgeInvoice(facts, invoice)),
    ...keptTwice(facts),
    ...unknownCaptures(facts),
    ...judgeClearing(facts),
  ];
}

function judgeInvoice(facts: BillingFacts, { id, state, amountCents, planVersionId }: Invoice): BillingFinding[] {
  const intents = facts.payments.filter(({ invoiceId }) => invoiceId === id).map(({ intent }) => intent ?? '');
  const byCard = intents.reduce((total, intent) => total + keptOf(facts.captures.get(intent)), 0);
  const byBank = facts.transfers.filter(({ invoiceId }) => invoiceId === id);
  const kept = byBank.reduce((total, transfer) => total + transfer.amountCents, byCard);
  const owed = state === 'paid' ? amountCents : 0;
  // What was used may be paid in parts.
  const isPart = planVersionId === null && state === 'open' && kept < amountCents;
  if (kept === owed || isPart) return [];
  const kind = kept < owed ? 'charge_missing' : state === 'void' ? 'charged_for_void' : 'charge_doubled';
  const difference = BigInt(Math.abs(kept - owed)) * NANO_PER_CENT;
  return [finding(kind, id, `it is ${state} and asks for ${amountCents} cents, ${kept} are kept`, difference)];
}

function keptOf(capture: Capture | undefined): number {
  return capture === undefined ? 0 : capture.capturedCents - capture.refundedCents;
}

/** Of what was captured once more nothing is kept. */
function keptTwice({ payments, captures }: BillingFacts): BillingFinding[] {
  return payments.flatMap(({ secondOf, intent }) => {
    const kept = secondOf === null ? 0 : keptOf(captures.get(intent ?? ''));
    if (kept === 0) return [];
    return [finding('charge_doubled', secondOf ?? '', `${kept} cents by ${intent}`, BigInt(kept) * NANO_PER_CENT)];
  });
}

function unknownCaptures({ payments, captures }: BillingFacts): BillingFinding[] {
  const known = new Set(payments.map(({ intent }) => intent));
  return [...captures].flatMap(([intent, capture]) => [
    ...(known.has(intent)
      ? []
      : [finding('capture_unknown', intent, 'no payment of ours', BigInt(keptOf(capture)) * NANO_PER_CENT)]),
    ...(capture.captures > 1 ? [finding('charge_doubled', intent, `captured ${capture.captures} times`)] : []),
  ]);
}

function judgeClearing({ payments, refunds, clearing, captures }: BillingFacts): BillingFinding[] {
  const intentOf = new Map<string, string>();
  for (const { id, intent, transactionId } of payments) {
    if (intent === null) continue;
    if (transactionId !== null) intentOf.set(transactionId, intent);
    for (const refund of refunds.filter(({ paymentId }) => paymentId === id)) {
      intentOf.set(refund.transactionId, intent);
      if (refund.reversalId !== null) intentOf.set(refund.reversalId, intent);
    }
  }
  const booked = new Map<string, bigint>();
  for (const { transactionId, amountNano } of clearing) {
    const intent = intentOf.get(transactionId) ?? `transaction ${transactionId}`;
    booked.set(intent, (booked.get(intent) ?? 0n) + amountNano);
  }
  return [...new Set([...booked.keys(), ...captures.keys()])].flatMap((intent) => {
    const is = booked.get(intent) ?? 0n;
    const shouldBe = BigInt(keptOf(captures.get(intent))) * NANO_PER_CENT;
    const difference = is > shouldBe ? is - shouldBe : shouldBe - is;
    if (difference === 0n) return [];
    return [finding('clearing_differs', intent, `stripe_clearing has ${is}, Stripe ${shouldBe}`, difference)];
  });
}
