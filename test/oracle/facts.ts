// Everything the oracle judges, as plain data: what PostgreSQL holds, what the provider metered, what the clients saw, and who
// was killed. Money is nano-USD, an instant is milliseconds since 1970, an attempt id is `<requestId>.<n>`.
import type { Meters } from './meters.ts';
import type { PriceTable } from './price-table.ts';

export interface Facts extends Books {
  readonly prices: PriceTable;
  readonly meter: ReadonlyMap<string, MeteredAttempt>;
  /** By payment intent, as Stripe says. Null: this installation has none. */
  readonly captures: ReadonlyMap<string, Capture> | null;
  /** Null: nobody kept a log of what the clients saw. */
  readonly answers: readonly Answer[] | null;
  /** Null: nobody kept a log of what was killed. */
  readonly hits: readonly Hit[] | null;
}

/** What PostgreSQL holds, all of one moment. */
export interface Books {
  readonly usageRecords: readonly UsageRecord[];
  readonly attempts: readonly Attempt[];
  readonly losses: readonly Loss[];
  readonly transactions: readonly Transaction[];
  readonly entries: readonly Entry[];
  readonly payments: readonly Payment[];
  readonly refunds: readonly Refund[];
  readonly grants: readonly Grant[];
  readonly leases: readonly Lease[];
  readonly slices: readonly Slice[];
  readonly organizations: readonly Organization[];
  readonly enforcementChanges: readonly EnforcementChange[];
  readonly planChanges: readonly PlanChange[];
  readonly projectPrices: readonly ProjectPrice[];
  readonly incarnations: readonly Incarnation[];
  readonly caps: readonly Cap[];
  readonly capCounters: readonly CapCounter[];
  readonly channels: readonly Channel[];
  readonly priceVersions: readonly PriceVersion[];
  /** Attempt ids that the product has read from the provider's export and could not match yet. */
  readonly unmatchedExports: readonly string[];
  readonly unsentEnds: readonly string[];
  /** Request ids that were settled again with another charge. */
  readonly conflicts: readonly string[];
}

export interface UsageRecord {
  readonly requestId: string;
  readonly orgId: string;
  readonly projectId: string;
  readonly memberId: string | null;
  readonly apiKeyId: string;
  readonly incarnationId: string;
  readonly leaseId: string | null;
  readonly modelId: string;
  readonly priceVersionId: string;
  readonly meters: Meters;
  readonly usageSource: 'provider' | 'estimate' | 'none';
  readonly deliveredBytes: bigint;
  readonly ratedNano: bigint;
  /** Of that, what was at a rate of its own; null: nothing. */
  readonly beyondNano: bigint | null;
  readonly beyondPpm: number | null;
  readonly dueNano: bigint;
  readonly chargeNano: bigint;
  readonly outcome: string;
  readonly winner: number | null;
  readonly transactionId: bigint | null;
  readonly admittedAtMs: number;
}

export interface Attempt {
  readonly requestId: string;
  readonly n: number;
  /** Null: no gateway sent it (a channel's test call). */
  readonly incarnationId: string | null;
  readonly channelId: string;
  readonly modelId: string;
  readonly upstreamModel: string;
  readonly costVersionId: string | null;
  readonly outcome: string;
  readonly sentAtMs: number;
  readonly costNano: bigint | null;
}

export interface Loss {
  readonly requestId: string;
  readonly n: number;
  readonly reason: string;
  readonly amountNano: bigint;
  readonly transactionId: bigint;
}

export interface Transaction {
  readonly id: bigint;
  readonly kind: string;
  readonly sourceId: string;
  readonly effectiveAtMs: number;
}

export interface Entry {
  readonly transactionId: bigint;
  readonly account: string;
  readonly orgId: string | null;
  readonly grantId: string | null;
  readonly leaseId: string | null;
  readonly channelId: string | null;
  readonly amountNano: bigint;
  readonly balanceAfterNano: bigint | null;
}

