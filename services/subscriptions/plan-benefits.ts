// What a plan gives beside credit, as it counts now: seats, rates, models, and the price of what its credit does not cover. Whose
// subscription has ended, or rests, pays as he goes.
import type { PoolClient } from 'pg';
import { type Subscription, termsInForce } from '../../domain/subscription.ts';
import { setPlan } from '../organizations/organizations.ts';
import { restoreWithinSeats, suspendAboveSeats } from '../people/seats.ts';
import { contractPlanOf, planVersion, planWithoutFee } from '../plans/plan-versions.ts';

/** The caller holds the organization. */
export async function applyBenefits(tx: PoolClient, orgId: string, state: Subscription, nowMs: number): Promise<void> {
  const inForce = termsInForce(state, nowMs)?.planVersionId ?? (await contractPlanOf(tx, orgId));
  await adoptPlan(tx, orgId, inForce ?? (await planWithoutFee(tx, 'pay_as_you_go', nowMs)).id);
}

/** Null: it has agreed on none. The caller holds the organization. */
export async function adoptPlan(tx: PoolClient, orgId: string, versionId: string | null): Promise<void> {
  if (!(await setPlan(tx, orgId, versionId === null ? null : await planVersion(tx, versionId)))) return;
  await suspendAboveSeats(tx, orgId);
  await restoreWithinSeats(tx, orgId);
}
