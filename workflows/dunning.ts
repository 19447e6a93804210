// One unpaid invoice from its first reminder to its end: paid, void or waived. What is due when, domain/overdue-policy.ts says; this one
// is there at the time.
import { ApplicationFailure, continueAsNew, proxyActivities, setHandler } from '@temporalio/workflow';
import { DB } from './activity-presets.ts';
import { BillingProcess } from './billing-process.ts';
import { problemOfCommand } from './contracts/commands.ts';
import {
  type DunningActivities,
  type DunningCommandInput,
  type DunningCommandName,
  type DunningInput,
  type DunningView,
  decideStop,
  extend,
  retryNow,
  skipTo,
  waive,
} from './contracts/dunning.ts';
import { describe } from './dunning-details.ts';

const db = proxyActivities<DunningActivities>(DB);

const COMMANDS = { retryNow, extend, waive, skipTo, decideStop };

export async function dunning({ invoiceId }: DunningInput): Promise<void> {
  const process = new BillingProcess<DunningView>({
    look: () => db.tickDunning({ invoiceId }),
    stageOf: ({ stage, closed }) => closed ?? stage,
    amountDueCents: ({ amountCents, closed }) => (closed === null ? amountCents : 0),
    describe,
    // Whoever follows a debtor reads one history.
    isLastOfCycle: () => false,
  });
  const obey = async (command: DunningCommandName, told: DunningCommandInput) => {
    const outcome = await db.commandDunning.executeWithOptions({ ...DB, summary: `${command} by ${told.actor}` }, [
      { ...told, invoiceId, command },
    ]);
    if (outcome.kind === 'refused') throw ApplicationFailure.nonRetryable(outcome.why, 'CommandRefused');
    process.news();
    return outcome.view;
  };
  for (const [name, definition] of Object.entries(COMMANDS)) {
    const command = name as DunningCommandName;
    setHandler(definition, (told) => obey(command, told), { validator: (told) => refuseIncomplete(command, told) });
  }

  if ((await process.run()) === 'goes_on') await continueAsNew<typeof dunning>({ v: 1, invoiceId });
}

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/;

function refuseIncomplete(command: DunningCommandName, told: DunningCommandInput): void {
  const problem = problemOfCommand(told) ?? missingIn(command, told);
  if (problem !== null) throw ApplicationFailure.nonRetryable(problem, 'CommandIncomplete');
}

/** Null: nothing. Whether it can be done, the row decides. */
function missingIn(command: DunningCommandName, { until, step }: DunningCommandInput): string | null {
  if (command === 'extend' && (!INSTANT.test(String(until)) || Number.isNaN(Date.parse(String(until))))) {
    return 'until: a moment with its time zone, as 2027-04-30T00:00:00Z';
  }
  return command === 'skipTo' && typeof step !== 'string' ? 'step: where on the ladder to go on' : null;
}
