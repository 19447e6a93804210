// In which order credit was spent, and that all of it was before anything was given away. Whatever moves credit holds its
// organization before it takes the transaction's number, so the numbers of one organization are the order of what happened
// (settlements take their number earlier, and move no credit): its balances can be played again, step by step.
import type { EnforcementChange, Entry, Grant, Lease, Organization, Transaction, UsageRecord } from './facts.ts';
import type { Finding } from './finding.ts';
import { grouped, type JoinedFacts, sumOf } from './joined-facts.ts';

export function judgeBurning(facts: JoinedFacts): Finding[] {
  const grantsOf = grouped(facts.grants.toSorted(inBurnOrder), ({ orgId }) => orgId);
  const stepsOf = grouped(steps(facts), ({ orgId }) => orgId);
  const changesOf = grouped(facts.enforcementChanges, ({ orgId }) => orgId);
  return [
    ...facts.organizations.flatMap((organization) => {
      const { id } = organization;
      return replay(organization, grantsOf.get(id) ?? [], stepsOf.get(id) ?? [], changesOf.get(id) ?? []);
    }),
    ...facts.usageRecords.flatMap((record) => judgeUnpaid(facts, record)),
  ];
}

interface Step extends Transaction {
  readonly orgId: string | null;
  readonly entries: readonly Entry[];
}

function steps(facts: JoinedFacts): Step[] {
  return facts.transactions
    .filter(({ kind }) => kind !== 'settlement')
    .toSorted((one, other) => (one.id < other.id ? -1 : 1))
    .map((transaction) => {
      const entries = facts.entriesOf.get(transaction.id) ?? [];
      return { ...transaction, entries, orgId: entries.find(({ orgId }) => orgId !== null)?.orgId ?? null };
    });
}

/** Priority, then expiry (never is last), then age, then id. */
function inBurnOrder(one: Grant, other: Grant): number {
  const never = Number.POSITIVE_INFINITY;
  const byExpiry =
    (one.expiresAtMs ?? never) === (other.expiresAtMs ?? never)
      ? 0
      : (one.expiresAtMs ?? never) - (other.expiresAtMs ?? never);
  return (
    one.priority - other.priority || byExpiry || one.createdAtMs - other.createdAtMs || (one.id < other.id ? -1 : 1)
  );
}

/** @param grants in burn order */
function replay(
  organization: Organization,
  grants: readonly Grant[],
  past: readonly Step[],
  changes: readonly EnforcementChange[],
): Finding[] {
  const left = new Map<string | null, bigint>();
  let owedNano = 0n;
  return past.flatMap((step) => {
    const credit = step.entries.filter(({ account }) => account === 'credit');
    for (const { grantId, amountNano } of credit) left.set(grantId, (left.get(grantId) ?? 0n) - amountNano);
    owedNano += sumOf(
      step.entries.filter(({ account }) => account === 'overdraft'),
      ({ amountNano }) => amountNano,
    );
    if (step.kind !== 'lease' && step.kind !== 'beyond_lease') return [];

    const stage = stageAt(changes, step.id);
    const unspent = grants.filter(
      (grant) => isInForce(grant, step.effectiveAtMs) && !isLocked(grant, stage) && (left.get(grant.id) ?? 0n) > 0n,
    );
    const taken = new Set(credit.map(({ grantId }) => grantId));
    return [
      ...judgeLocks(step, stage, grants, taken),
      ...judgeOrder(step, grants, unspent, taken),
      ...judgeGift(step, unspent, left, organization.overdraftFloorNano - owedNano),
    ];
  });
}

function isInForce({ effectiveAtMs, expiresAtMs }: Grant, atMs: number): boolean {
  return effectiveAtMs <= atMs && atMs < (expiresAtMs ?? Number.POSITIVE_INFINITY);
}

/** The numbers of the ledger's transactions and of the changes are of one sequence, drawn while the organization was held. */
function stageAt(changes: readonly EnforcementChange[], transactionId: bigint): string {
  const before = changes.filter(({ ledgerNumber }) => ledgerNumber < transactionId);
  return before.reduce((last, one) => (one.ledgerNumber > last.ledgerNumber ? one : last), NEVER_CHANGED).stage;
}

