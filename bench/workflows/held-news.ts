// News for workflows waits in rows (D57), so a bench holds back whom it does not want yet, and lets them go when their turn has come.
import { setTimeout as wait } from 'node:timers/promises';
import type { Pool } from 'pg';

const LOOK_AGAIN_MS = 100;

export async function holdNews(db: Pool): Promise<void> {
  await db.query("update process_pokes set due_at = 'infinity'");
}

/** Of these subscriptions and invoices, or all. */
export async function releaseNews(db: Pool, subjects: readonly string[] | 'all'): Promise<void> {
  await db.query(
    `update process_pokes set due_at = clock_timestamp() where due_at = 'infinity' ${subjects === 'all' ? '' : 'and subject = any($1)'}`,
    subjects === 'all' ? [] : [subjects],
  );
  await db.query("select pg_notify('tollgate_outbox', 'poke')");
}

/** Nothing waits but what is held back. */
export async function untilTold(db: Pool): Promise<void> {
  for (;;) {
    const { rowCount } = await db.query("select from process_pokes where due_at <> 'infinity' limit 1");
    if (rowCount === 0) return;
    await wait(LOOK_AGAIN_MS);
  }
}
