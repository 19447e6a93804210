// The row of whoever asked Stripe for something, as his own look would find it: his workflow id says whose row that is.
import { processOf } from '../services/processes/poke.ts';
import type { ProcessView } from '../workflows/contracts/billing-process.ts';
import type { DunningActivities } from '../workflows/contracts/dunning.ts';
import type { SubscriptionActivities } from '../workflows/contracts/subscription.ts';
import type { TopUpActivities } from '../workflows/contracts/top-up.ts';

type Looks = Partial<
  Pick<SubscriptionActivities, 'tickSubscription'> & Pick<DunningActivities, 'tickDunning'> & TopUpActivities
>;

/** Null: he is no process that can be looked at here. */
export function lookAfter(looks: Looks): (workflowId: string) => Promise<ProcessView | null> {
  return async (workflowId) => {
    const { process, subject: id } = processOf(workflowId);
    switch (process) {
      case 'subscription':
        return looks.tickSubscription?.({ subscriptionId: id }) ?? null;
      case 'dunning':
        return looks.tickDunning?.({ invoiceId: id }) ?? null;
      case 'topup':
        return looks.tickTopUp?.({ orgId: id }) ?? null;
      default:
        return null;
    }
  };
}
