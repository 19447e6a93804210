// That nobody paid for time that he did not get, or got time that he did not pay for, and that each month of it brought its credit once.
import type { BillingFacts, Period } from './billing-facts.ts';
import { type BillingFinding, finding } from './billing-finding.ts';

const NANO_PER_CENT = 10_000_000n;

export function judgePeriods(facts: BillingFacts): BillingFinding[] {
  return [
    ...facts.subscriptions.flatMap(({ id, phase }) => judgeCourse(facts, id, phase)),
    ...judgeWhatWasPaid(facts),
    ...judgeGrants(facts),
  ];
}

/** One after the other. Only one that begins anew, with an anchor of its own, may leave a gap before it. */
function judgeCourse({ periods, now }: BillingFacts, id: string, phase: string): BillingFinding[] {
  const own = periods
    .filter(({ subscriptionId }) => subscriptionId === id)
    .sort((a, b) => a.startsAt.getTime() - b.startsAt.getTime() || a.firstMonth - b.firstMonth);
  const findings = own.flatMap((period, index) => {
    const before = own[index - 1];
    if (before === undefined) return [];
    const gapMs = period.startsAt.getTime() - endOf(before);
    if (gapMs < 0) return [finding('period_doubled', id, `${span(before)} and ${span(period)}`)];
    const beginsAnew = period.firstMonth === 0;
    return gapMs > 0 && !beginsAnew
      ? [finding('period_missing', id, `between ${span(before)} and ${span(period)}`)]
      : [];
  });
  const last = own.at(-1);
  if (last === undefined) return [finding('period_missing', id, 'it has none')];
  if (phase === 'active' && endOf(last) <= now.getTime()) {
    findings.push(finding('renewal_missing', id, `it is active and its last period is ${span(last)}`));
  }
  return findings;
}

function endOf({ endsAt, cutAt }: Period): number {
  return (cutAt ?? endsAt).getTime();
}

function span({ startsAt, endsAt, cutAt }: Period): string {
  return `${startsAt.toISOString()} to ${(cutAt ?? endsAt).toISOString()}`;
}

function judgeWhatWasPaid({ periods, invoices }: BillingFacts): BillingFinding[] {
  const stateOf = new Map(invoices.map(({ id, state }) => [id, state]));
  const bought = new Set(periods.map(({ invoiceId }) => invoiceId));
  return [
    ...periods.flatMap(({ invoiceId, subscriptionId }) => {
      if (invoiceId === null || stateOf.get(invoiceId) === 'paid') return [];
      return [finding('period_unpaid', subscriptionId, `its invoice ${invoiceId} is ${stateOf.get(invoiceId)}`)];
    }),
    ...invoices
      .filter(({ id, state, planVersionId }) => state === 'paid' && planVersionId !== null && !bought.has(id))
      .map(({ id, amountCents }) => finding('paid_for_nothing', id, 'no period', BigInt(amountCents) * NANO_PER_CENT)),
  ];
}

interface Due {
  readonly amountNano: bigint;
  readonly what: string;
}

/** A grant is known by whose it is and when it ends, which no two months of an organization have in common. */
function judgeGrants(facts: BillingFacts): BillingFinding[] {
  const due = grantsDue(facts);
  const given = Map.groupBy(facts.includedGrants, ({ orgId, expiresAt }) => keyOf(orgId, expiresAt.getTime()));
  const missing = [...due].flatMap(([at, { amountNano, what }]) => {
    const [grant, second] = given.get(at) ?? [];
    if (grant === undefined) return [finding('grant_missing', at, what, amountNano)];
    if (second !== undefined) return [finding('grant_doubled', at, what, second.amountNano)];
    return grant.amountNano === amountNano
      ? []
      : [finding('grant_differs', grant.id, `${grant.amountNano} for ${what}`)];
  });
  const strays = [...given].filter(([at]) => !due.has(at)).flatMap(([, grants]) => grants);
  return [...missing, ...strays.map(({ id, amountNano }) => finding('grant_unexplained', id, 'no month', amountNano))];
}

/** A month's credit is due from its first moment on, if it was paid for before its last. */
function grantsDue({ periods, invoices, planVersions, now }: BillingFacts): Map<string, Due> {
  const due = new Map<string, Due>();
  for (const { invoiceId, anchor, firstMonth, months, inForceFrom, cutAt } of periods) {
    const invoice = invoices.find(({ id }) => id === invoiceId);
    const version = planVersions.find(({ id }) => id === invoice?.planVersionId);
    if (invoice === undefined || version === undefined || inForceFrom === null) continue;
    const untilMs = Math.min(now.getTime(), cutAt?.getTime() ?? Number.POSITIVE_INFINITY);
    for (let month = firstMonth; month < firstMonth + months; month += 1) {
      const endMs = monthsLater(anchor, month + 1);
      if (monthsLater(anchor, month) > untilMs || endMs <= inForceFrom.getTime()) continue;
      due.set(keyOf(invoice.orgId, endMs), {
        amountNano: BigInt(version.monthlyCreditCents) * NANO_PER_CENT,
        what: `month ${month} of invoice ${invoice.id}`,
      });
    }
  }
  return due;
}

function keyOf(orgId: string, endMs: number): string {
  return `${orgId} until ${new Date(endMs).toISOString()}`;
}

/** The same day and time so many months later, or the last day of a month that is too short. */
export function monthsLater(anchor: Date, months: number): number {
  const first = new Date(anchor);
  first.setUTCDate(1);
  first.setUTCMonth(first.getUTCMonth() + months);
  const length = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 0)).getUTCDate();
  first.setUTCDate(Math.min(anchor.getUTCDate(), length));
  return first.getTime();
}
