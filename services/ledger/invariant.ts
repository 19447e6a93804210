// What can be asked of the books: a question whose answer is the list of what is wrong.
import type { PoolClient } from 'pg';

const EXAMPLES = 5;

export interface Invariant {
  readonly id: string;
  readonly title: string;
  /** SQL that lists the faults, one a row, in a column `what`. */
  readonly faults: string;
  /** What it is asked about. */
  readonly values?: readonly unknown[];
}

export interface Check {
  readonly id: string;
  readonly title: string;
  readonly ok: boolean;
  readonly count: number;
  readonly examples: readonly string[];
}

/** How many faults there are, and a few of them. */
export async function examine(tx: PoolClient, { id, title, faults, values = [] }: Invariant): Promise<Check> {
  const { rows } = await tx.query<{ what: string; count: string }>(
    `select what, count(*) over () as count from (${faults}) f order by what limit ${EXAMPLES}`,
    [...values],
  );
  const count = Number(rows[0]?.count ?? 0);
  return { id, title, ok: count === 0, count, examples: rows.map(({ what }) => what) };
}
