// The facts, joined: on the request id, the attempt id, and the ids of transactions, leases and grants.
import type { Attempt, Entry, Facts, Loss, PriceVersion, UsageRecord } from './facts.ts';
import { type PriceEntry, priceInForce, type Side } from './price-table.ts';

/** Losses in selling prices: what a customer was not made to pay. Every other reason is in cost prices. */
const UNPAID_REASONS = new Set(['overshoot', 'late']);

export interface JoinedFacts extends Facts {
  readonly recordsOf: ReadonlyMap<string, readonly UsageRecord[]>;
  readonly attemptOf: ReadonlyMap<string, Attempt>;
  /** By attempt id, in cost prices. */
  readonly lossesOf: ReadonlyMap<string, readonly Loss[]>;
  /** By request id, in selling prices. */
  readonly unpaidOf: ReadonlyMap<string, readonly Loss[]>;
  readonly entriesOf: ReadonlyMap<bigint, readonly Entry[]>;
  readonly versionOf: ReadonlyMap<string, PriceVersion>;
}

export function joined(facts: Facts): JoinedFacts {
  const unpaid = facts.losses.filter(({ reason }) => UNPAID_REASONS.has(reason));
  const costLosses = facts.losses.filter(({ reason }) => !UNPAID_REASONS.has(reason));
  return {
    ...facts,
    recordsOf: grouped(facts.usageRecords, ({ requestId }) => requestId),
    attemptOf: new Map(facts.attempts.map((attempt) => [attemptId(attempt), attempt])),
    lossesOf: grouped(costLosses, attemptId),
    unpaidOf: grouped(unpaid, ({ requestId }) => requestId),
    entriesOf: grouped(facts.entries, ({ transactionId }) => transactionId),
    versionOf: new Map(facts.priceVersions.map((version) => [version.id, version])),
  };
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
