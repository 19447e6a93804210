// The process of an application in a house of processes.
import type { Pool } from 'pg';
import { createOnboardingActivities } from '../../../activities/onboarding.ts';
import type { Onboardings } from '../../../services/onboarding/onboardings.ts';
import type { ThrowawayTemporal } from '../throwaway-temporal.ts';
import { openProcessHouse, type ProcessHouse } from './process-house.ts';

interface OnboardingParts {
  readonly admin: Pool;
  readonly db: Pool;
  readonly onboardings: Onboardings;
}

/** `beginsAt`: what the clock of billing shows at first. */
export function openOnboardingHouse(
  temporal: ThrowawayTemporal,
  { admin, db, onboardings }: OnboardingParts,
  beginsAt: string,
): Promise<ProcessHouse> {
  return openProcessHouse(temporal, {
    ...{ admin, db, process: 'onboarding', beginsAt },
    activities: (setClock) =>
      createOnboardingActivities(
        {
          async tick(id) {
            await setClock();
            return onboardings.tick(id);
          },
          async decide(id, decisionId) {
            await setClock();
            return onboardings.decide(id, decisionId);
          },
        },
        'docs/operations.md',
      ),
  });
}
