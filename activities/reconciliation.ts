// The reconciliation as workflows call it: plain JSON in and out, a heartbeat while it verifies, and lines for those on watch.
import { log } from '@temporalio/activity';
import type { ReconciliationRow, Reconciliations } from '../services/reconciliation/reconciliations.ts';
import {
  type Reconciliation,
  type ReconciliationActivities,
  reconciliationId,
} from '../workflows/contracts/reconciliation.ts';
import { beating } from './beating.ts';

export function createReconciliationActivities(
  reconciliations: Reconciliations,
  runbook: string,
): ReconciliationActivities {
  const told = (row: ReconciliationRow): Reconciliation => ({
    ...row,
    answerBy: row.answerBy?.toISOString() ?? null,
    runbook,
  });
  return {
    openReconciliations: () => reconciliations.openAll(),
    openReconciliation: async ({ name }) => told(await reconciliations.open(name)),

    async verifyLedger({ name, round }) {
      const { row, anchor } = await beating(() => reconciliations.verify(name, round));
      // Kept where whoever rules the database does not rule: in the log of this process.
      if (anchor !== null) log.info('audit_log_proven', { reconciliation: name, ...anchor });
      const invariants = row.findings.map(({ id }) => id);
      if (row.stage === 'attention') log.error('ledger_not_proven', { reconciliation: name, round, invariants });
      if (row.stage === 'completed')
        log.info('ledger_proven', { reconciliation: name, round, invariants: row.invariants });
      return told(row);
    },

    async remindOfReconciliation({ name }) {
      const { isOverdue, row } = await reconciliations.remind(name);
      if (isOverdue) log.error('reconciliation_unanswered', { reconciliation: name });
      return told(row);
    },

    async commandReconciliation({ name, command, actor, reason, requestId }) {
      const outcome = await reconciliations.command(reconciliationId(name), {
        name,
        command,
        actor,
        reason,
        requestId,
      });
      if (outcome.kind === 'refused') return outcome;
      const { effect, row } = outcome.answer;
      return { kind: 'done', effect, row: told(row) };
    },
  };
}
