// Tax on what is sold: on the sale of a plan or a pack, once per invoice, never on the burning of credit (billing.md 1.1).
import { type Cents, cents } from './cents.ts';

/** What we can reckon ourselves. */
export type ReckonedTax = { readonly kind: 'none' } | { readonly kind: 'fixed_rate'; readonly ratePpm: number };

/** `taxCode`: as what Stripe taxes what we sell. It is said by Stripe when it has been ordered, and before anybody is asked for the money. */
export type Tax = ReckonedTax | { readonly kind: 'stripe_tax'; readonly taxCode: string };

const ALL_PPM = 1_000_000n;

/** As far as it is known when it is ordered: where Stripe says it, nothing yet. */
export function knownTaxOn(tax: Tax, net: Cents): Cents {
  return tax.kind === 'stripe_tax' ? cents(0) : taxOn(tax, net);
}

/** Null: it is ours to reckon. */
export function stripeTaxCode(tax: Tax): string | null {
  return tax.kind === 'stripe_tax' ? tax.taxCode : null;
}

/** On top of the net total of an invoice, half a cent up. Of single lines it would be rounded more often than it is owed. */
export function taxOn(tax: ReckonedTax, net: Cents): Cents {
  if (tax.kind === 'none') return cents(0);
  return cents(Number((BigInt(net) * BigInt(tax.ratePpm) + ALL_PPM / 2n) / ALL_PPM));
}
