// A refund that Stripe would not make, from its refusal until a person has seen to it, or the money has gone back by another way.
import { ApplicationFailure, continueAsNew, proxyActivities, setHandler } from '@temporalio/workflow';
import { DB } from './activity-presets.ts';
import { BillingProcess } from './billing-process.ts';
import { type Command, problemOfCommand } from './contracts/commands.ts';
import {
  dismiss,
  type RefusedRefundActivities,
  type RefusedRefundCommandName,
  type RefusedRefundInput,
  type RefusedRefundView,
  retryRefund,
} from './contracts/refused-refund.ts';
import { describe } from './refused-refund-details.ts';

const db = proxyActivities<RefusedRefundActivities>(DB);

const COMMANDS = { retryRefund, dismiss };

export async function refusedRefund({ paymentId }: RefusedRefundInput): Promise<void> {
  const process = new BillingProcess<RefusedRefundView>({
    look: () => db.tickRefusedRefund({ paymentId }),
    stageOf: ({ refusedCents }) => (refusedCents === null ? 'seen_to' : 'refused'),
    amountDueCents: () => null,
    describe,
    isLastOfCycle: () => false,
  });
  const obey = async (command: RefusedRefundCommandName, { actor, reason, requestId }: Command) => {
    const outcome = await db.commandRefusedRefund.executeWithOptions({ ...DB, summary: `${command} by ${actor}` }, [
      { actor, reason, requestId, paymentId, command },
    ]);
    if (outcome.kind === 'refused') throw ApplicationFailure.nonRetryable(outcome.why, 'CommandRefused');
    process.news();
    return outcome.view;
  };
  for (const [name, definition] of Object.entries(COMMANDS)) {
    setHandler(definition, (told) => obey(name as RefusedRefundCommandName, told), { validator: refuseIncomplete });
  }

  if ((await process.run()) === 'goes_on') await continueAsNew<typeof refusedRefund>({ v: 1, paymentId });
}

function refuseIncomplete(told: Command): void {
  const problem = problemOfCommand(told);
  if (problem !== null) throw ApplicationFailure.nonRetryable(problem, 'CommandIncomplete');
}
