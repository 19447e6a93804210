// The tax on each invoice against its rate, and what the books owe of it against what was kept of the invoice.
import type { BillingFacts, Invoice } from './billing-facts.ts';
import { type BillingFinding, finding } from './billing-finding.ts';

const NANO_PER_CENT = 10_000_000n;

export function judgeTaxes(facts: BillingFacts): BillingFinding[] {
  return facts.invoices.flatMap((invoice) => [...judgeRate(invoice), ...judgeBooked(facts, invoice)]);
}

/** Half a cent up, by integers. */
function judgeRate({ id, amountCents, taxCents, ratePpm }: Invoice): BillingFinding[] {
  const net = BigInt(amountCents - taxCents);
  const due = ratePpm === null ? 0n : (2n * net * BigInt(ratePpm) + 1_000_000n) / 2_000_000n;
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
  const kept = own.reduce((total, { intent }) => {
    const capture = captures.get(intent ?? '');
    return capture === undefined ? total : total + capture.capturedCents - capture.refundedCents;
  }, 0);
  if (kept !== 0 && kept !== invoice.amountCents) return [];
  const owed = kept === 0 ? 0n : BigInt(invoice.taxCents) * NANO_PER_CENT;
  if (booked === owed) return [];
  const difference = booked > owed ? booked - owed : owed - booked;
  return [finding('tax_differs', invoice.id, `tax_payable has ${booked}, ${owed} are owed`, difference)];
}

function nanoBetween(a: bigint, b: bigint): bigint {
  return (a > b ? a - b : b - a) * NANO_PER_CENT;
}
