// Money that came in: what the books say that Stripe has for us is what Stripe says, payment by payment.
import type { Entry, Facts } from './facts.ts';
import { type Finding, unequal } from './finding.ts';
import { type JoinedFacts, totals } from './joined-facts.ts';

const NANO_PER_CENT = 10_000_000n;

export function judgePayments(facts: JoinedFacts): Finding[] {
  const { captures } = facts;
  const intentOf = intentsByTransaction(facts);
  const cleared = totals(
    facts.entries.filter(({ account }) => account === 'stripe_clearing'),
    ({ transactionId }) => intentOf.get(transactionId) ?? 'nobody',
    amountOf,
  );
  const strays = unequal('clearing_differs', 'without a payment', 'stripe_clearing', cleared.get('nobody') ?? 0n, 0n);
  if (captures === null) return strays;
  const intents = new Set([...intentOf.values(), ...captures.keys()]);
  return [
    ...strays,
    ...[...intents].flatMap((id) => {
      const { capturedCents = 0, refundedCents = 0 } = captures.get(id) ?? {};
      const taken = BigInt(capturedCents - refundedCents) * NANO_PER_CENT;
      return unequal('clearing_differs', id, 'stripe_clearing', cleared.get(id) ?? 0n, taken);
    }),
  ];
}

/** A payment's own, and those of its refunds. */
function intentsByTransaction({ payments, refunds }: Facts): Map<bigint | null, string> {
  return new Map(
    payments.flatMap(({ id, stripePaymentIntent, transactionId }) => {
      if (stripePaymentIntent === null) return [];
      const back = refunds.filter(({ paymentId }) => paymentId === id);
      const ids = [transactionId, ...back.flatMap((refund) => [refund.transactionId, refund.reversalId])];
      return ids.filter((one) => one !== null).map((one) => [one, stripePaymentIntent] as const);
    }),
  );
}

export function isEveryCaptureKnown({ captures, payments }: Facts): boolean {
  const known = new Set(payments.map(({ stripePaymentIntent }) => stripePaymentIntent));
  return [...(captures?.keys() ?? [])].every((id) => known.has(id));
}

function amountOf({ amountNano }: Entry): bigint {
  return amountNano;
}
