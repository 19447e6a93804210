// The course of a case that works by itself and, when it fails, waits for a person: look at the row, do what its stage asks for, look again. The
// row is the truth, so a run that was terminated goes on in the next one where the row stands.
import {
  ApplicationFailure,
  allHandlersFinished,
  condition,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import {
  type AttendedCommand,
  type AttendedEffect,
  type AttendedOutcome,
  type AttendedView,
  dismiss,
  retryNow,
} from './contracts/attended-case.ts';
import { poke } from './contracts/billing-process.ts';
import { type Command, problemOfCommand } from './contracts/commands.ts';
import { NEEDS_ATTENTION, NEXT_ACTION_AT } from './contracts/search-attributes.ts';

export interface AttendedCase<View extends AttendedView> {
  look(): Promise<View>;
  /** What its stage asks for, while it waits for nobody. */
  work(view: View): Promise<View>;
  remind(): Promise<View>;
  command(command: AttendedCommand, told: Command): Promise<AttendedOutcome<View>>;
  /** As markdown. */
  describe(view: View): string;
}

export async function attend<View extends AttendedView>(about: AttendedCase<View>): Promise<AttendedEffect> {
  let seen: View | null = null;
  let isPoked = false;
  const learn = (view: View): View => {
    if (seen === null || view.revision >= seen.revision) seen = view;
    return seen;
  };
  const obey = async (command: AttendedCommand, told: Command): Promise<AttendedEffect> => {
    const outcome = await about.command(command, told);
    if (outcome.kind === 'refused') throw ApplicationFailure.nonRetryable(outcome.why, 'CommandRefused');
    return effectOf(learn(outcome.view));
  };
  setHandler(poke, () => {
    isPoked = true;
  });
  setHandler(retryNow, (told) => obey('retryNow', told), { validator: refuseIncomplete });
  setHandler(dismiss, (told) => obey('dismiss', told), { validator: refuseIncomplete });

  let view = learn(await about.look());
  for (let wasFlagged = false; !view.hasEnded; ) {
    setCurrentDetails(about.describe(view));
    wasFlagged = flag(view.trouble !== null, view.answerBy, wasFlagged);
    if (view.trouble === null) learn(await about.work(view));
    else if (
      !(await answered(
        view,
        () => seen ?? view,
        () => isPoked,
      ))
    ) {
      isPoked = false;
      learn(await about.remind());
    }
    view = seen ?? view;
    if (view.hasEnded) flag(false, null, wasFlagged);
  }
  setCurrentDetails(about.describe(view));
  await condition(allHandlersFinished);
  return effectOf(view);
}

function effectOf({ stage, round }: AttendedView): AttendedEffect {
  return { stage, round };
}

interface Waiting {
  readonly revision: number;
  readonly waitMs: number;
  readonly answerBy: string | null;
}

/** False: its time may be over, by the clock of this workflow or by hearsay. Whether by that of PostgreSQL too, the reminder finds out. */
export async function answered(
  { revision, waitMs, answerBy }: Waiting,
  now: () => Waiting,
  isPoked: () => boolean,
): Promise<boolean> {
  const isNewer = () => now().revision > revision;
  await condition(() => isNewer() || isPoked(), Math.max(waitMs, 1), {
    summary: `a person answers by ${answerBy}, or it is told again`,
  });
  return isNewer();
}

/** Whether it is found by those who look for what needs them. Each change of an attribute is a step of its own: only changes are told. */
export function flag(isFlagged: boolean, answerBy: string | null, wasFlagged: boolean): boolean {
  if (isFlagged) {
    upsertSearchAttributes([
      { key: NEEDS_ATTENTION, value: true },
      { key: NEXT_ACTION_AT, value: new Date(answerBy ?? 0) },
    ]);
  } else if (wasFlagged) {
    upsertSearchAttributes([
      { key: NEEDS_ATTENTION, value: false },
      { key: NEXT_ACTION_AT, value: null },
    ]);
  }
  return isFlagged;
}

export function refuseIncomplete(told: Command): void {
  const problem = problemOfCommand(told);
  if (problem !== null) throw ApplicationFailure.nonRetryable(problem, 'CommandIncomplete');
}
