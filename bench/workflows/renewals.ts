// Renewals as in production: subscriptions sleep in Temporal on timers of their own; then as many fall due at once as bare cycles are open at
// once, and after them one after another, faster than they are done, of whom as many are let through as are done (feed.ts). So nothing but the
// work itself is measured: neither the first start of a workflow nor a poke. When each renewal was done, its history says.
import { setTimeout as wait } from 'node:timers/promises';
import type { Client as TemporalClient, WorkflowHandle } from '@temporalio/client';
import type { Pool } from 'pg';
import { subscriptionWorkflowId } from '../../services/processes/poke.ts';
import { inParallel } from '../in-parallel.ts';
import { holdNews, releaseNews, untilTold } from './held-news.ts';
import type { Customer, Shop } from './shop.ts';
import type { Course } from './window-count.ts';

type History = Awaited<ReturnType<WorkflowHandle['fetchHistory']>>;
type HistoryEvent = NonNullable<History['events']>[number];

export interface Renewal extends Course {
  /** Of the renewed period, all of it: from the end of the sleep before to the beginning of the sleep after. */
  readonly events: number;
  /** Of the run that went to its end, and of the one that sleeps. */
  readonly runs: readonly [History, History];
}

/** The first is not due before the last sleeps: beginning to sleep is less than a bare cycle. */
const SLEEP_MS = 10_000;
const LOOK_AGAIN_MS = 250;
const RENEWED_WITHIN_MS = 240_000;

export interface Renewing {
  readonly db: Pool;
  readonly shop: Shop;
  readonly temporal: TemporalClient;
}

/** They sleep, and the first of them are due when this resolves: as many as shall be open. */
export async function putToSleep(
  { db, shop }: Renewing,
  customers: readonly Customer[],
  { open, cyclesPerSecond }: { readonly open: number; readonly cyclesPerSecond: number },
): Promise<void> {
  const ids = customers.map(({ subscriptionId }) => subscriptionId);
  await holdNews(db);
  const { rows: due } = await db.query<{ at: Date }>(
    'select wake_at as at from subscriptions where id = any($1) order by wake_at limit $2',
    [ids, open],
  );
  const dueAtMs = due[0]?.at.getTime() ?? Number.NaN;
  const openAtMs = due.at(-1)?.at.getTime() ?? Number.NaN;
  await shop.moveTo(dueAtMs - SLEEP_MS - (customers.length * 1_000) / cyclesPerSecond);
  await releaseNews(db, ids);
  await untilTold(db);
  const nowMs = await shop.nowMs();
  if (nowMs > dueAtMs - 1_000) throw new Error('subscriptions fell due before all of them slept: too busy a machine');
  await wait(openAtMs - nowMs);
}

/** Once all of them are done. */
export async function renewalsOf(
  { db, shop, temporal }: Renewing,
  customers: readonly Customer[],
): Promise<readonly Renewal[]> {
  const aheadMs = (await shop.nowMs()) - Date.now();
  await untilRenewed(db, customers, 1);
  const ends = await monthEnds(db, customers);
  return inParallel(customers.length, async (at) => {
    const { subscriptionId = '' } = customers[at] ?? {};
    const dueAtMs = (ends.get(subscriptionId) ?? Number.NaN) - aheadMs;
    return { dueAtMs, ...(await renewalIn(temporal, subscriptionId)) };
  });
}

/** Those whose month has ended unnoticed: whoever is late would be found so by the repair of some hour, in a window. */
export async function renewLate({ db }: Renewing, customers: readonly Customer[], month: number): Promise<void> {
  const ids = customers.map(({ subscriptionId }) => subscriptionId);
  await db.query("select poke_process('subscription:' || id, 'subscription', id::text) from unnest($1::uuid[]) id", [
    ids,
  ]);
  await releaseNews(db, ids);
  await untilTold(db);
  await untilRenewed(db, customers, month);
}

/** Of the month that they bought, by subscription. */
export async function monthEnds(db: Pool, customers: readonly Customer[]): Promise<ReadonlyMap<string, number>> {
  const { rows } = await db.query<{ id: string; at: Date }>(
    'select subscription_id as id, ends_at as at from subscription_periods where first_month = 0 and subscription_id = any($1)',
    [customers.map(({ subscriptionId }) => subscriptionId)],
  );
  return new Map(rows.map(({ id, at }) => [id, at.getTime()]));
}

async function untilRenewed(db: Pool, customers: readonly Customer[], month: number): Promise<void> {
  const giveUpAtMs = performance.now() + RENEWED_WITHIN_MS;
  for (;;) {
    const left = await leftToRenew(db, customers, month);
    if (left === 0) return;
    if (performance.now() > giveUpAtMs) throw new Error(`${left} subscriptions were not renewed`);
    await wait(LOOK_AGAIN_MS);
  }
}

/** How many have not paid for that month. */
export async function leftToRenew(db: Pool, customers: readonly Customer[], month: number): Promise<number> {
  const { rows } = await db.query<{ left: number }>(
    `select count(*)::int as left from subscriptions s where id = any($1)
        and (phase <> 'active' or not exists (select from subscription_periods p where p.subscription_id = s.id and p.first_month = $2))`,
    [customers.map(({ subscriptionId }) => subscriptionId), month],
  );
  return rows[0]?.left ?? 0;
}

/** Once it sleeps again. */
async function renewalIn(temporal: TemporalClient, subscriptionId: string): Promise<Omit<Renewal, 'dueAtMs'>> {
  const workflowId = subscriptionWorkflowId(subscriptionId);
  for (let tries = 1; ; tries += 1) {
    const now = await temporal.workflow.getHandle(workflowId).fetchHistory();
    const slept = (now.events ?? []).findIndex(({ timerStartedEventAttributes: timer }) => timer);
    const [first] = now.events ?? [];
    const before = first?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId ?? '';
    if (slept >= 0 && before !== '') {
      const earlier = await temporal.workflow.getHandle(workflowId, before).fetchHistory();
      const woke = (earlier.events ?? []).findIndex(({ timerFiredEventAttributes: timer }) => timer);
      const events = (earlier.events?.length ?? 0) - woke + slept + 1;
      return { events, doneAtMs: timeOf(now.events?.[slept]), runs: [earlier, now] };
    }
    if (tries === 40) throw new Error(`${workflowId} was renewed and does not sleep`);
    await wait(LOOK_AGAIN_MS);
  }
}

function timeOf(event: HistoryEvent | undefined): number {
  const { seconds, nanos } = event?.eventTime ?? {};
  return Number(seconds ?? Number.NaN) * 1_000 + (nanos ?? 0) / 1_000_000;
}
