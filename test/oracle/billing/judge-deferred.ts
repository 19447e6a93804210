// What was paid for months to come, organization by organization, so that what one has too much of hides nothing that another lacks: each
// payment of a plan defers its price, each month takes its equal part of what is there, and the last of a period leaves nothing.
import type { BillingFacts } from './billing-facts.ts';
import { type BillingFinding, finding } from './billing-finding.ts';
import { monthsLater } from './judge-periods.ts';

const NANO_PER_CENT = 10_000_000n;

export function judgeDeferred(facts: BillingFacts): BillingFinding[] {
  const byOrganization = Map.groupBy(facts.deferred, ({ orgId }) => orgId);
  return [
    ...judgePayments(facts),
    ...[...byOrganization].flatMap(([orgId, moves]) => judgeMonths(facts, orgId, moves)),
  ];
}

function judgePayments({ payments, invoices, deferred }: BillingFacts): BillingFinding[] {
  return payments.flatMap(({ id, invoiceId, transactionId }) => {
    const invoice = invoices.find((one) => one.id === invoiceId && one.planVersionId !== null);
    if (invoice === undefined || transactionId === null) return [];
    const price = BigInt(invoice.amountCents - invoice.taxCents) * NANO_PER_CENT;
    const is = -deferred.reduce((sum, one) => (one.transactionId === transactionId ? sum + one.amountNano : sum), 0n);
    return differing(id, `deferred ${is} of a price of ${price}`, is - price);
  });
}

function judgeMonths(facts: BillingFacts, orgId: string, moves: BillingFacts['deferred']): BillingFinding[] {
  const findings: BillingFinding[] = [];
  let left = 0n;
  for (const { amountNano, transactionId, monthEndsAt } of moves) {
    const months = monthEndsAt === null ? null : monthsLeft(facts, orgId, monthEndsAt);
    if (months !== null) {
      const due = left / BigInt(months);
      const what = `transaction ${transactionId} took ${amountNano} of ${left}, ${months} months were left`;
      findings.push(...differing(orgId, what, amountNano - due));
    }
    left -= amountNano;
    if (left < 0n) findings.push(...differing(orgId, `after transaction ${transactionId} ${left} is deferred`, left));
  }
  if (left < 0n || hasMonthsToCome(facts, orgId)) return findings;
  return [...findings, ...differing(orgId, `${left} is deferred, and no month is to come`, left)];
}

/** With the one that ends then; null: it is no month that was paid for, which judgePeriods names. */
function monthsLeft({ periods, invoices }: BillingFacts, orgId: string, endsAt: Date): number | null {
  const own = new Set(invoices.filter((one) => one.orgId === orgId).map(({ id }) => id));
  for (const { invoiceId, anchor, firstMonth, months } of periods) {
    if (invoiceId === null || !own.has(invoiceId)) continue;
    for (let month = firstMonth; month < firstMonth + months; month += 1) {
      if (monthsLater(anchor, month + 1) === endsAt.getTime()) return firstMonth + months - month;
    }
  }
  return null;
}

function hasMonthsToCome({ periods, subscriptions, now }: BillingFacts, orgId: string): boolean {
  const own = new Set(subscriptions.filter((one) => one.orgId === orgId).map(({ id }) => id));
  return periods.some(
    ({ subscriptionId, invoiceId, anchor, firstMonth, months, cutAt }) =>
      own.has(subscriptionId) &&
      invoiceId !== null &&
      cutAt === null &&
      monthsLater(anchor, firstMonth + months - 1) > now.getTime(),
  );
}

function differing(id: string, what: string, difference: bigint): BillingFinding[] {
  if (difference === 0n) return [];
  return [finding('deferred_differs', id, what, difference < 0n ? -difference : difference)];
}
