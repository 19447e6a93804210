// An API key that was rolled, until the credential before works no longer: whoever still uses that is reminded, and its end is written down. That it is
// refused then does not hang on this process: every gateway knows the moment from the row.
import { ApplicationFailure, continueAsNew, proxyActivities, setHandler } from '@temporalio/workflow';
import { DB } from './activity-presets.ts';
import { describe, standing } from './api-key-rotation-details.ts';
import { BillingProcess } from './billing-process.ts';
import {
  type ApiKeyRotationActivities,
  type ApiKeyRotationCommand,
  type ApiKeyRotationInput,
  type ApiKeyRotationView,
  endOverlap,
  extendOverlap,
} from './contracts/api-key-rotation.ts';
import { type Command, problemOfCommand } from './contracts/commands.ts';

const db = proxyActivities<ApiKeyRotationActivities>(DB);

export async function apiKeyRotation({ rotationId }: ApiKeyRotationInput): Promise<void> {
  const process = new BillingProcess<ApiKeyRotationView>({
    look: () => db.tickApiKeyRotation({ rotationId }),
    stageOf: standing,
    amountDueCents: () => null,
    describe,
    isLastOfCycle: () => false,
  });
  const obey = async (told: ApiKeyRotationCommand) => {
    const outcome = await db.commandApiKeyRotation.executeWithOptions(
      { ...DB, summary: `${told.command} by ${told.actor}` },
      [{ ...told, rotationId }],
    );
    if (outcome.kind === 'refused') throw ApplicationFailure.nonRetryable(outcome.why, 'CommandRefused');
    process.news();
    return outcome.view;
  };
  setHandler(
    extendOverlap,
    ({ actor, reason, requestId, overlapHours }) =>
      obey({ command: 'extendOverlap', actor, reason, requestId, overlapHours }),
    { validator: refuseIncomplete },
  );
  setHandler(endOverlap, ({ actor, reason, requestId }) => obey({ command: 'endOverlap', actor, reason, requestId }), {
    validator: refuseIncomplete,
  });

  if ((await process.run()) === 'goes_on') await continueAsNew<typeof apiKeyRotation>({ v: 1, rotationId });
}

function refuseIncomplete(told: Command): void {
  const problem = problemOfCommand(told);
  if (problem !== null) throw ApplicationFailure.nonRetryable(problem, 'CommandIncomplete');
}
