// Credit that is bought by itself, from the moment that it is low until it is not, or until nothing may be bought: charged, asked again
// while its outcome is unknown, rested after a decline. It ends when only a balance can change anything; the next one starts it again.
import { continueAsNew, proxyActivities } from '@temporalio/workflow';
import { DB } from './activity-presets.ts';
import { BillingProcess } from './billing-process.ts';
import type { TopUpActivities, TopUpInput, TopUpView } from './contracts/top-up.ts';
import { describe, standing } from './top-up-details.ts';

const db = proxyActivities<TopUpActivities>(DB);

export async function autoTopUp({ orgId }: TopUpInput): Promise<void> {
  const process = new BillingProcess<TopUpView>({
    look: () => db.tickTopUp({ orgId }),
    stageOf: standing,
    amountDueCents: () => null,
    describe,
    isLastOfCycle: () => false,
  });

  if ((await process.run()) === 'goes_on') await continueAsNew<typeof autoTopUp>({ v: 1, orgId });
}
