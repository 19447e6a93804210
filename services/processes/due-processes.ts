// Processes of billing whose time has come by a clock that was moved: Temporal's own timers know nothing of it, so their workflows are told.
// One is at rest when its row waits for a later moment and asks for nothing of Stripe.
import type { Pool } from 'pg';
import { OPEN_PROCESSES } from './open-processes.ts';
import type { ProcessName } from './poke.ts';

const NOW_MS = 'extract(epoch from billing_now()) * 1000';
const IS_ASKING = `is_unanswered and coalesce(ask_again_ms <= (select ${NOW_MS}), true)`;

/** Now, where one asks for something; null: none waits for a moment. */
export async function nextWake(db: Pool, process: ProcessName): Promise<Date | null> {
  const { rows } = await db.query<{ next: Date | null }>(
    `select min(case when ${IS_ASKING} then least(wake_at, billing_now()) else wake_at end) as next from (${OPEN_PROCESSES[process]}) open`,
  );
  return rows[0]?.next ?? null;
}

export async function pokeDue(db: Pool, process: ProcessName): Promise<void> {
  await db.query(
    `select poke_process($1 || ':' || id, $1, id::text) from (${OPEN_PROCESSES[process]}) open where wake_at <= billing_now()`,
    [process],
  );
}

/** News that no workflow has been told of. */
export async function pokesWaitSince(db: Pool): Promise<Date | null> {
  const { rows } = await db.query<{ since: Date | null }>(
    'select least(min(since), billing_now()) as since from process_pokes having count(*) > 0',
  );
  return rows[0]?.since ?? null;
}
