// The one way in which the row of a backup or of a drill changes its stage: as domain/backups.ts says, from the row that was seen, and with what
// was found out. Who comes too late changes nothing.
import {
  type BackupNews,
  type BackupStage,
  backupAfter,
  type DrillNews,
  type DrillStage,
  drillAfter,
} from '../../domain/backups.ts';
import type { Queryable } from '../platform/postgres.ts';
import { ANSWER_WITHIN, type CaseTable } from './cases.ts';

/** What a column becomes. */
type Found = Readonly<Record<string, string | number | readonly number[] | Date | null>>;

interface Move<News> {
  readonly name: string;
  /** Of the row that was seen. */
  readonly revision: number;
  readonly news: News;
}

/** A new round forgets the dump that failed: another one is taken under another name. */
const FORGOTTEN: Found = {
  ...{ object: null, bytes: null, sha256: null, taken_at: null, dumped_in_ms: null },
  ...{
    server_version: null,
    migration: null,
    ledger_transaction: null,
    master_key_version: null,
    master_key_versions: null,
  },
};

export async function moveBackup(db: Queryable, move: Move<BackupNews>, found: Found): Promise<void> {
  const { rows } = await db.query<{ stage: BackupStage; isProven: boolean; newRun: string }>(
    `select stage, proven_at is not null as "isProven", gen_random_uuid() as "newRun" from backups where name = $1`,
    [move.name],
  );
  const [seen] = rows;
  const stage = seen === undefined ? null : backupAfter(seen.stage, seen.isProven, move.news);
  if (seen === undefined || stage === null) return;
  const anew = stage === 'dumping' ? { ...FORGOTTEN, run: seen.newRun } : {};
  await change(db, 'backups', move, stage, { ...found, ...mended(move), ...anew });
}

export async function moveDrill(db: Queryable, move: Move<DrillNews>, found: Found): Promise<void> {
  const { rows } = await db.query<{ stage: DrillStage }>('select stage from restore_checks where name = $1', [
    move.name,
  ]);
  const stage = rows[0] === undefined ? null : drillAfter(rows[0].stage, move.news);
  if (stage !== null) await change(db, 'restore_checks', move, stage, { ...found, ...mended(move) });
}

function mended({ news }: Move<string>): Found {
  return news === 'retryNow' ? { trouble: null } : {};
}

async function change(
  db: Queryable,
  table: CaseTable,
  { name, revision, news }: Move<string>,
  stage: BackupStage | DrillStage,
  found: Found,
): Promise<void> {
  const columns = Object.keys(found).map((column, at) => `, ${column} = $${at + 6}`);
  await db.query(
    `update ${table}
        set stage = $3::text, revision = revision + 1, round = round + $4::integer,
            answer_by = case when $3::text = 'attention' then clock_timestamp() + $5::interval end,
            ended_at = case when $3::text in ('completed', 'dismissed') then clock_timestamp() end${columns.join('')}
      where name = $1 and revision = $2`,
    [name, revision, stage, news === 'retryNow' ? 1 : 0, ANSWER_WITHIN, ...Object.values(found)],
  );
}
