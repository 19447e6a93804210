// What became due by other means than Temporal's clock: somebody moved the clock of billing, or asked for a backup.
import type { Log } from '../services/platform/log.ts';
import type { Reconciliations } from '../services/reconciliation/reconciliations.ts';
import { reconciliationId } from '../workflows/contracts/reconciliation.ts';
import type { TemporalWork } from './temporal-work.ts';

/** The next tick finds what this did not reach. */
export async function startDueReconciliations(
  work: TemporalWork,
  reconciliations: Reconciliations,
  log: Pick<Log, 'warn'>,
): Promise<void> {
  try {
    await work.tick('reconciliation');
    for (const name of await reconciliations.overdue()) await work.poke(reconciliationId(name));
  } catch (err) {
    log.warn({ err }, 'due_work_waits');
  }
}

/** The next tick finds what this did not reach. */
export async function startRequestedBackups(work: TemporalWork, log: Pick<Log, 'warn'>): Promise<void> {
  try {
    await work.tick('backup');
  } catch (err) {
    log.warn({ err }, 'due_work_waits');
  }
}
