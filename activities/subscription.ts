// Subscriptions as workflows call them: plain JSON in and out, and a line for those on watch.
import { log } from '@temporalio/activity';
import type {
  SubscriptionActivities,
  SubscriptionCommandInput,
  SubscriptionCommandName,
  SubscriptionView,
} from '../workflows/contracts/subscription.ts';
import { subscriptionWorkflowId } from '../workflows/contracts/subscription.ts';

type Row = Omit<SubscriptionView, 'runbook'>;

/** The row is stepped and saved, and who else has news of it is poked, before either answers. */
export interface SteppedSubscriptions {
  tick(subscriptionId: string): Promise<Row>;
  command(
    subscriptionId: string,
    command: SubscriptionCommandInput & { readonly command: SubscriptionCommandName },
  ): Promise<{ readonly kind: 'done'; readonly answer: Row } | { readonly kind: 'refused'; readonly why: string }>;
}

export function createSubscriptionActivities(
  subscriptions: SteppedSubscriptions,
  runbook: string,
): SubscriptionActivities {
  const told = (row: Row): SubscriptionView => ({ ...row, runbook });
  return {
    async tickSubscription({ subscriptionId }) {
      const row = await subscriptions.tick(subscriptionId);
      if (row.attention !== null) {
        log.error('subscription_needs_attention', {
          workflowId: subscriptionWorkflowId(subscriptionId),
          orgId: row.orgId,
          attention: row.attention,
        });
      }
      return told(row);
    },

    async commandSubscription({ subscriptionId, ...command }) {
      const outcome = await subscriptions.command(subscriptionId, command);
      return outcome.kind === 'refused' ? outcome : { kind: 'done', view: told(outcome.answer) };
    },
  };
}
