// What is late is made to go on, as the hourly tick calls it, with a line for those on watch.
import { log } from '@temporalio/activity';
import type { RepairActivities } from '../workflows/contracts/billing-process.ts';

export function createRepairActivities(
  pokeStranded: () => Promise<{ readonly poked: number; readonly late: number }>,
): RepairActivities {
  return {
    async pokeStranded() {
      const { poked, late } = await pokeStranded();
      if (late > 0) log.warn('processes_stranded', { late });
      return poked;
    },
  };
}
