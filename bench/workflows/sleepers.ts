// What sleeping subscriptions cost the process that they sleep in. Those that the bench has are copied until there are enough: copies have no
// books, so they come after everything else.
import { setTimeout as wait } from 'node:timers/promises';
import type { Client as TemporalClient } from '@temporalio/client';
import type { Pool } from 'pg';
import type { BillingProduct } from '../../test/chaos/billing/billing-product.ts';
import { residentBytesOf } from '../machine.ts';
import { releaseNews, untilTold } from './held-news.ts';

const SETTLES_IN_MS = 20_000;
/** It has looked at its row, and waits. */
const ASLEEP = "WorkflowType = 'subscription' and ExecutionStatus = 'Running' and BillingStage is not null";
const ASLEEP_WITHIN_MS = 600_000;
const LOOK_AGAIN_MS = 1_000;
const MIB = 1_048_576;

/** MiB of the worker, once all sleep. */
export async function sleepersRss(
  product: BillingProduct,
  db: Pool,
  temporal: TemporalClient,
  sleepers: number,
): Promise<number> {
  const [worker] = product.workers;
  if (worker === undefined) throw new Error('there is no worker');
  const { rows } = await db.query<{ id: string; awake: number }>(
    `select (select id from subscriptions where phase = 'active' order by wake_at desc limit 1) as id,
            (select count(*)::int from subscriptions where phase <> 'ended') as awake`,
  );
  const missing = Math.max(0, sleepers - (rows[0]?.awake ?? 0));
  await db.query('alter table organizations add column if not exists copy integer');
  await db.query(
    `with orgs as (insert into organizations (name, seats, copy) select 'Sleeper ' || n, 1, n from generate_series(1, $2::int) n returning id, copy)
     insert into subscriptions (id, org_id, phase, plan_version_id, state, revision, wake_at)
     select gen_random_uuid(), o.id, s.phase, s.plan_version_id, s.state, s.revision, s.wake_at from orgs o, subscriptions s where s.id = $1`,
    [rows[0]?.id, missing],
  );
  await db.query(
    `select poke_process('subscription:' || s.id, 'subscription', s.id::text) from subscriptions s join organizations o on o.id = s.org_id where o.copy is not null`,
  );
  await releaseNews(db, 'all');
  await untilTold(db);
  await untilAsleep(temporal, sleepers);
  await wait(SETTLES_IN_MS);
  return residentBytesOf(worker.process.pid) / MIB;
}

/** Told to begin is not asleep: what the worker has not seen yet costs it nothing. */
async function untilAsleep({ workflow }: TemporalClient, sleepers: number): Promise<void> {
  const giveUpAtMs = performance.now() + ASLEEP_WITHIN_MS;
  for (;;) {
    const { count } = await workflow.count(ASLEEP);
    if (count >= sleepers) return;
    if (performance.now() > giveUpAtMs) throw new Error(`of ${sleepers} sleepers ${count} sleep`);
    await wait(LOOK_AGAIN_MS);
  }
}
