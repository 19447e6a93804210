// What was charged at the rate of a plan: at that of the plan which the organization had when its credit was leased, or of an enterprise's project by
// then, if that is less; for exactly what no included credit of the lease covered.
import type { Lease, PlanChange, ProjectPrice, UsageRecord } from './facts.ts';
import { type Finding, unequal } from './finding.ts';
import { grouped, type JoinedFacts, sumOf } from './joined-facts.ts';
import { AT_LIST_PPM, PLAN_PPM } from './price-table.ts';

export function judgePlanRates(facts: JoinedFacts): Finding[] {
  const recordsOf = grouped(facts.usageRecords, ({ leaseId }) => leaseId);
  const changesOf = grouped(facts.planChanges, ({ orgId }) => orgId);
  const pricesOf = grouped(facts.projectPrices, ({ projectId }) => projectId);
  return facts.leases.flatMap((lease) => [
    ...judgeRate(facts, lease, changesOf.get(lease.orgId) ?? [], pricesOf.get(lease.projectId) ?? []),
    ...judgeRecords(lease, recordsOf.get(lease.id) ?? []),
    ...judgeSplit(facts, lease, recordsOf.get(lease.id) ?? []),
    ...judgeCover(facts, lease),
  ]);
}

/** Numbers are of one sequence, drawn while the organization was held. */
function judgeRate(
  facts: JoinedFacts,
  lease: Lease,
  changes: readonly PlanChange[],
  prices: readonly ProjectPrice[],
): Finding[] {
  const cuts = facts.transactions.filter(({ kind, sourceId }) => kind === 'lease' && sourceId === lease.id);
  return cuts.flatMap(({ id }) => {
    const last = lastBefore(id, changes);
    const ofPlan = PLAN_PPM[last?.plan ?? ''] ?? last?.ppm ?? AT_LIST_PPM;
    const own = last?.plan === 'enterprise' ? (lastBefore(id, prices)?.ppm ?? ofPlan) : ofPlan;
    return unequalRates(`lease ${lease.id}`, lease.beyondPpm, Math.min(own, ofPlan));
  });
}

function lastBefore<C extends { readonly ledgerNumber: bigint }>(number: bigint, changes: readonly C[]): C | undefined {
  const before = changes.filter(({ ledgerNumber }) => ledgerNumber < number);
  return before.toSorted((one, other) => (one.ledgerNumber < other.ledgerNumber ? -1 : 1)).at(-1);
}

function judgeRecords(lease: Lease, records: readonly UsageRecord[]): Finding[] {
  return records
    .filter(({ outcome }) => outcome !== 'quarantined')
    .flatMap((record) => {
      const { requestId, ratedNano, beyondNano } = record;
      const isPart = beyondNano === null || (beyondNano >= 0n && beyondNano <= ratedNano);
      return [
        ...unequalRates(requestId, record.beyondPpm, lease.beyondPpm ?? AT_LIST_PPM),
        ...(isPart ? [] : unequal('plan_rate_wrong', requestId, 'at its own rate', beyondNano, ratedNano)),
      ];
    });
}

function unequalRates(id: string, is: number | null, should: number): Finding[] {
  return unequal('plan_rate_wrong', id, 'rate', BigInt(is ?? AT_LIST_PPM), BigInt(should));
}

/** What went beyond the lease may have taken some of its part at list price with it, or from grants. */
function judgeSplit(facts: JoinedFacts, lease: Lease, records: readonly UsageRecord[]): Finding[] {
  if (lease.beyondPpm === null) return [];
  const settled = records.filter(({ transactionId }) => facts.kindOf.get(transactionId ?? -1n) === 'settlement');
  const atList = sumOf(settled, ({ ratedNano, beyondNano }) => ratedNano - (beyondNano ?? 0n));
  const covered = lease.consumedNano < lease.atListNano ? lease.consumedNano : lease.atListNano;
  const others = records.filter(({ transactionId }) => facts.kindOf.get(transactionId ?? -1n) === 'beyond_lease');
  const least = covered - sumOf(others, ({ ratedNano, beyondNano }) => ratedNano - (beyondNano ?? 0n));
  if (atList >= least && atList <= covered) return [];
  return unequal('plan_rate_wrong', `lease ${lease.id}`, 'list price', atList, atList < least ? least : covered);
}

/** Included credit is never charged at another rate. */
function judgeCover(facts: JoinedFacts, lease: Lease): Finding[] {
  if (lease.beyondPpm === null) return [];
  const includedGrants = new Set(facts.grants.filter(({ source }) => source === 'included').map(({ id }) => id));
  const slices = facts.slices.filter(({ leaseId, grantId }) => leaseId === lease.id && includedGrants.has(grantId));
  const least = sumOf(slices, ({ amountNano }) => amountNano);
  return lease.atListNano >= least
    ? []
    : unequal('plan_rate_wrong', `lease ${lease.id}`, 'what list price covers', lease.atListNano, least);
}
