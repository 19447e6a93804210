// Caps: what each counts is what was spent in its scope, and what leases took in its scope is no more than it allows. Only what
// an answer cost beyond its lease may pass a cap (design.md 3.2).
import type { Cap, CapCounter, Lease, UsageRecord } from './facts.ts';
import { type Finding, unequal } from './finding.ts';
import { type JoinedFacts, sumOf } from './joined-facts.ts';
import { isQuiet } from './judge-credit.ts';

export function judgeCaps(facts: JoinedFacts): Finding[] {
  return facts.caps.flatMap((cap) => {
    const counters = facts.capCounters.filter(({ capId }) => capId === cap.id);
    // A cap that came later, or was lowered, may find more spent than it allows, and leases of days that it does not count.
    const judged = cap.isAsCreated || cap.period === 'total' ? counters : [];
    return [
      ...(cap.isAsCreated ? counters.flatMap((counter) => judgePassing(facts, cap, counter)) : []),
      ...(isQuiet(facts) ? judged.flatMap((counter) => judgeCount(facts, cap, counter)) : []),
      ...(cap.isAsCreated ? judgeUncounted(facts, cap, counters) : []),
    ];
  });
}

function judgePassing(facts: JoinedFacts, cap: Cap, counter: CapCounter): Finding[] {
  const spentNano = sumOf(
    leasesUnder(facts, cap).filter((lease) => isIn(counter, lease.openedAtMs)),
    consumed,
  );
  if (spentNano <= cap.amountNano) return [];
  const detail = `allows ${cap.amountNano} per ${cap.period}, leases that were taken under it spent ${spentNano}`;
  return [{ kind: 'cap_passed', id: cap.id, detail, differenceNano: spentNano - cap.amountNano }];
}

/** Only when nothing is leased: a lease counts in the period that it was opened in, the rest of an answer when it was admitted. */
function judgeCount(facts: JoinedFacts, cap: Cap, counter: CapCounter): Finding[] {
  const fromLeases = sumOf(
    leasesUnder(facts, cap).filter((lease) => isIn(counter, lease.openedAtMs)),
    consumed,
  );
  const records = facts.usageRecords.filter((record) => isUnder(record, cap) && isIn(counter, record.admittedAtMs));
  const beyondLeases = sumOf(records, (record) => beyondLease(facts, record));
  return unequal('cap_differs', cap.id, `counted per ${cap.period}`, counter.committedNano, fromLeases + beyondLeases);
}

function judgeUncounted(facts: JoinedFacts, cap: Cap, counters: readonly CapCounter[]): Finding[] {
  const strays = leasesUnder(facts, cap).filter(
    (lease) => !counters.some((counter) => isIn(counter, lease.openedAtMs)),
  );
  return unequal('cap_differs', cap.id, `spent and not counted per ${cap.period}`, sumOf(strays, consumed), 0n);
}

function leasesUnder(facts: JoinedFacts, cap: Cap): Lease[] {
  return facts.leases.filter((lease) => isUnder(lease, cap));
}

type Spender = Pick<UsageRecord, 'orgId' | 'projectId' | 'memberId' | 'apiKeyId'>;

function isUnder({ orgId, projectId, memberId, apiKeyId }: Spender, { scopeId }: Cap): boolean {
  return [orgId, projectId, memberId, apiKeyId].includes(scopeId);
}

function isIn({ fromMs, untilMs }: CapCounter, atMs: number): boolean {
  return fromMs <= atMs && atMs < (untilMs ?? Number.POSITIVE_INFINITY);
}

function beyondLease(facts: JoinedFacts, { transactionId }: UsageRecord): bigint {
  const entries = transactionId === null ? [] : (facts.entriesOf.get(transactionId) ?? []);
  const outside = entries.filter(({ account }) => account === 'credit' || account === 'overdraft');
  return sumOf(outside, ({ amountNano }) => amountNano);
}

function consumed({ consumedNano }: Lease): bigint {
  return consumedNano;
}
