// What a renewal is held against: a timer, two activities that do nothing, and the next run. It is fixed, so that nobody improves the ratio
// by making this slower.
import { continueAsNew, proxyActivities, sleep } from '@temporalio/workflow';

export const BARE_QUEUE = 'bare-cycle';
const TIMER_MS = 100;

export interface BareActivities {
  nothing(): Promise<void>;
}

const { nothing } = proxyActivities<BareActivities>({ startToCloseTimeout: '10 s' });

export async function bareCycle(): Promise<void> {
  await sleep(TIMER_MS);
  await nothing();
  await nothing();
  await continueAsNew<typeof bareCycle>();
}
