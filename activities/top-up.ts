// Automatic top-up as its workflow calls it: plain JSON in and out.
import type { TopUpActivities, TopUpView } from '../workflows/contracts/top-up.ts';

type Row = Omit<TopUpView, 'runbook'>;

/** The row is stepped and saved before it answers. */
export interface SteppedTopUps {
  tick(orgId: string): Promise<Row>;
}

export function createTopUpActivities(topUps: SteppedTopUps, runbook: string): TopUpActivities {
  return {
    async tickTopUp({ orgId }) {
      return { ...(await topUps.tick(orgId)), runbook };
    },
  };
}
