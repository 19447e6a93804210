// The running plan of an organization that becomes an enterprise: it ends at that moment, and what is unused of it is credited, as an upgrade
// would have counted it (D92). Nothing of it may be under way at Stripe then.
import type { PoolClient } from 'pg';
import { type Cents, cents, nanoOf } from '../../domain/cents.ts';
import type { Obstacle } from '../../domain/provisioning.ts';
import { isAtRest } from '../../domain/subscription-step.ts';
import { liveSubscriptionOf } from './subscription-rows.ts';
import { billingNow, takeTurn } from './turn.ts';
import { unusedValue } from './unused-value.ts';

export interface ConvertedPlan {
  readonly subscriptionId: string;
  readonly creditedCents: Cents;
}

/** Null: nothing is in the way of it. Otherwise what is, and whether it ends by itself. */
export async function conversionObstacle(
  tx: PoolClient,
  orgId: string,
): Promise<{ readonly why: Obstacle; readonly needsPerson: boolean } | null> {
  const live = await liveSubscriptionOf(tx, orgId);
  if (live === null || isAtRest(live.state)) return null;
  const isOwed = live.state.phase.kind === 'past_due';
  return { why: { code: isOwed ? 'renewal_owed' : 'payment_under_way', detail: live.id }, needsPerson: isOwed };
}

/** `grantId`: of the credit, made of what it is given for. Null: there was no plan. The caller holds the organization. */
export async function convertPlan(
  tx: PoolClient,
  orgId: string,
  grantId: string,
  actor: string,
): Promise<ConvertedPlan | null> {
  const live = await liveSubscriptionOf(tx, orgId);
  if (live === null) return null;
  const { id: subscriptionId, state } = live;
  const isPaidFor = state.phase.kind === 'active';
  const creditedCents = isPaidFor ? await unusedValue(tx, orgId, state, await billingNow(tx)) : cents(0);
  await takeTurn(tx, { orgId, actor }, { process: 'subscription', id: subscriptionId, event: { kind: 'converted' } });
  if ((await liveSubscriptionOf(tx, orgId)) !== null) {
    throw new Error(`subscription ${subscriptionId} is not at rest and cannot end now`);
  }
  if (creditedCents > 0) {
    await tx.query('select credit_unused_plan($1, $2, $3, $4)', [grantId, orgId, nanoOf(creditedCents), actor]);
  }
  return { subscriptionId, creditedCents };
}
