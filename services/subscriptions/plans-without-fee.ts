// Organizations that agree on a plan without paying for it: Free, and pay as you go. Who has a subscription, or a contract, has its plan;
// who has none of all these pays list price (D67).
import type { PoolClient } from 'pg';
import { TollgateError } from '../../domain/errors.ts';
import { contractPlanOf, planWithoutFee } from '../plans/plan-versions.ts';
import { adoptPlan } from './plan-benefits.ts';
import { liveSubscriptionOf } from './subscription-rows.ts';
import { billingNow } from './turn.ts';

/**
 * Null: on none. The caller holds the organization.
 * @throws TollgateError conflict for who has a plan that was bought or negotiated
 */
export async function putOnPlan(tx: PoolClient, orgId: string, plan: 'free' | 'pay_as_you_go' | null): Promise<void> {
  const hasSubscription = (await liveSubscriptionOf(tx, orgId)) !== null;
  if (hasSubscription || (await contractPlanOf(tx, orgId)) !== null) {
    throw new TollgateError('conflict', {
      message: `The plan of organization ${orgId} is that of its ${hasSubscription ? 'subscription' : 'contract'}: end it first.`,
      param: 'plan',
    });
  }
  await adoptPlan(tx, orgId, plan === null ? null : (await planWithoutFee(tx, plan, await billingNow(tx))).id);
}