const NEVER_CHANGED = { stage: 'none', ledgerNumber: -1n };

/** What was not bought is not spent by whoever has not paid. */
function isLocked({ source }: Grant, stage: string): boolean {
  return stage !== 'none' && (source === 'included' || source === 'credit_line');
}

/** Who is stopped is lent nothing; what ran already may still be charged to what he bought. */
function judgeLocks(step: Step, stage: string, grants: readonly Grant[], taken: ReadonlySet<string | null>): Finding[] {
  const isForbidden = stage === 'stopped' && step.kind === 'lease';
  return grants
    .filter((grant) => taken.has(grant.id) && (isForbidden || isLocked(grant, stage)))
    .map(({ id, source }) => {
      const detail = `${step.kind} ${step.id} took from ${source} grant ${id} while its organization was ${stage}`;
      return { kind: 'locked_credit_spent', id, detail, differenceNano: 0n };
    });
}

/** Whoever takes from a grant has emptied every one before it. */
function judgeOrder(
  step: Step,
  grants: readonly Grant[],
  unspent: readonly Grant[],
  taken: ReadonlySet<string | null>,
): Finding[] {
  const last = grants.findLast(({ id }) => taken.has(id));
  const [first] = unspent;
  if (last === undefined || first === undefined || grants.indexOf(first) >= grants.indexOf(last)) return [];
  const detail = `${step.kind} ${step.id} took from grant ${last.id} while there was credit on grant ${first.id}, which comes before it`;
  return [{ kind: 'burn_order_broken', id: last.id, detail, differenceNano: 0n }];
}

/** What a customer was not made to pay is a loss only when nothing was left to pay it from. */
function judgeGift(
  step: Step,
  unspent: readonly Grant[],
  left: ReadonlyMap<string | null, bigint>,
  overdraftRoomNano: bigint,
): Finding[] {
  const givenNano = sumOf(
    step.entries.filter(({ account }) => account === 'ops_loss'),
    ({ amountNano }) => amountNano,
  );
  const onLeaseNano = sumOf(
    step.entries.filter(({ account }) => account === 'held'),
    ({ balanceAfterNano }) => balanceAfterNano ?? 0n,
  );
  const onGrantsNano = sumOf(unspent, ({ id }) => left.get(id) ?? 0n);
  const roomNano = onLeaseNano + onGrantsNano + (overdraftRoomNano > 0n ? overdraftRoomNano : 0n);
  if (givenNano <= 0n || roomNano === 0n) return [];
  const detail = `${givenNano} unpaid, with ${onLeaseNano} on the lease, ${onGrantsNano} on grants, ${overdraftRoomNano} above the floor`;
  const differenceNano = givenNano < roomNano ? givenNano : roomNano;
  return [{ kind: 'given_away', id: step.sourceId, detail, differenceNano }];
}

/** `late`: its lease was closed. `overshoot`: its lease was open, and nothing was left of it. */
function judgeUnpaid(facts: JoinedFacts, { requestId, leaseId, transactionId }: UsageRecord): Finding[] {
  return (facts.unpaidOf.get(requestId) ?? []).flatMap((loss) => {
    const lease = facts.leases.find(({ id }) => id === leaseId);
    const isLate = lease === undefined || lease.closed;
    const isOvershot = lease !== undefined && !hadMore(facts, lease, loss.transactionId);
    if ((loss.reason === 'late' ? isLate : isOvershot) && loss.transactionId === transactionId) return [];
    const detail = `${loss.amountNano} unpaid as ${loss.reason}, which its lease ${leaseId} and transaction ${transactionId} do not bear out`;
    return [{ kind: 'given_away' as const, id: requestId, detail, differenceNano: loss.amountNano }];
  });
}

/** What a lease gives back and had not grown by since, it had all the time. */
function hadMore(facts: JoinedFacts, { id }: Lease, transactionId: bigint): boolean {
  const moves = (facts.heldOf.get(id) ?? []).filter((entry) => entry.transactionId > transactionId);
  const next = moves
    .map((entry) => facts.kindOf.get(entry.transactionId))
    .find((kind) => kind === 'lease' || kind === 'lease_return');
  return next === 'lease_return';
}
