// Money that came in: what the books say that Stripe has for us is what Stripe says, payment by payment.
import type { Facts } from './facts.ts';
import { type Finding, unequal } from './finding.ts';
import { type JoinedFacts, sumOf } from './joined-facts.ts';

const NANO_PER_CENT = 10_000_000n;

export function judgePayments(facts: JoinedFacts): Finding[] {
  const { captures } = facts;
  const paid = new Map(facts.payments.map(({ stripePaymentIntent: id, transactionId }) => [id, transactionId]));
  paid.delete(null);
  const explained = new Set(paid.values());
  const strays = facts.entries.filter(
    ({ account, transactionId }) => account === 'stripe_clearing' && !explained.has(transactionId),
  );
  return [
    ...unequal('clearing_differs', 'without a payment', 'stripe_clearing', sumOf(strays, amountOf), 0n),
    ...(captures === null ? [] : [...new Set([...paid.keys(), ...captures.keys()])]).flatMap((id) => {
      const { capturedCents = 0, refundedCents = 0 } = captures?.get(id ?? '') ?? {};
      const taken = BigInt(capturedCents - refundedCents) * NANO_PER_CENT;
      return unequal('clearing_differs', String(id), 'stripe_clearing', clearedBy(facts, paid.get(id)), taken);
    }),
  ];
}

function clearedBy(facts: JoinedFacts, transactionId: bigint | null | undefined): bigint {
  const entries = facts.entriesOf.get(transactionId ?? -1n) ?? [];
  return sumOf(
    entries.filter(({ account }) => account === 'stripe_clearing'),
    amountOf,
  );
}

export function isEveryCaptureKnown({ captures, payments }: Facts): boolean {
  const known = new Set(payments.map(({ stripePaymentIntent }) => stripePaymentIntent));
  return [...(captures?.keys() ?? [])].every((id) => known.has(id));
}

function amountOf({ amountNano }: { readonly amountNano: bigint }): bigint {
  return amountNano;
}
