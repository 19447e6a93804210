// Proves the ledger every night, and does not let go of a finding until a person has answered. The row is the truth: each turn of
// the loop does what the row's stage asks for, so a run that was terminated goes on in the next one where the row stands (D44).
import {
  ApplicationFailure,
  allHandlersFinished,
  condition,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  startChild,
} from '@temporalio/workflow';
import { DB, LONG } from './activity-presets.ts';
import { answered, flag, refuseIncomplete } from './attended-case.ts';
import type { RepairActivities } from './contracts/billing-process.ts';
import { poke } from './contracts/billing-process.ts';
import type { Command } from './contracts/commands.ts';
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
import { describe, STATIC_DETAILS } from './reconciliation-details.ts';
import { ONE_AT_A_TIME, unlessItRuns } from './unless-it-runs.ts';

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

function seeThatItRuns(name: string): Promise<void> {
  return unlessItRuns(() =>
    startChild(reconciliation, {
      ...ONE_AT_A_TIME,
      workflowId: reconciliationId(name),
      args: [{ v: 1, name }],
      staticSummary: reconciliationSummary(name),
      staticDetails: STATIC_DETAILS,
    }),
  );
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
    wasFlagged = flag(row.stage === 'attention', row.answerBy, wasFlagged);
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
    if (hasEnded(row)) flag(false, null, wasFlagged);
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
