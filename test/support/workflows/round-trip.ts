// The smallest workflow that proves a server, a worker and its bundle: a timer of days around an activity, a search attribute.
import { proxyActivities, sleep, upsertSearchAttributes } from '@temporalio/workflow';
import { STAGE } from './stage.ts';

export interface RoundTripActivities {
  greet(name: string): Promise<string>;
}

const { greet } = proxyActivities<RoundTripActivities>({ startToCloseTimeout: '10 s' });

export interface RoundTripInput {
  readonly name: string;
  readonly rest: '30 days' | '1 ms';
}

export async function roundTrip({ name, rest }: RoundTripInput): Promise<string> {
  upsertSearchAttributes([{ key: STAGE, value: 'resting' }]);
  await sleep(rest);
  return await greet(name);
}
