// What a plan gives beside credit, as it counts now: seats. Whoever has no plan, or one that rests, is a pay-as-you-go customer.
import type { PoolClient } from 'pg';
import { type Subscription, termsInForce } from '../../domain/subscription.ts';
import { setSeats } from '../organizations/organizations.ts';
import { restoreWithinSeats, suspendAboveSeats } from '../people/seats.ts';
import { planVersion } from '../plans/plan-versions.ts';

const WITHOUT_PLAN = 'pay_as_you_go-1';

/** The caller holds the organization. */
export async function applyBenefits(tx: PoolClient, orgId: string, state: Subscription, nowMs: number): Promise<void> {
  const { seats } = await planVersion(tx, termsInForce(state, nowMs)?.planVersionId ?? WITHOUT_PLAN);
  if (!(await setSeats(tx, orgId, seats))) return;
  await suspendAboveSeats(tx, orgId);
  await restoreWithinSeats(tx, orgId);
}
