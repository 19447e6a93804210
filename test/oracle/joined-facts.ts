// The facts, joined: on the request id, the attempt id, and the ids of transactions, leases and grants.
import type { Attempt, Entry, Facts, Loss, PriceVersion, UsageRecord } from './facts.ts';
import { type Frame, frameOf } from './frame.ts';
import { type PriceEntry, priceInForce, type Side } from './price-table.ts';

/** Losses in selling prices: what a customer was not made to pay. Every other reason is in cost prices. */
const UNPAID_REASONS = new Set(['overshoot', 'late']);

export interface JoinedFacts extends Facts {
  readonly frame: Frame;
  readonly recordsOf: ReadonlyMap<string, readonly UsageRecord[]>;
  readonly attemptOf: ReadonlyMap<string, Attempt>;
  /** By request id. */
  readonly attemptsOf: ReadonlyMap<string, readonly Attempt[]>;
  /** By attempt id, in cost prices. */
  readonly lossesOf: ReadonlyMap<string, readonly Loss[]>;
  /** By request id, in selling prices. */
  readonly unpaidOf: ReadonlyMap<string, readonly Loss[]>;
  readonly entriesOf: ReadonlyMap<bigint, readonly Entry[]>;
  readonly kindOf: ReadonlyMap<bigint, string>;
  /** What moved on each lease, by transaction. */
  readonly heldOf: ReadonlyMap<string | null, readonly Entry[]>;
  readonly versionOf: ReadonlyMap<string, PriceVersion>;
  /** Which installation a gateway belongs to, learned from the answers that it settled. */
  readonly apiOfPid: ReadonlyMap<number, string>;
}

export function joined(facts: Facts): JoinedFacts {
  const unpaid = facts.losses.filter(({ reason }) => UNPAID_REASONS.has(reason));
  const costLosses = facts.losses.filter(({ reason }) => !UNPAID_REASONS.has(reason));
  const recordsOf = grouped(facts.usageRecords, ({ requestId }) => requestId);
  return {
    ...facts,
    frame: frameOf(facts),
    recordsOf,
    attemptOf: new Map(facts.attempts.map((attempt) => [attemptId(attempt), attempt])),
    attemptsOf: grouped(facts.attempts, ({ requestId }) => requestId),
    lossesOf: grouped(costLosses, attemptId),
    unpaidOf: grouped(unpaid, ({ requestId }) => requestId),
    entriesOf: grouped(facts.entries, ({ transactionId }) => transactionId),
    kindOf: new Map(facts.transactions.map(({ id, kind }) => [id, kind])),
    heldOf: grouped(
      facts.entries
        .filter(({ account }) => account === 'held')
        .toSorted((one, other) => Number(one.transactionId - other.transactionId)),
      ({ leaseId }) => leaseId,
    ),
    versionOf: new Map(facts.priceVersions.map((version) => [version.id, version])),
    apiOfPid: apisOfPids(facts, recordsOf),
  };
}

function apisOfPids(facts: Facts, recordsOf: ReadonlyMap<string, readonly UsageRecord[]>): Map<number, string> {
  const pids = new Map(facts.incarnations.map(({ id, pid }) => [id, pid]));
  const served = (facts.answers ?? []).flatMap(({ requestId, api }) =>
    (recordsOf.get(requestId ?? '') ?? []).map(({ incarnationId }) => [pids.get(incarnationId) ?? 0, api] as const),
  );
  return new Map(served);
}

export function attemptId({ requestId, n }: { readonly requestId: string; readonly n: number }): string {
  return `${requestId}.${n}`;
}

/** What the hand-written table says about a version that a row names; null: it is of another model or side, or unknown. */
export function pinnedPrice(
  facts: JoinedFacts,
  versionId: string | null,
  modelId: string,
  side: Side,
): PriceEntry | null {
  const version = versionId === null ? undefined : facts.versionOf.get(versionId);
  if (version === undefined || version.modelId !== modelId || version.side !== side) return null;
  return priceInForce(facts.prices, modelId, side, version.effectiveAtMs);
}

export function grouped<Row, Id>(rows: readonly Row[], idOf: (row: Row) => Id): Map<Id, Row[]> {
  const groups = new Map<Id, Row[]>();
  for (const row of rows) {
    const id = idOf(row);
    const group = groups.get(id);
    if (group === undefined) groups.set(id, [row]);
    else group.push(row);
  }
  return groups;
}

export function sumOf<Row>(rows: readonly Row[], amountOf: (row: Row) => bigint): bigint {
  return rows.reduce((total, row) => total + amountOf(row), 0n);
}

export function totals<Row, Id>(
  rows: readonly Row[],
  idOf: (row: Row) => Id,
  amountOf: (row: Row) => bigint,
): Map<Id, bigint> {
  const sums = new Map<Id, bigint>();
  for (const row of rows) sums.set(idOf(row), (sums.get(idOf(row)) ?? 0n) + amountOf(row));
  return sums;
}
