// Somebody moved the clock of billing, and what is due by it now must not wait for Temporal's clock, which nobody moves.
import type { ChangeListener } from '../services/api-keys/change-feed.ts';
import type { Log } from '../services/platform/log.ts';
import type { Reconciliations } from '../services/reconciliation/reconciliations.ts';
import { reconciliationId } from '../workflows/contracts/reconciliation.ts';
import type { TemporalWork } from './temporal-work.ts';

export function dueWorkListener(work: TemporalWork, reconciliations: Reconciliations, log: Log): ChangeListener {
  const startDue = async () => {
    await work.tick('reconciliation');
    for (const name of await reconciliations.overdue()) await work.poke(reconciliationId(name));
  };
  return {
    changed(kind, id) {
      // The next tick finds what this did not reach.
      if (kind === 'due' && id === 'reconciliations')
        startDue().catch((err: unknown) => log.warn({ err }, 'due_work_waits'));
    },
    upToDate() {},
    reconnected() {},
  };
}
