// Automatic top-up as its workflow calls it: plain JSON in and out, and a line for those on watch.
import { log } from '@temporalio/activity';
import { type TopUpActivities, type TopUpView, topUpWorkflowId } from '../workflows/contracts/top-up.ts';

type Row = Omit<TopUpView, 'runbook'>;

/** The row is stepped and saved before it answers. */
export interface SteppedTopUps {
  tick(orgId: string): Promise<Row>;
}

export function createTopUpActivities(topUps: SteppedTopUps, runbook: string): TopUpActivities {
  return {
    async tickTopUp({ orgId }) {
      const row = await topUps.tick(orgId);
      if (row.attention !== null)
        log.error('top_up_needs_attention', { workflowId: topUpWorkflowId(orgId), orgId, attention: row.attention });
      return { ...row, runbook };
    },
  };
}
