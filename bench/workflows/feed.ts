// Keeps as many renewals open in a window as bare cycles are. More fall due than can be done, and whoever would be open beside those has his
// workflow ended while it sleeps: to have somebody due when another one is done would take a poke, which a renewal in production has not.
// Of a window's work this is little: a renewal is some sixty commits of Temporal's, and this is three or four for every third.
import { setTimeout as wait } from 'node:timers/promises';
import { subscriptionWorkflowId } from '../../services/processes/poke.ts';
import { leftToRenew, monthEnds, type Renewing } from './renewals.ts';
import type { Customer } from './shop.ts';
import { Throttle } from './throttle.ts';

/** Time enough to end a workflow on a busy machine. */
const AHEAD_MS = 1_000;
const LOOK_AGAIN_MS = 100;

export interface Fed {
  readonly taken: readonly Customer[];
  /** They are late from now on. */
  readonly left: readonly Customer[];
}

/** `sleeping`: in the order in which they will be due. Resolves as soon as it is known of the last of them. */
export async function keepOpen(renewing: Renewing, sleeping: readonly Customer[], open: number): Promise<Fed> {
  const { db, shop, temporal } = renewing;
  const ends = await monthEnds(db, sleeping);
  const aheadMs = (await shop.nowMs()) - Date.now();
  const throttle = new Throttle(open, AHEAD_MS);
  const fed = { taken: [] as Customer[], left: [] as Customer[] };
  for (let next = 0; next < sleeping.length; await wait(LOOK_AGAIN_MS)) {
    const done = sleeping.length - (await leftToRenew(db, sleeping, 1));
    const nowMs = Date.now();
    throttle.saw(nowMs, done);
    const ended: Promise<unknown>[] = [];
    for (; next < sleeping.length; next += 1) {
      const customer = sleeping[next];
      const dueInMs = (ends.get(customer?.subscriptionId ?? '') ?? 0) - aheadMs - nowMs;
      if (customer === undefined || dueInMs > AHEAD_MS) break;
      const isTaken = throttle.takes(dueInMs <= 0);
      fed[isTaken ? 'taken' : 'left'].push(customer);
      if (!isTaken)
        ended.push(temporal.workflow.getHandle(subscriptionWorkflowId(customer.subscriptionId)).terminate());
    }
    await Promise.all(ended);
  }
  return fed;
}