export interface Payment {
  readonly id: string;
  /** Null: it is not paid. */
  readonly stripePaymentIntent: string | null;
  readonly transactionId: bigint | null;
}

export interface Refund {
  readonly paymentId: string;
  readonly transactionId: bigint;
  /** Null: it has not failed. */
  readonly reversalId: bigint | null;
}

export interface Grant {
  readonly id: string;
  readonly orgId: string;
  readonly source: string;
  readonly priority: number;
  readonly amountNano: bigint;
  /** Null: the grant has no balance row. */
  readonly availableNano: bigint | null;
  readonly effectiveAtMs: number;
  readonly expiresAtMs: number | null;
  readonly createdAtMs: number;
}

export interface Lease {
  readonly id: string;
  readonly incarnationId: string;
  readonly orgId: string;
  readonly amountNano: bigint;
  readonly consumedNano: bigint;
  /** List price up to here, and beyond it this rate; null: list price. */
  readonly atListNano: bigint;
  readonly beyondPpm: number | null;
  readonly projectId: string;
  readonly memberId: string | null;
  readonly apiKeyId: string;
  readonly openedAtMs: number;
  readonly closed: boolean;
}

export interface Slice {
  readonly leaseId: string;
  readonly grantId: string;
  readonly amountNano: bigint;
}

export interface Organization {
  readonly id: string;
  readonly overdraftNano: bigint;
  readonly overdraftFloorNano: bigint;
}

/** From this number of the ledger's on, its organization was at that stage. */
export interface EnforcementChange {
  readonly orgId: string;
  readonly stage: string;
  readonly ledgerNumber: bigint;
}

/** From this number of the ledger's on, its organization was on that plan. */
export interface PlanChange {
  readonly orgId: string;
  readonly plan: string | null;
  /** As the version says, which a contract has for itself. */
  readonly ppm: number | null;
  readonly ledgerNumber: bigint;
}

/** From this number of the ledger's on, that was agreed for the project alone; null: nothing was. */
export interface ProjectPrice {
  readonly projectId: string;
  readonly ppm: number | null;
  readonly ledgerNumber: bigint;
}

export interface Incarnation {
  readonly id: string;
  readonly pid: number;
  readonly startedAtMs: number;
  readonly renewedAtMs: number;
  readonly fencedAtMs: number | null;
  readonly closed: boolean;
}

export interface Cap {
  readonly id: string;
  readonly scopeId: string;
  readonly period: 'total' | 'day' | 'week' | 'month';
  readonly amountNano: bigint;
  /** Nobody has changed its owner since: then it has held all the time. */
  readonly isAsCreated: boolean;
}

/** What a cap counts in one of its periods. */
export interface CapCounter {
  readonly capId: string;
  readonly committedNano: bigint;
  readonly fromMs: number;
  /** Null: it never ends. */
  readonly untilMs: number | null;
}

export interface Channel {
  readonly id: string;
  /** Its provider says what it served. */
  readonly exports: boolean;
}

export interface PriceVersion {
  readonly id: string;
  readonly modelId: string;
  readonly side: string;
  readonly effectiveAtMs: number;
}

export interface MeteredAttempt {
  readonly modelId: string;
  readonly usage: Meters;
  readonly ended: boolean;
  readonly atMs: number;
}

export interface Capture {
  readonly capturedCents: number;
  readonly refundedCents: number;
}

/** One request as its client saw it. */
export interface Answer {
  readonly atMs: number;
  readonly durationMs: number;
  /** The installation that it was sent to. */
  readonly api: string;
  /** Null: the connection ended before a head arrived. */
  readonly requestId: string | null;
  readonly status: number;
  /** Text bytes that the provider counts as input. */
  readonly promptBytes: number;
  readonly contentBytes: number;
  readonly terminatorSeen: boolean;
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
  readonly abortedByClient: boolean;
  readonly fault: string | null;
}

/** A gateway, or the demo provider, was killed or did not run. */
export interface Hit {
  readonly target: 'gateway' | 'demo';
  readonly fromMs: number;
  readonly untilMs: number;
  readonly pid: number;
}
