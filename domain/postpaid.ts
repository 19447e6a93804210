// What a postpaid enterprise may still spend, and when it owes what it has spent.
import { type Cents, type InvoiceTotal, invoiceTotal, nanoOf } from './cents.ts';
import { DAY_MS } from './moments.ts';
import { type Nano, nano, ZERO } from './nano.ts';
import type { PostpaidTerms } from './plans.ts';

export interface PostpaidUse {
  /** Unpaid parts of its invoices, overdue or not. */
  readonly openInvoicesCents: Cents;
  readonly unbilledNano: Nano;
  readonly heldNano: Nano;
}

export function postpaidAvailable({ creditLineCents }: PostpaidTerms, use: PostpaidUse): Nano {
  return nano(nanoOf(creditLineCents) - nanoOf(use.openInvoicesCents) - use.unbilledNano - use.heldNano);
}

/** Stripe charges no less; what is smaller waits for the next month. */
const SMALLEST_INVOICE_CENTS = 50;

/** Null: nothing to invoice, or too little. */
export function usageInvoiceTotal(unbilled: Nano): InvoiceTotal | null {
  const total = invoiceTotal(unbilled);
  return total.totalCents < SMALLEST_INVOICE_CENTS ? null : total;
}

/** The line that makes what requests cost what is owed for them; null: it is the same. */
export function settlingLine(
  used: Nano,
  unbilled: Nano,
): { readonly kind: 'prepaid' | 'earlier_usage'; readonly amountNano: Nano } | null {
  const amountNano = nano(unbilled - used);
  if (amountNano === ZERO) return null;
  // More is owed than was used: an overdraft of before, or a record that came late.
  return { kind: amountNano < ZERO ? 'prepaid' : 'earlier_usage', amountNano };
}

export function invoiceDueAt({ netDays }: PostpaidTerms, issuedAtMs: number): number {
  return issuedAtMs + netDays * DAY_MS;
}
