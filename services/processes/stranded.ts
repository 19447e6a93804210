// Processes that should have gone on by now and have not: their workflow was terminated, or never started. The rows say who is late, so
// nobody is asked about who is not, however many there are (D58).
import type { Pool } from 'pg';

/** A workflow that is only busy is not called late. */
const LATE_AFTER = '10 minutes';
/** A tick takes seconds; the rest is found by the next one. */
const MOST_AT_ONCE = 5_000;

interface Stranded {
  readonly process: 'subscription' | 'dunning';
  readonly subject: string;
}

/** How many. */
export async function pokeStranded(db: Pool): Promise<number> {
  const { rows } = await db.query<Stranded>(
    `select 'subscription' as process, id as subject, wake_at from subscriptions
      where phase <> 'ended' and (wake_at < billing_now() - $1::interval or phase in ('paying', 'voiding'))
         or state -> 'toRefund' <> '[]'
     union all
     select 'dunning', invoice_id, wake_at from dunnings
      where closed is null and (wake_at < billing_now() - $1::interval or state -> 'invoice' -> 'attempts' -> -1 -> 'answer' = 'null')
      order by wake_at limit $2`,
    [LATE_AFTER, MOST_AT_ONCE],
  );
  // One by one: in one transaction their rows would be locked in another order than those who have news lock them.
  for (const { process, subject } of rows) {
    await db.query('select poke_process($1, $2, $3)', [`${process}:${subject}`, process, subject]);
  }
  return rows.length;
}
