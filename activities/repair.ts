// What is late is made to go on, as the hourly tick calls it, with a line for those on watch.
import { log } from '@temporalio/activity';
import type { RepairActivities } from '../workflows/contracts/billing-process.ts';

export function createRepairActivities(pokeStranded: () => Promise<number>): RepairActivities {
  return {
    async pokeStranded() {
      const stranded = await pokeStranded();
      if (stranded > 0) log.warn('processes_stranded', { stranded });
      return stranded;
    },
  };
}
