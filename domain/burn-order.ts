// Which credit is spent first: what would be lost soonest, and what was given before what was bought (billing.md
// 1.2). The SQL that cuts leases orders by the same four columns; a grant is spent only between its start and its
// expiry (I7), and what comes with a plan or on credit not while an invoice is overdue (billing.md 1.4).
import { type Nano, nano, smaller, ZERO } from './nano.ts';
import type { Stage } from './overdue-policy.ts';

const LOCKED_WHILE_OVERDUE: ReadonlySet<string> = new Set(['included', 'credit_line']);

export interface GrantView {
  readonly id: string;
  readonly source: string;
  readonly priority: number;
  readonly effectiveAtMs: number;
  readonly expiresAtMs: number | null;
  readonly grantedAtMs: number;
  readonly availableNano: Nano;
}

export interface GrantSlice {
  readonly grantId: string;
  readonly amountNano: Nano;
}

/** The slices add up to the amount, or to all spendable credit when that is less. */
export function cutSlices(
  grants: readonly GrantView[],
  amount: Nano,
  nowMs: number,
  stage: Stage = 'none',
): GrantSlice[] {
  const slices: GrantSlice[] = [];
  let missing = amount;
  for (const grant of inBurnOrder(grants)) {
    if (missing <= ZERO) break;
    if (!isSpendable(grant, nowMs, stage)) continue;
    const amountNano = smaller(missing, grant.availableNano);
    slices.push({ grantId: grant.id, amountNano });
    missing = nano(missing - amountNano);
  }
  return slices;
}

export function inBurnOrder(grants: readonly GrantView[]): GrantView[] {
  return grants.toSorted(
    (a, b) =>
      a.priority - b.priority ||
      expiryOrder(a.expiresAtMs, b.expiresAtMs) ||
      a.grantedAtMs - b.grantedAtMs ||
      (a.id < b.id ? -1 : Number(a.id > b.id)),
  );
}

function expiryOrder(a: number | null, b: number | null): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  return a - b;
}

function isSpendable(grant: GrantView, nowMs: number, stage: Stage): boolean {
  const expired = grant.expiresAtMs !== null && grant.expiresAtMs <= nowMs;
  const locked = stage !== 'none' && LOCKED_WHILE_OVERDUE.has(grant.source);
  return grant.effectiveAtMs <= nowMs && !expired && !locked && grant.availableNano > ZERO;
}
