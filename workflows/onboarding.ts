// An enterprise's application, from its submission until its customer is welcomed, or it has ended. What people decide are rows: this only
// looks, waits for business days or an answer, and has one step after another provisioned.
import { ApplicationFailure, continueAsNew, proxyActivities, setHandler } from '@temporalio/workflow';
import { DB } from './activity-presets.ts';
import { BillingProcess } from './billing-process.ts';
import {
  type DecisionTold,
  decide,
  type OnboardingActivities,
  type OnboardingInput,
  type OnboardingView,
} from './contracts/onboarding.ts';
import { describe } from './onboarding-details.ts';

const db = proxyActivities<OnboardingActivities>(DB);

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export async function enterpriseOnboarding({ applicationId }: OnboardingInput): Promise<void> {
  const process = new BillingProcess<OnboardingView>({
    look: () => untilItWaits(applicationId),
    stageOf: ({ stage }) => stage,
    amountDueCents: () => null,
    describe,
    isLastOfCycle: () => false,
  });
  const obey = async ({ decisionId }: DecisionTold) => {
    const outcome = await db.decideOnboarding.executeWithOptions({ ...DB, summary: `decision ${decisionId}` }, [
      { applicationId, decisionId },
    ]);
    if (outcome.kind === 'refused') throw ApplicationFailure.nonRetryable(outcome.why, 'CommandRefused');
    process.news();
    return outcome.view;
  };
  setHandler(decide, obey, { validator: refuseWithoutId });

  if ((await process.run()) === 'goes_on') await continueAsNew<typeof enterpriseOnboarding>({ v: 1, applicationId });
}

async function untilItWaits(applicationId: string): Promise<OnboardingView> {
  let view = await db.tickOnboarding({ applicationId });
  while (view.goesOn) {
    const summary = view.next ?? 'next step';
    view = await db.tickOnboarding.executeWithOptions({ ...DB, summary }, [{ applicationId }]);
  }
  return view;
}

/** It comes from outside and may be anything. */
function refuseWithoutId(told: Partial<DecisionTold> | undefined): void {
  if (UUID.test(String(told?.decisionId))) return;
  throw ApplicationFailure.nonRetryable('decisionId: the UUID of a decision that was made', 'CommandIncomplete');
}
