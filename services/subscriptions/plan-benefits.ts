// What a plan gives beside credit, as it counts now: seats, rates, models, and the price of what its credit does not cover. Whose
// subscription has ended, or rests, pays as he goes.
import type { PoolClient } from 'pg';
import { type Subscription, termsInForce } from '../../domain/subscription.ts';
import { type HeldOrganization, setPlan } from '../organizations/organizations.ts';
import { restoreWithinSeats, suspendAboveSeats } from '../people/seats.ts';
import { contractPlanOf, planVersion, planWithoutFee } from '../plans/plan-versions.ts';

/** The organization as it is held from now on. */
export async function applyBenefits(
  tx: PoolClient,
  held: HeldOrganization,
  state: Subscription,
  nowMs: number,
): Promise<HeldOrganization> {
  const agreed = termsInForce(state, nowMs)?.planVersionId ?? (await contractPlanOf(tx, held.id));
  const planVersionId = agreed ?? (await planWithoutFee(tx, 'pay_as_you_go', nowMs)).id;
  const { seats } = await planVersion(tx, planVersionId);
  if (held.planVersionId === planVersionId && held.seats === seats) return held;
  await adoptPlan(tx, held.id, planVersionId);
  return { ...held, planVersionId, seats };
}

/** Null: it has agreed on none. The caller holds the organization. */
export async function adoptPlan(tx: PoolClient, orgId: string, versionId: string | null): Promise<void> {
  if (!(await setPlan(tx, orgId, versionId === null ? null : await planVersion(tx, versionId)))) return;
  await suspendAboveSeats(tx, orgId);
  await restoreWithinSeats(tx, orgId);
}
