// What a postpaid enterprise may still spend, and when it owes what it has spent.
import { type Cents, nanoOf } from './cents.ts';
import { DAY_MS } from './moments.ts';
import { type Nano, nano } from './nano.ts';
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

export function invoiceDueAt({ netDays }: PostpaidTerms, issuedAtMs: number): number {
  return issuedAtMs + netDays * DAY_MS;
}
