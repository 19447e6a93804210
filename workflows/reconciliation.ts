// Proves the ledger every night, and does not let go of a finding until a person has answered. The row is the truth: each turn of
// the loop does what the row's stage asks for, so a run that was terminated goes on in the next one where the row stands (D44).
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  ApplicationFailure,
  allHandlersFinished,
  condition,
  ParentClosePolicy,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  startChild,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import { DB, LONG } from './activity-presets.ts';
import type { RepairActivities } from './contracts/billing-process.ts';
import { poke } from './contracts/billing-process.ts';
import { type Command, problemOfCommand } from './contracts/commands.ts';
import {
  type CommandEffect,
  dismiss,
  type Reconciliation,
  type ReconciliationActivities,
  type ReconciliationCommand,
  type ReconciliationInput,
  type ReconciliationTickInput,
  reconciliationId,
  reconciliationSummary,
  retryNow,
} from './contracts/reconciliation.ts';
import { NEEDS_ATTENTION, NEXT_ACTION_AT } from './contracts/search-attributes.ts';
import { describe, STATIC_DETAILS } from './reconciliation-details.ts';

const db = proxyActivities<ReconciliationActivities & RepairActivities>(DB);
const long = proxyActivities<ReconciliationActivities>(LONG);

/**
 * Started by the schedule every hour: makes tonight's row when it is due, and sees that whatever has not ended is running. Proofs of the
 * ledger are few and started here; of what customers have only that is poked which is late (D58).
 */
export async function reconciliationTick(_input: ReconciliationTickInput): Promise<void> {
  const names = await db.openReconciliations.executeWithOptions({ ...DB, summary: 'what is due or has not ended' }, []);
  for (const name of names) await seeThatItRuns(name);
  await db.pokeStranded.executeWithOptions({ ...DB, summary: 'what should have gone on by now' }, []);
}

async function seeThatItRuns(name: string): Promise<void> {
  try {
    await startChild(reconciliation, {
      workflowId: reconciliationId(name),
      args: [{ v: 1, name }],
      // The row says whether there is anything left to do: a run that ended early is no reason to leave it undone.
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      parentClosePolicy: ParentClosePolicy.ABANDON,
      staticSummary: reconciliationSummary(name),
      staticDetails: STATIC_DETAILS,
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}

export async function reconciliation({ name }: ReconciliationInput): Promise<CommandEffect> {
  let row = UNREAD;
  const learn = (seen: Reconciliation) => {
    if (seen.revision >= row.revision) row = seen;
  };
  const obey = async (command: ReconciliationCommand, { actor, reason, requestId }: Command) => {
    const outcome = await db.commandReconciliation.executeWithOptions({ ...DB, summary: `${command} by ${actor}` }, [
      { name, command, actor, reason, requestId },
    ]);
    if (outcome.kind === 'refused') throw ApplicationFailure.nonRetryable(outcome.why, 'CommandRefused');
    learn(outcome.row);
    return outcome.effect;
  };
  setHandler(retryNow, (command) => obey('retryNow', command), { validator: refuseIncomplete });
  let isPoked = false;
  setHandler(poke, () => {
    isPoked = true;
  });
  setHandler(dismiss, (command) => obey('dismiss', command), { validator: refuseIncomplete });

  learn(await db.openReconciliation({ name }));
  for (let wasFlagged = false; !hasEnded(row); ) {
    setCurrentDetails(describe(row));
    wasFlagged = flag(row, wasFlagged);
    if (row.stage === 'running') learn(await verify(row));
    else if (
      !(await answered(
        row,
        () => row,
        () => isPoked,
      ))
    ) {
      isPoked = false;
      learn(await db.remindOfReconciliation({ name }));
    }
    if (hasEnded(row)) flag(row, wasFlagged);
  }
  setCurrentDetails(describe(row));
  await condition(allHandlersFinished);
  return { stage: row.stage, round: row.round };
}

const UNREAD: Reconciliation = {
  name: '',
  stage: 'running',
  round: 0,
  revision: 0,
  invariants: null,
  findings: [],
  answerBy: null,
  waitMs: 0,
  runbook: '',
};

function hasEnded({ stage }: Reconciliation): boolean {
  return stage === 'completed' || stage === 'dismissed';
}

function verify({ name, round }: Reconciliation): Promise<Reconciliation> {
  return long.verifyLedger.executeWithOptions({ ...LONG, summary: `verify the ledger, round ${round}` }, [
    { name, round },
  ]);
}

/** False: its time may be over, by the clock of this workflow or by hearsay. Whether by that of PostgreSQL too, the reminder finds out. */
async function answered(
  { revision, waitMs, answerBy }: Reconciliation,
  now: () => Reconciliation,
  isPoked: () => boolean,
): Promise<boolean> {
  const isNewer = () => now().revision > revision;
  await condition(() => isNewer() || isPoked(), Math.max(waitMs, 1), {
    summary: `a person answers by ${answerBy}, or it is told again`,
  });
  return isNewer();
}

/** Whether it is found by those who look for what needs them. Each change of an attribute is a step of its own: only changes are told. */
function flag({ stage, answerBy }: Reconciliation, wasFlagged: boolean): boolean {
  const isFlagged = stage === 'attention';
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

function refuseIncomplete(command: Command): void {
  const problem = problemOfCommand(command);
  if (problem !== null) throw ApplicationFailure.nonRetryable(problem, 'CommandIncomplete');
}
