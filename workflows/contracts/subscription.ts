// What outsiders may know of a subscription's process: how it is started, found and told, and what its activities do.
import { defineUpdate } from '@temporalio/workflow';
import type { ProcessView } from './billing-process.ts';
import type { Command } from './commands.ts';

export const SUBSCRIPTION = 'subscription';

export function subscriptionWorkflowId(subscriptionId: string): string {
  return `subscription:${subscriptionId}`;
}

export interface SubscriptionInput {
  readonly v: 1;
  readonly subscriptionId: string;
  /** Its cycle has ended, so it begins by what that brings. */
  readonly isDue?: true;
}

/** The row as an activity saw it. */
export interface SubscriptionView extends ProcessView {
  readonly orgId: string;
  readonly phase: 'active' | 'paying' | 'past_due' | 'voiding' | 'paused' | 'ended';
  readonly plan: string;
  /** ISO 8601, of the period paid last. */
  readonly periodEndsAt: string;
  readonly atPeriodEnd: 'renew' | 'cancel' | 'pause';
  /** The invoice whose payment is awaited. */
  readonly invoiceId: string | null;
  /** Of void invoices, whose money Stripe would not give back. */
  readonly refundsRefused: number;
}

export type SubscriptionCommandName = 'cancel' | 'reactivate' | 'pause' | 'resume' | 'changePlan' | 'retryRefund';

/** `plan`, `months`: of changePlan. */
export interface SubscriptionCommandInput extends Command {
  readonly plan?: string;
  readonly months?: 1 | 12;
}

export type SubscriptionCommandOutcome =
  | { readonly kind: 'done'; readonly view: SubscriptionView }
  | { readonly kind: 'refused'; readonly why: string };

export interface SubscriptionActivities {
  /** Steps the row with the time as it is now. */
  tickSubscription(input: { readonly subscriptionId: string }): Promise<SubscriptionView>;
  commandSubscription(
    input: SubscriptionCommandInput & { readonly subscriptionId: string; readonly command: SubscriptionCommandName },
  ): Promise<SubscriptionCommandOutcome>;
}

export const cancel = defineUpdate<SubscriptionView, [SubscriptionCommandInput]>('cancel');
export const reactivate = defineUpdate<SubscriptionView, [SubscriptionCommandInput]>('reactivate');
export const pause = defineUpdate<SubscriptionView, [SubscriptionCommandInput]>('pause');
export const resume = defineUpdate<SubscriptionView, [SubscriptionCommandInput]>('resume');
export const retryRefund = defineUpdate<SubscriptionView, [SubscriptionCommandInput]>('retryRefund');
export const changePlan = defineUpdate<SubscriptionView, [SubscriptionCommandInput]>('changePlan');
