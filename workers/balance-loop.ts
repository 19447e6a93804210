// Looks who runs low, every second, in every worker: one of them does it. What it finds is in rows and in the outbox, so it goes on while
// Temporal is away; the card is asked by the workflow alone (D63). A look that failed is made up for by the next one.
import { setTimeout as wait } from 'node:timers/promises';
import type { Pool } from 'pg';
import { claimLook, lookAtBalances } from '../services/balance-watch/balance-watch.ts';
import type { Log } from '../services/platform/log.ts';

const EVERY_MS = 1_000;

/** Until it is told to leave. */
export async function watchBalances(db: Pool, log: Pick<Log, 'warn'>, leaving: AbortSignal): Promise<void> {
  let wasSaid = false;
  while (!leaving.aborted) {
    try {
      const looked = await claimLook(db);
      if (looked !== null) await lookAtBalances(db, looked);
      wasSaid = false;
    } catch (err) {
      if (!wasSaid) log.warn({ err }, 'balances_unwatched');
      wasSaid = true;
    }
    await wait(EVERY_MS, undefined, { signal: leaving }).catch(() => undefined);
  }
}
