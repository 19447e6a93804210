// The tax on each invoice against its rate or Stripe's word, and what the books and Stripe's reports have of it against what was kept.
import type { BillingFacts, Invoice, Payment } from './billing-facts.ts';
import { type BillingFinding, finding } from './billing-finding.ts';

const NANO_PER_CENT = 10_000_000n;

export function judgeTaxes(facts: BillingFacts): BillingFinding[] {
  return facts.invoices.flatMap((invoice) => [
    ...judgeRate(invoice),
    ...judgeBooked(facts, invoice),
    ...judgeReported(facts, invoice),
  ]);
}

/** Half a cent up, by integers, or what Stripe said. */
function judgeRate({ id, amountCents, taxCents, ratePpm, stripeTaxCents }: Invoice): BillingFinding[] {
  const net = BigInt(amountCents - taxCents);
  const byRate = ratePpm === null ? 0n : (2n * net * BigInt(ratePpm) + 1_000_000n) / 2_000_000n;
  const due = stripeTaxCents === null ? byRate : BigInt(stripeTaxCents);
  if (due === BigInt(taxCents)) return [];
  return [
    finding(
      'tax_differs',
      id,
      `${taxCents} cents of tax on ${net}, ${due} are due`,
      nanoBetween(due, BigInt(taxCents)),
    ),
  ];
}

/** Of an invoice that was kept, all of its tax; of one that was not, nothing. */
function judgeBooked({ payments, refunds, captures, taxes }: BillingFacts, invoice: Invoice): BillingFinding[] {
  const own = payments.filter(({ invoiceId }) => invoiceId === invoice.id);
  const transactions = new Set(
    own.flatMap(({ id, transactionId }) => [
      transactionId,
      ...refunds.filter(({ paymentId }) => paymentId === id).flatMap((one) => [one.transactionId, one.reversalId]),
    ]),
  );
  const booked = taxes.reduce(
    (total, one) => (transactions.has(one.transactionId) ? total - one.amountNano : total),
    0n,
  );
  const kept = keptOf(own, captures);
  if (kept !== 0 && kept !== invoice.amountCents) return [];
  const owed = kept === 0 ? 0n : BigInt(invoice.taxCents) * NANO_PER_CENT;
  if (booked === owed) return [];
  const difference = booked > owed ? booked - owed : owed - booked;
  return [finding('tax_differs', invoice.id, `tax_payable has ${booked}, ${owed} are owed`, difference)];
}

/** What Stripe's reports have of it: usage from its invoice on, a plan while its money is kept. */
function judgeReported({ payments, refunds, captures, taxReports }: BillingFacts, invoice: Invoice): BillingFinding[] {
  if (invoice.stripeTaxCents === null) return [];
  const own = payments.filter(({ invoiceId }) => invoiceId === invoice.id);
  const back = refunds.filter(({ paymentId }) => own.some(({ id }) => id === paymentId));
  const kept = keptOf(own, captures);
  const isUsage = invoice.planVersionId === null;
  // Which part of a part is tax, and what a refund that failed came to, the books have judged.
  if (back.some(({ reversalId }) => reversalId !== null)) return [];
  if (!isUsage && kept !== 0 && kept !== invoice.amountCents) return [];
  const owed = isUsage || kept !== 0 ? invoice.taxCents : 0;
  const told = [invoice, ...own, ...back].reduce((total, { id }) => total + (taxReports.get(id) ?? 0), 0);
  if (told === owed) return [];
  return [
    finding(
      'tax_differs',
      invoice.id,
      `Stripe's reports have ${told} cents of tax, ${owed} are owed`,
      nanoBetween(BigInt(told), BigInt(owed)),
    ),
  ];
}

function keptOf(own: readonly Payment[], captures: BillingFacts['captures']): number {
  return own.reduce((total, { intent }) => {
    const capture = captures.get(intent ?? '');
    return capture === undefined ? total : total + capture.capturedCents - capture.refundedCents;
  }, 0);
}

function nanoBetween(a: bigint, b: bigint): bigint {
  return (a > b ? a - b : b - a) * NANO_PER_CENT;
}
