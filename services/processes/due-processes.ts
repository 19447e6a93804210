// Processes of billing whose time has come by a clock that was moved: Temporal's own timers know nothing of it, so their workflows are told.
// One is at rest when its row waits for a later moment and asks for nothing of Stripe before: of a payment whose outcome nobody knows it
// asks again by the clock of billing, so who waited there for the answer would wait for the clock that he holds.
import type { Pool } from 'pg';
import type { ProcessName } from './poke.ts';

const OPEN = {
  subscription: `select id, org_id, wake_at, phase in ('paying', 'voiding') and state #>> '{phase,authenticateByMs}' is null
                        and ${isDue("state #>> '{phase,askAgainAtMs}'")}
                        or jsonb_array_length(state -> 'toRefund') > 0 as is_asking
                   from subscriptions where phase <> 'ended' or jsonb_array_length(state -> 'toRefund') > 0`,
  dunning: `select invoice_id as id, org_id, wake_at,
                   exists (select from jsonb_array_elements(state #> '{invoice,attempts}') a where a -> 'answer' = 'null')
                   and ${isDue("state ->> 'askAgainAtMs'")} as is_asking
              from dunnings where closed is null`,
} as const;

/** Milliseconds of the epoch, or null: at once. */
function isDue(ms: string): string {
  return `coalesce((${ms})::float8 <= extract(epoch from billing_now()) * 1000, true)`;
}

/** Now, where one asks for something; null: none waits for a moment. */
export async function nextWake(db: Pool, process: ProcessName): Promise<Date | null> {
  const { rows } = await db.query<{ next: Date | null }>(
    `select min(case when is_asking then least(wake_at, billing_now()) else wake_at end) as next from (${OPEN[process]}) open`,
  );
  return rows[0]?.next ?? null;
}

export async function pokeDue(db: Pool, process: ProcessName): Promise<void> {
  await db.query(
    `select poke_process($1 || ':' || id, $1, id) from (${OPEN[process]}) open where wake_at <= billing_now()`,
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
