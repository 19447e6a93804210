// Rotates the master key. The row is the truth: each turn of the loop does what the row's stage asks for, so a run that was terminated, or that goes on in
// another one, begins where the row stands.
import {
  ApplicationFailure,
  allHandlersFinished,
  condition,
  continueAsNew,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { DB, LONG } from './activity-presets.ts';
import { poke } from './contracts/billing-process.ts';
import { type Command, problemOfCommand } from './contracts/commands.ts';
import {
  cancel,
  dismiss,
  type MasterKeyRotationActivities,
  type MasterKeyRotationCommandName,
  type MasterKeyRotationInput,
  type MasterKeyRotationView,
  pause,
  resume,
  retryNow,
} from './contracts/master-key-rotation.ts';
import { BILLING_STAGE, NEEDS_ATTENTION } from './contracts/search-attributes.ts';
import { describe, stageOf } from './master-key-rotation-details.ts';

/** Processes say of themselves when they have the new version; that one has died nobody says, and it is forgotten after some such time. */
const LOOK_AGAIN_MS = 60_000;
const LOOKING_AGAIN = 'until a process says that it has it, or one that is silent is forgotten';

const COMMANDS = { pause, resume, cancel, retryNow, dismiss };

const db = proxyActivities<MasterKeyRotationActivities>(DB);
const long = proxyActivities<MasterKeyRotationActivities>(LONG);

export async function masterKeyRotation({ version }: MasterKeyRotationInput): Promise<void> {
  let row: MasterKeyRotationView | null = null;
  let isNews = false;
  setHandler(poke, () => {
    isNews = true;
  });
  const obey = async (command: MasterKeyRotationCommandName, { actor, reason, requestId }: Command) => {
    const outcome = await db.commandMasterKeyRotation.executeWithOptions({ ...DB, summary: `${command} by ${actor}` }, [
      { actor, reason, requestId, version, command },
    ]);
    if (outcome.kind === 'refused') throw ApplicationFailure.nonRetryable(outcome.why, 'CommandRefused');
    isNews = true;
    return outcome.view;
  };
  for (const [name, definition] of Object.entries(COMMANDS)) {
    setHandler(definition, (told) => obey(name as MasterKeyRotationCommandName, told), { validator: refuseIncomplete });
  }

  for (;;) {
    isNews = false;
    row = await db.tickMasterKeyRotation({ version });
    tell(row);
    if (isResealing(row)) tell(await reseal(version, row.left));
    else if (hasEnded(row)) break;
    else if (workflowInfo().continueAsNewSuggested) break;
    else await newsOf(row, () => isNews);
  }
  await condition(allHandlersFinished);
  if (!hasEnded(row)) await continueAsNew<typeof masterKeyRotation>({ v: 1, version });
}

function isResealing({ stage, isPaused }: MasterKeyRotationView): boolean {
  return stage === 'resealing' && !isPaused;
}

function hasEnded({ stage }: MasterKeyRotationView): boolean {
  return stage === 'completed' || stage === 'cancelled';
}

function reseal(version: number, left: number): Promise<MasterKeyRotationView> {
  return long.resealUnderMasterKey.executeWithOptions({ ...LONG, summary: `${left} rows` }, [{ version }]);
}

async function newsOf({ stage, isPaused }: MasterKeyRotationView, isNews: () => boolean): Promise<void> {
  if (stage === 'acknowledging' && !isPaused) await condition(isNews, LOOK_AGAIN_MS, { summary: LOOKING_AGAIN });
  else await condition(isNews);
}

/** Each change of an attribute is a step of its own: only changes are told. */
function tell(row: MasterKeyRotationView): void {
  setCurrentDetails(describe(row));
  const known = workflowInfo().typedSearchAttributes;
  const needsPerson = row.attention !== null;
  if (known.get(BILLING_STAGE) === stageOf(row) && (known.get(NEEDS_ATTENTION) ?? false) === needsPerson) return;
  upsertSearchAttributes([
    { key: BILLING_STAGE, value: stageOf(row) },
    { key: NEEDS_ATTENTION, value: needsPerson },
  ]);
}

function refuseIncomplete(told: Command): void {
  const problem = problemOfCommand(told);
  if (problem !== null) throw ApplicationFailure.nonRetryable(problem, 'CommandIncomplete');
}
