// Applications of enterprises as their workflow calls them: plain JSON in and out, and lines for those on watch.
import { log } from '@temporalio/activity';
import {
  type OnboardingActivities,
  type OnboardingView,
  onboardingWorkflowId,
} from '../workflows/contracts/onboarding.ts';

type Row = Omit<OnboardingView, 'runbook'>;

/** What has changed is saved before either answers. */
export interface SteppedOnboardings {
  tick(applicationId: string): Promise<Row>;
  decide(
    applicationId: string,
    decisionId: string,
  ): Promise<{ readonly kind: 'done'; readonly answer: Row } | { readonly kind: 'refused'; readonly why: string }>;
}

export function createOnboardingActivities(onboardings: SteppedOnboardings, runbook: string): OnboardingActivities {
  return {
    async tickOnboarding({ applicationId }) {
      const row = await onboardings.tick(applicationId);
      const { orgId, attention } = row;
      if (attention !== null) {
        log.error('onboarding_needs_attention', { workflowId: onboardingWorkflowId(applicationId), orgId, attention });
      }
      return { ...row, runbook };
    },

    async decideOnboarding({ applicationId, decisionId }) {
      const outcome = await onboardings.decide(applicationId, decisionId);
      return outcome.kind === 'refused' ? outcome : { kind: 'done', view: { ...outcome.answer, runbook } };
    },
  };
}
