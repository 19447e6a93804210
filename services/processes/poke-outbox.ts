// News for workflows on its way (migrations/0009). Whoever delivers a poke holds no lock while Temporal is asked: those who have news write
// to the same row, inside the transactions of customers. A claim runs out, so a worker that dies loses nothing.
import type { Pool } from 'pg';
import type { Queryable } from '../platform/postgres.ts';
import type { ProcessName } from './poke.ts';

/** Longer than a delivery may take. */
const CLAIMED_FOR = '30 seconds';

export interface ClaimedPoke {
  readonly workflowId: string;
  readonly process: ProcessName;
  readonly subject: string;
  /** What was news when it was claimed: a number that no other news ever has, so a late worker takes none away that he has not told. */
  readonly news: string;
}

export class PokeOutbox {
  readonly #db: Pool;

  constructor(db: Pool) {
    this.#db = db;
  }

  /**
   * Those that are due and nobody else's, the oldest first. Chosen once: with `in (select ..)` PostgreSQL, where it believes that the table has
   * a row or two, chooses anew for each row that it looks at, and as claimed ones are passed over, all are claimed (5,997 at once, D126).
   */
  async claim(atMost: number): Promise<ClaimedPoke[]> {
    const { rows } = await this.#db.query<ClaimedPoke>(
      `with due as materialized (
         select workflow_id from process_pokes where due_at <= clock_timestamp() order by due_at limit $1 for update skip locked)
       update process_pokes p set due_at = clock_timestamp() + $2::interval, tries = tries + 1
         from due where p.workflow_id = due.workflow_id
       returning p.workflow_id as "workflowId", p.process, p.subject, p.news`,
      [atMost, CLAIMED_FOR],
    );
    return rows;
  }

  /**
   * What has become news meanwhile is delivered again. A turn may hold some of these rows and want others: nothing here waits for a row
   * while it holds one.
   */
  async delivered(pokes: readonly ClaimedPoke[]): Promise<void> {
    const { rows } = await this.#db.query<{ workflowId: string }>(
      `delete from process_pokes where workflow_id in (
         select p.workflow_id from process_pokes p
           join unnest($1::text[], $2::bigint[]) as c(workflow_id, news) on p.workflow_id = c.workflow_id and p.news = c.news
            for update of p skip locked)
       returning workflow_id as "workflowId"`,
      [pokes.map(({ workflowId }) => workflowId), pokes.map(({ news }) => news)],
    );
    const gone = new Set(rows.map(({ workflowId }) => workflowId));
    for (const poke of pokes) if (!gone.has(poke.workflowId)) await this.#deliveredAlone(poke);
  }

  async #deliveredAlone({ workflowId, news }: ClaimedPoke): Promise<void> {
    await this.#db.query('delete from process_pokes where workflow_id = $1 and news = $2', [workflowId, news]);
    await this.#db.query(
      `update process_pokes set due_at = clock_timestamp(), since = clock_timestamp(), tries = 0
        where workflow_id = $1 and news <> $2`,
      [workflowId, news],
    );
  }

  /** Temporal did not take them: they are due again after 1 s, 2 s, 4 s ... a minute, or when the claim runs out. */
  async postpone(pokes: readonly ClaimedPoke[]): Promise<void> {
    await this.#db.query(
      `update process_pokes set due_at = clock_timestamp() + least(interval '1 minute', interval '1 second' * 2 ^ least(tries - 1, 10))
        where workflow_id in (select workflow_id from process_pokes where workflow_id = any($1) for update skip locked)`,
      [pokes.map(({ workflowId }) => workflowId)],
    );
  }
}

/** For metrics: how many wait, and for how many seconds the oldest. */
export async function pokesStanding(
  db: Queryable,
): Promise<{ readonly waiting: number; readonly oldestSeconds: number }> {
  const { rows } = await db.query<{ waiting: number; oldestSeconds: number }>(
    `select count(*)::int as waiting,
            coalesce(extract(epoch from clock_timestamp() - min(since)), 0)::float8 as "oldestSeconds" from process_pokes`,
  );
  return rows[0] ?? { waiting: 0, oldestSeconds: 0 };
}
