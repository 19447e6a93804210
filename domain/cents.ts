// Cents stand where Stripe and invoices are, and nowhere else: what is sold has a price in whole cents, what is used adds up in
// nano. Invoices round half up, once; what we give back is rounded down (billing.md 2.1).
import { type Nano, nano } from './nano.ts';

export type Cents = number & { readonly unit: 'usd-cents' };

/** Of all that is sold, as Stripe and the mails name it. */
export const CURRENCY = 'usd';

const NANO_PER_CENT = 10_000_000n;

export function cents(value: number): Cents {
  if (!Number.isSafeInteger(value)) throw new RangeError(`not a whole number of cents: ${value}`);
  return value as Cents;
}

export function nanoOf(amount: Cents): Nano {
  return nano(BigInt(amount) * NANO_PER_CENT);
}

/** What is given back is never negative: bigint division truncates towards zero, which is a floor only above it. */
export function floorToCents(amount: Nano): Cents {
  return cents(Number(amount / NANO_PER_CENT));
}

/** To be read, never reckoned with: 1900 is "19.00 USD". */
export function inDollars(amountCents: number): string {
  return `${(amountCents / 100).toFixed(2)} USD`;
}

export interface InvoiceTotal {
  readonly totalCents: Cents;
  /** A line of its own, at most half a cent: usage + rounding = total. */
  readonly roundingNano: Nano;
}

export function invoiceTotal(usage: Nano): InvoiceTotal {
  const totalCents = floorToCents(nano(usage + NANO_PER_CENT / 2n));
  return { totalCents, roundingNano: nano(nanoOf(totalCents) - usage) };
}
