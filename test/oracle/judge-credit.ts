// Where the customers' credit is: every grant is what is left of it, what leases took and what expired; every lease is what it
// holds; and once all is quiet no lease holds anything.
import type { Entry, Facts, Grant, Lease } from './facts.ts';
import { distance, type Finding, unequal } from './finding.ts';
import { type JoinedFacts, sumOf, totals } from './joined-facts.ts';

export function judgeCredit(facts: JoinedFacts): Finding[] {
  return [
    ...judgeGrants(facts),
    ...judgeValidity(facts),
    ...judgeLeases(facts),
    ...judgeChains(facts),
    ...judgeQuiet(facts),
  ];
}

/** Granted = left + in leases or spent from them + spent beside them + expired + repaid overdraft. */
function judgeGrants(facts: JoinedFacts): Finding[] {
  const entriesOf = creditEntries(facts);
  const inLeases = totals(facts.slices, ({ grantId }) => grantId, amountOf);
  const perGrant = facts.grants.map((grant) => {
    const entries = entriesOf.filter(({ grantId }) => grantId === grant.id);
    const moved = (kind: string) =>
      sumOf(
        entries.filter((entry) => entry.kind === kind),
        amountOf,
      );
    const intoBreakage = moved('lease') + moved('lease_return') - (inLeases.get(grant.id) ?? 0n);
    return {
      grant,
      granted: -moved('grant') - moved('payment'),
      total: sumOf(entries, amountOf),
      intoBreakage,
      expired: moved('expiry'),
    };
  });
  return [
    ...perGrant.flatMap(({ grant, granted, total, intoBreakage }) => [
      ...unequal('grant_differs', grant.id, 'available', grant.availableNano ?? 0n, -total),
      ...(granted > grant.amountNano ? unequal('grant_differs', grant.id, 'granted', granted, grant.amountNano) : []),
      ...judgeBreakage(grant, intoBreakage),
    ]),
    ...facts.organizations.flatMap(({ id }) => {
      const own = perGrant.filter(({ grant }) => grant.orgId === id);
      const ended = facts.entries.filter((entry) => entry.orgId === id && isEndOfCredit(facts, entry));
      const expired = sumOf(own, (row) => row.intoBreakage + row.expired);
      return unequal('grant_differs', `organization ${id}`, 'breakage', -sumOf(ended, amountOf), expired);
    }),
  ];
}

/** Breakage, and what was lent and is lent no more. */
function isEndOfCredit({ kindOf }: JoinedFacts, { account, transactionId }: Entry): boolean {
  const kind = kindOf.get(transactionId);
  return account === 'breakage' || (account === 'credit_line' && (kind === 'expiry' || kind === 'lease_return'));
}

function judgeBreakage(grant: Grant, intoBreakage: bigint): Finding[] {
  if (intoBreakage === 0n || (intoBreakage > 0n && (grant.expiresAtMs !== null || grant.source === 'credit_line')))
    return [];
  const detail = `leases took ${intoBreakage} more of it than they hold or spent`;
  return [{ kind: 'grant_differs', id: grant.id, detail, differenceNano: distance(intoBreakage, 0n) }];
}

/** Credit is taken from a grant only while it is in force. What a lease took before may be spent after. */
function judgeValidity(facts: JoinedFacts): Finding[] {
  const grantOf = new Map(facts.grants.map((grant) => [grant.id, grant]));
  return creditEntries(facts).flatMap(({ kind, grantId, amountNano, atMs }) => {
    const grant = grantOf.get(grantId ?? '');
    const isSpending = kind === 'lease' || kind === 'beyond_lease';
    if (grant === undefined || !isSpending) return [];
    if (atMs >= grant.effectiveAtMs && atMs < (grant.expiresAtMs ?? Number.POSITIVE_INFINITY)) return [];
    const detail = `${kind} took ${amountNano} at ${new Date(atMs).toISOString()}, when it was not in force`;
    return [{ kind: 'grant_differs', id: grant.id, detail, differenceNano: distance(amountNano, 0n) }];
  });
}

