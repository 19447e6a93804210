// What outsiders may know of the process of an enterprise's application: how it is started, found and told, and what its activities do.
import { defineUpdate } from '@temporalio/workflow';
import type { ProcessView } from './billing-process.ts';

export const ENTERPRISE_ONBOARDING = 'enterpriseOnboarding';
/** As it stands in workflow ids and in the outbox. */
export const ONBOARDING = 'onboarding';

export function onboardingWorkflowId(applicationId: string): string {
  return `${ONBOARDING}:${applicationId}`;
}

export interface OnboardingInput {
  readonly v: 1;
  readonly applicationId: string;
}

/** The row as an activity saw it. */
export interface OnboardingView extends ProcessView {
  readonly orgId: string;
  readonly applicationId: string;
  readonly company: string;
  readonly stage:
    | 'draft'
    | 'in_review'
    | 'info_requested'
    | 'provisioning'
    | 'active'
    | 'rejected'
    | 'withdrawn'
    | 'expired';
  readonly formRevision: number;
  /** Whose decision it waits for; null: nobody's. */
  readonly level: number | null;
  /** Steps of what is provisioned. */
  readonly done: readonly string[];
  readonly next: string | null;
  /** There is something to do at once: look again. */
  readonly goesOn: boolean;
}

/** A decision is a row, made by whoever may decide; its id is all that is told, and proves nothing (D90). */
export interface DecisionTold {
  readonly decisionId: string;
}

export type DecisionOutcome =
  | { readonly kind: 'done'; readonly view: OnboardingView }
  | { readonly kind: 'refused'; readonly why: string };

export interface OnboardingActivities {
  /** Looks, and carries out at most one step of what is provisioned. */
  tickOnboarding(input: { readonly applicationId: string }): Promise<OnboardingView>;
  decideOnboarding(input: DecisionTold & { readonly applicationId: string }): Promise<DecisionOutcome>;
}

export const decide = defineUpdate<OnboardingView, [DecisionTold]>('decide');
