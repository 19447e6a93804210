// A subscription from its first payment to its end: at the end of each period it is charged for the next. One run is one cycle.
import { ApplicationFailure, continueAsNew, proxyActivities, setHandler } from '@temporalio/workflow';
import { DB } from './activity-presets.ts';
import { BillingProcess } from './billing-process.ts';
import { problemOfCommand } from './contracts/commands.ts';
import {
  cancel,
  changePlan,
  pause,
  reactivate,
  resume,
  retryRefund,
  type SubscriptionActivities,
  type SubscriptionCommandInput,
  type SubscriptionCommandName,
  type SubscriptionInput,
  type SubscriptionView,
} from './contracts/subscription.ts';
import { describe } from './subscription-details.ts';

const db = proxyActivities<SubscriptionActivities>(DB);

const COMMANDS = { cancel, reactivate, pause, resume, changePlan, retryRefund };

export async function subscription({ subscriptionId, isDue }: SubscriptionInput): Promise<void> {
  const process = new BillingProcess<SubscriptionView>({
    look: () => db.tickSubscription({ subscriptionId }),
    stageOf: ({ phase }) => phase,
    amountDueCents: () => null,
    describe: (view, attention) => describe(subscriptionId, view, attention),
    isLastOfCycle: ({ phase, wakeAt, periodEndsAt }) =>
      phase === 'active' && wakeAt !== null && Date.parse(wakeAt) >= Date.parse(periodEndsAt),
  });
  const obey = async (command: SubscriptionCommandName, told: SubscriptionCommandInput) => {
    const outcome = await db.commandSubscription.executeWithOptions({ ...DB, summary: `${command} by ${told.actor}` }, [
      { ...told, subscriptionId, command },
    ]);
    if (outcome.kind === 'refused') throw ApplicationFailure.nonRetryable(outcome.why, 'CommandRefused');
    process.news();
    return outcome.view;
  };
  for (const [name, definition] of Object.entries(COMMANDS)) {
    const command = name as SubscriptionCommandName;
    setHandler(definition, (told) => obey(command, told), { validator: (told) => refuseIncomplete(command, told) });
  }

  if ((await process.run(isDue)) === 'goes_on')
    await continueAsNew<typeof subscription>({ v: 1, subscriptionId, isDue: true });
}

function refuseIncomplete(command: SubscriptionCommandName, told: SubscriptionCommandInput): void {
  const problem = problemOfCommand(told) ?? (command === 'changePlan' ? problemOfPlan(told) : null);
  if (problem !== null) throw ApplicationFailure.nonRetryable(problem, 'CommandIncomplete');
}

/** Null: it names one. Whether it is sold, PostgreSQL knows. */
function problemOfPlan({ plan, months }: SubscriptionCommandInput): string | null {
  if (typeof plan !== 'string' || plan === '') return 'plan: the name of a plan';
  return months === 1 || months === 12 ? null : 'months: 1 or 12';
}