interface CreditEntry extends Entry {
  readonly kind: string;
  readonly atMs: number;
}

function creditEntries(facts: JoinedFacts): CreditEntry[] {
  return facts.transactions.flatMap(({ id, kind, effectiveAtMs }) =>
    (facts.entriesOf.get(id) ?? [])
      .filter(({ account }) => account === 'credit')
      .map((entry) => ({ ...entry, kind, atMs: effectiveAtMs })),
  );
}

function judgeLeases(facts: JoinedFacts): Finding[] {
  const sliced = totals(facts.slices, ({ leaseId }) => leaseId, amountOf);
  const held = totals(
    facts.entries.filter(({ account }) => account === 'held'),
    ({ leaseId }) => leaseId,
    amountOf,
  );
  const closedRuns = new Set(facts.incarnations.filter(({ closed }) => closed).map(({ id }) => id));
  const known = new Set<string | null>(facts.leases.map(({ id }) => id));
  return [
    ...facts.leases.flatMap((lease) => [
      ...unequal('lease_differs', lease.id, 'amount', lease.amountNano, sliced.get(lease.id) ?? 0n),
      ...unequal('held_differs', lease.id, 'held account', -(held.get(lease.id) ?? 0n), unspent(lease)),
      ...(lease.closed ? unequal('lease_differs', lease.id, 'closed, unspent', unspent(lease), 0n) : []),
      ...(!lease.closed && closedRuns.has(lease.incarnationId) ? [leftOpen(lease)] : []),
    ]),
    ...[...held].flatMap(([id, total]) =>
      known.has(id) ? [] : unequal('held_differs', `lease ${id}`, 'held', -total, 0n),
    ),
  ];
}

function leftOpen(lease: Lease): Finding {
  const detail = `is open, but its gateway ${lease.incarnationId} is closed`;
  return { kind: 'lease_left_open', id: lease.id, detail, differenceNano: unspent(lease) };
}

/** Each balance is some entry's starting point, but for the last one; the order of ids need not be the order of effects. */
function judgeChains(facts: JoinedFacts): Finding[] {
  const left = new Map<string, bigint>([
    ...facts.grants.map((grant) => [`grant ${grant.id}`, grant.availableNano ?? 0n] as const),
    ...facts.leases.map((lease) => [`lease ${lease.id}`, unspent(lease)] as const),
  ]);
  const steps = new Map<string, Map<bigint, number>>();
  for (const entry of facts.entries) {
    const id =
      entry.account === 'credit'
        ? `grant ${entry.grantId}`
        : entry.account === 'held'
          ? `lease ${entry.leaseId}`
          : null;
    if (id === null) continue;
    const counts = steps.get(id) ?? new Map<bigint, number>([[0n, 1]]);
    steps.set(id, counts);
    const after = entry.balanceAfterNano ?? 0n;
    counts.set(after, (counts.get(after) ?? 0) + 1);
    counts.set(after + entry.amountNano, (counts.get(after + entry.amountNano) ?? 0) - 1);
  }
  return [...steps].flatMap(([id, counts]) => {
    const last = left.get(id) ?? 0n;
    const loose = [...counts]
      .filter(([balance, count]) => count !== (balance === last ? 1 : 0))
      .map(([balance]) => balance);
    if (loose.length === 0) return [];
    return [
      { kind: 'balance_chain_broken', id, detail: `no entry leads on from ${loose.join(', ')}`, differenceNano: 0n },
    ];
  });
}

function judgeQuiet(facts: JoinedFacts): Finding[] {
  const holding = facts.leases.filter((lease) => !lease.closed && unspent(lease) > 0n);
  return holding.flatMap((lease) => unequal('held_after_quiet', lease.id, 'unspent', unspent(lease), 0n));
}

export function isQuiet(facts: Facts): boolean {
  return facts.leases.every((lease) => lease.closed || unspent(lease) === 0n);
}

function unspent({ amountNano, consumedNano }: Lease): bigint {
  return amountNano - consumedNano;
}

function amountOf({ amountNano }: { readonly amountNano: bigint }): bigint {
  return amountNano;
}
