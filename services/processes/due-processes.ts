// Processes of billing whose time has come by a clock that was moved: Temporal's own timers know nothing of it, so their workflows are told.
// One is at rest when its row waits for a later moment and asks for nothing of Stripe.
import type { Pool } from 'pg';
import type { ProcessName } from './poke.ts';

/** Whoever was in doubt asks again at a moment of its own. */
function isReached(askAgainAtMs: string): string {
  return `coalesce((${askAgainAtMs})::float8 <= extract(epoch from billing_now()) * 1000, true)`;
}

const OPEN = {
  subscription: `select id, org_id, wake_at,
                        phase in ('paying', 'voiding') and state #>> '{phase,authenticateByMs}' is null
                          and ${isReached(`state #>> '{phase,askAgainAtMs}'`)}
                        or jsonb_array_length(state -> 'toRefund') > 0 as is_asking
                   from subscriptions where phase <> 'ended' or jsonb_array_length(state -> 'toRefund') > 0`,
  dunning: `select invoice_id as id, org_id, wake_at,
                   exists (select from jsonb_array_elements(state #> '{invoice,attempts}') a where a -> 'answer' = 'null')
                     and ${isReached(`state ->> 'askAgainAtMs'`)} as is_asking
              from dunnings where closed is null`,
  topup: `select org_id as id, org_id, wake_at, wake_at is null as is_asking
            from top_ups where open_number is not null or wake_at is not null`,
} as const;

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
