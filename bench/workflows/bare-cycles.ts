// The bare cycle in a window: so many open at once, each going on as soon as it has ended.
import { setTimeout as wait } from 'node:timers/promises';
import type { Client as TemporalClient } from '@temporalio/client';
import type { BillingProduct } from '../../test/chaos/billing/billing-product.ts';
import { answers } from '../../test/chaos/product.ts';
import { freePort } from '../../test/support/free-port.ts';
import { BARE_QUEUE } from '../bare-cycle.ts';
import { inParallel } from '../in-parallel.ts';

const PROGRAM = new URL('../bare-cycle-worker.ts', import.meta.url).pathname;
const RUN_IN_MS = 4_000;

export async function startBareWorker({ yard, environment, temporal }: BillingProduct): Promise<string> {
  const port = await freePort();
  const { TEMPORAL_NAMESPACE } = environment;
  yard.keep({
    name: 'bare-worker',
    command: process.execPath,
    args: ['--disable-warning=ExperimentalWarning', PROGRAM],
    env: () => ({
      PATH: process.env.PATH,
      TZ: 'UTC',
      PORT: String(port),
      TEMPORAL_ADDRESS: temporal.url,
      TEMPORAL_NAMESPACE,
    }),
    comesBackAfterMs: 500,
  });
  const url = `http://127.0.0.1:${port}/`;
  await answers(url);
  return url;
}

/** Cycles a second. */
export async function bareWindow(
  { workflow }: TemporalClient,
  workerUrl: string,
  open: number,
  windowMs: number,
): Promise<number> {
  const handles = await inParallel(open, (at) =>
    workflow.start('bareCycle', { workflowId: `bare-${at}`, taskQueue: BARE_QUEUE }),
  );
  await wait(RUN_IN_MS);
  const fromMs = performance.now();
  const before = await cyclesSeen(workerUrl);
  await wait(windowMs);
  const perSecond = ((await cyclesSeen(workerUrl)) - before) / ((performance.now() - fromMs) / 1_000);
  await inParallel(open, async (at) => handles[at] && workflow.getHandle(`bare-${at}`).terminate());
  return perSecond;
}

async function cyclesSeen(workerUrl: string): Promise<number> {
  return Number(await (await fetch(workerUrl)).text());
}
