// Drills: once a week, and when somebody asks, the newest proven backup is fetched from storage and restored whole, by the clock. What has
// lain there for days is what a real restore would find, and how long it takes is what the customers would wait.
import type { Pool } from 'pg';
import type { DrillStage } from '../../domain/backups.ts';
import type { Queryable } from '../platform/postgres.ts';
import { aloneWithBackups, type OpenPlace, type Step, UnderWay } from './backups.ts';
import { type CaseCommand, commandCase, remindOfCase } from './cases.ts';
import { moveDrill } from './moves.ts';
import { BackupRejected, reasonOf } from './rejection.ts';
import { verifyBackup } from './verify-backup.ts';

/** After Monday's backup, by UTC: 3 o'clock. */
const WEEK_BEGINS = '3 hours';
const MOST_OPEN = 100;

export interface RestoreCheckRow {
  readonly name: string;
  readonly backup: string;
  readonly stage: DrillStage;
  readonly round: number;
  readonly revision: number;
  readonly restoredInMs: number | null;
  readonly trouble: string | null;
  readonly answerBy: Date | null;
  /** Until answerBy; 0 when it has passed or there is none. */
  readonly waitMs: number;
}

const COLUMNS = `name, backup, stage, round, revision, restored_in_ms::float8 as "restoredInMs", trouble, answer_by as "answerBy",
  greatest(0, coalesce(ceil(extract(epoch from answer_by - clock_timestamp()) * 1000), 0))::float8 as "waitMs"`;

export class RestoreChecks {
  readonly #db: Pool;
  readonly #place: OpenPlace | null;

  /** `place`: null where none is configured. */
  constructor(db: Pool, place: OpenPlace | null) {
    this.#db = db;
    this.#place = place;
  }

  /** Makes the row of the week that has begun, where there is a backup to try; the names of all that have not ended. */
  async openDue(): Promise<string[]> {
    if (this.#place !== null) {
      await this.#db.query(
        `insert into restore_checks (name, backup)
         select to_char((clock_timestamp() at time zone 'UTC') - $1::interval, 'IYYY-"w"IW'), name from backups
          where proven_at is not null and removed_at is null order by proven_at desc limit 1 on conflict do nothing`,
        [WEEK_BEGINS],
      );
    }
    const { rows } = await this.#db.query<{ name: string }>(
      'select name from restore_checks where ended_at is null order by opened_at, name limit $1',
      [MOST_OPEN],
    );
    return rows.map(({ name }) => name);
  }

  open(name: string): Promise<RestoreCheckRow> {
    return readCheck(this.#db, name);
  }

  /** A step that was made, or is not to be made any more, is left alone. */
  async restore({ name, round, isLast }: Step): Promise<RestoreCheckRow> {
    const before = await readCheck(this.#db, name);
    if (before.stage !== 'restoring' || before.round !== round) return before;
    const { revision, backup } = before;
    try {
      await aloneWithBackups(this.#db, this.#place, async (place) => {
        const proof = await verifyBackup(place, await objectOf(this.#db, backup));
        const found = { restored_in_ms: proof.restoredInMs, proven_in_ms: proof.verifiedInMs, rows: proof.rows };
        await moveDrill(this.#db, { name, revision, news: 'proven' }, found);
      });
    } catch (error) {
      if (error instanceof UnderWay || !(error instanceof BackupRejected || isLast)) throw error;
      await moveDrill(this.#db, { name, revision, news: 'failed' }, { trouble: reasonOf(error) });
    }
    return readCheck(this.#db, name);
  }

  /** Gives one that nobody has answered another day; isOverdue: its time was over, and it has to be told again. */
  async remind(name: string): Promise<{ readonly isOverdue: boolean; readonly row: RestoreCheckRow }> {
    const isOverdue = await remindOfCase(this.#db, 'restore_checks', name);
    return { isOverdue, row: await readCheck(this.#db, name) };
  }

  command(workflowId: string, told: CaseCommand) {
    const { name, command: news } = told;
    return commandCase(this.#db, workflowId, told, {
      kind: 'restore_check',
      read: (tx, locking) => readCheck(tx, name, locking),
      move: (tx, { revision }) => moveDrill(tx, { name, revision, news }, {}),
    });
  }
}

async function objectOf(db: Queryable, backup: string): Promise<string> {
  const { rows } = await db.query<{ object: string | null; isGone: boolean }>(
    'select object, removed_at is not null as "isGone" from backups where name = $1',
    [backup],
  );
  const [row] = rows;
  if (row?.object == null || row.isGone) throw new BackupRejected(`backup ${backup} is not in storage any more`);
  return row.object;
}

async function readCheck(db: Queryable, name: string, locking = ''): Promise<RestoreCheckRow> {
  const { rows } = await db.query<RestoreCheckRow>(`select ${COLUMNS} from restore_checks where name = $1 ${locking}`, [
    name,
  ]);
  if (rows[0] === undefined) throw new Error(`there is no drill ${name}`);
  return rows[0];
}
