// Processes that should have gone on by now and perhaps have not: their workflow was terminated, or never started. The rows say who is
// late or in the middle of a payment, so nobody is asked about the others, however many there are (D58).
import type { Pool } from 'pg';
import { OPEN_PROCESSES } from './open-processes.ts';
import type { ProcessName } from './poke.ts';

/** A workflow that is only busy is not called late. */
const LATE_AFTER = '10 minutes';
/** A tick takes seconds; the rest is found by the next one. */
const MOST_AT_ONCE = 5_000;

const LATE = '(select billing_now() - $1::interval)';
const OPEN = Object.entries(OPEN_PROCESSES)
  .map(
    ([process, rows]) =>
      `select '${process}' as process, id::text, wake_at, is_unanswered or needs_person as is_unanswered from (${rows}) open_rows`,
  )
  .join(' union all ');

interface Poked {
  readonly process: ProcessName;
  readonly subject: string;
}

interface Stranded extends Poked {
  readonly isLate: boolean;
}

/** `late`: of those that were poked, who should have gone on minutes ago. The others may be waiting for Stripe. */
export async function pokeStranded(db: Pool): Promise<{ readonly poked: number; readonly late: number }> {
  const { rows } = await db.query<Stranded>(
    `select process, id as subject, coalesce(wake_at < ${LATE}, false) as "isLate" from (${OPEN}) open
      where is_unanswered or wake_at < ${LATE} order by wake_at limit $2`,
    [LATE_AFTER, MOST_AT_ONCE],
  );
  await poke(db, rows);
  return { poked: rows.length, late: rows.filter(({ isLate }) => isLate).length };
}

/** Each that goes on has a workflow afterwards: those that they had were ended. */
export async function pokeAllOpen(db: Pool): Promise<void> {
  const { rows } = await db.query<Poked>(`select process, id as subject from (${OPEN}) open`);
  await poke(db, rows);
}

async function poke(db: Pool, rows: readonly Poked[]): Promise<void> {
  // One by one: in one transaction their rows would be locked in another order than those who have news lock them. None waits for the
  // disk: what a crash forgets is late still, and poked by the next tick.
  const client = await db.connect();
  let isAsBefore = false;
  try {
    await client.query('set synchronous_commit to off');
    for (const { process, subject } of rows) {
      await client.query('select poke_process($1, $2, $3)', [`${process}:${subject}`, process, subject]);
    }
    await client.query('reset synchronous_commit');
    isAsBefore = true;
  } finally {
    client.release(!isAsBefore);
  }
}
