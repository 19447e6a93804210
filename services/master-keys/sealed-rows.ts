// What is sealed, in whichever table: rows of every table that migrations have given to `keep_sealed` (migrations/0029). Their wraps are renewed some
// hundreds at a time, each once; both versions open meanwhile, so nobody waits for it but who writes the very rows of a batch.
import type { PoolClient } from 'pg';
import type { Queryable } from '../platform/postgres.ts';
import type { Sealed, Vault } from '../vault/vault.ts';

const BATCH = 600;
/** Named to a person at most: whoever mends some of them sees the others after that. */
export const MOST_TROUBLES = 20;

interface SealedTable {
  readonly table: string;
  readonly idColumn: string;
}

interface SealedRow {
  readonly id: string;
  readonly sealed: Sealed;
}

/** Where the next batch begins. Null: at the beginning. */
export interface ResealCursor {
  readonly table: string;
  readonly afterId: string;
}

export interface ResealedBatch {
  readonly renewed: number;
  readonly unopened: number;
  /** Some of the places that do not open, in words. */
  readonly troubles: readonly string[];
  /** Null: that was the last one. */
  readonly next: ResealCursor | null;
}

export async function sealedTables(db: Queryable): Promise<SealedTable[]> {
  const { rows } = await db.query<SealedTable>(
    'select of_table as "table", id_column as "idColumn" from sealed_tables() order by of_table',
  );
  return rows;
}

/** By the version of the master key. */
export async function sealedRowCounts(db: Queryable): Promise<ReadonlyMap<number, number>> {
  const { rows } = await db.query<{ version: number; sealedRows: number }>(
    'select version, sum(sealed_rows)::integer as "sealedRows" from sealed_rows() group by version',
  );
  return new Map(rows.map(({ version, sealedRows }) => [version, sealedRows]));
}

/** Rows of one table whose wraps are not of `version` yet, from the cursor on. What somebody else is writing is left for another pass. */
export async function resealBatch(
  tx: PoolClient,
  vault: Vault,
  version: number,
  cursor: ResealCursor | null,
): Promise<ResealedBatch> {
  const tables = await sealedTables(tx);
  const from = tables.findIndex(({ table }) => cursor === null || table >= cursor.table);
  for (const { table, idColumn } of from < 0 ? [] : tables.slice(from)) {
    const afterId = cursor?.table === table ? cursor.afterId : null;
    const rows = await rowsOfOthers(tx, { table, idColumn }, version, afterId);
    const last = rows.at(-1);
    if (last === undefined) continue;
    return { ...(await renew(tx, vault, version, table, rows)), next: { table, afterId: last.id } };
  }
  return { renewed: 0, unopened: 0, troubles: [], next: null };
}

/** As SQL of the catalogue's own names. */
async function rowsOfOthers(
  tx: PoolClient,
  { table, idColumn }: SealedTable,
  version: number,
  afterId: string | null,
): Promise<SealedRow[]> {
  const { rows } = await tx.query<SealedRow>(
    `select ${idColumn} as id, sealed from ${table}
      where master_key_version <> $1 and ($2::uuid is null or ${idColumn} > $2)
      order by ${idColumn} limit $3 for no key update skip locked`,
    [version, afterId, BATCH],
  );
  return rows;
}

async function renew(
  tx: PoolClient,
  vault: Vault,
  version: number,
  table: string,
  rows: readonly SealedRow[],
): Promise<Omit<ResealedBatch, 'next'>> {
  const troubles: string[] = [];
  const pairs = rows.flatMap(({ id, sealed }) => {
    try {
      const after = vault.renewWrap(sealed, { table, rowId: id, column: 'sealed' }, version);
      return [{ id, before: sealed, after }];
    } catch {
      troubles.push(`${table} ${id}, under master key ${sealed.v}`);
      return [];
    }
  });
  const { rows: answer } = await tx.query<{ renewed: number }>('select renew_wraps($1, $2, $3, $4) as renewed', [
    table,
    pairs.map(({ id }) => id),
    pairs.map(({ before }) => JSON.stringify(before)),
    pairs.map(({ after }) => JSON.stringify(after)),
  ]);
  const renewed = answer[0]?.renewed ?? 0;
  return { renewed, unopened: troubles.length, troubles: troubles.slice(0, MOST_TROUBLES) };
}
