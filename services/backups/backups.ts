// Backups and what became of them, one row each (migrations/0028). Everything here may be repeated: a step that was made is found made, and
// one that was broken off is made again under the same name in storage. One is taken or restored at a time, whoever asks for it (D142).
import type { Pool } from 'pg';
import { type BackupStage, type StoredBackup, superfluous } from '../../domain/backups.ts';
import { alone, type Queryable } from '../platform/postgres.ts';
import { type CaseCommand, commandCase, remindOfCase } from './cases.ts';
import { moveBackup } from './moves.ts';
import type { ObjectStore } from './object-store.ts';
import { BackupRejected, reasonOf } from './rejection.ts';
import { type BackupSource, takeBackup } from './take-backup.ts';
import { type VerificationPlace, verifyBackup } from './verify-backup.ts';

/** After that a night's backup is due, by UTC. */
const NIGHT_BEGINS = '2 hours 10 minutes';
/** Open at once: more than ever are, and few enough for one tick. */
const MOST_OPEN = 100;

export interface BackupRow {
  readonly name: string;
  readonly stage: BackupStage;
  readonly round: number;
  readonly run: string;
  readonly revision: number;
  readonly object: string | null;
  readonly bytes: number | null;
  readonly takenAt: Date | null;
  readonly provenAt: Date | null;
  readonly trouble: string | null;
  readonly answerBy: Date | null;
  /** Until answerBy; 0 when it has passed or there is none. */
  readonly waitMs: number;
}

/** The step that is to be made, as its workflow knows it. `isLast`: it has failed often enough, a person must look at it. */
export interface Step {
  readonly name: string;
  readonly round: number;
  readonly isLast: boolean;
}

export type OpenPlace = BackupSource & VerificationPlace;

const COLUMNS = `name, stage, round, run, revision, object, bytes::float8 as bytes, taken_at as "takenAt", proven_at as "provenAt", trouble, answer_by as "answerBy",
  greatest(0, coalesce(ceil(extract(epoch from answer_by - clock_timestamp()) * 1000), 0))::float8 as "waitMs"`;

export class Backups {
  readonly #db: Pool;
  readonly #place: OpenPlace | null;

  /** `place`: null where none is configured; then nights are not backed up, and what a person asks for fails with that reason. */
  constructor(db: Pool, place: OpenPlace | null) {
    this.#db = db;
    this.#place = place;
  }

  /** Makes the row of the last night that has begun; the names of all that have not ended, oldest first. */
  async openDue(): Promise<string[]> {
    if (this.#place !== null) {
      await this.#db.query(
        `insert into backups (name, kind)
         select to_char((clock_timestamp() at time zone 'UTC') - $1::interval, 'YYYY-MM-DD'), 'nightly' on conflict do nothing`,
        [NIGHT_BEGINS],
      );
    }
    const { rows } = await this.#db.query<{ name: string }>(
      'select name from backups where ended_at is null order by opened_at, name limit $1',
      [MOST_OPEN],
    );
    return rows.map(({ name }) => name);
  }

  open(name: string): Promise<BackupRow> {
    return readBackup(this.#db, name);
  }

  take(step: Step): Promise<BackupRow> {
    return this.#advance(step, 'dumping', async (place, { name, run, revision }) => {
      const startedAtMs = performance.now();
      const manifest = await takeBackup(place, { name, run });
      await moveBackup(
        this.#db,
        { name, revision, news: 'dumped' },
        {
          object: manifest.object,
          bytes: manifest.bytes,
          sha256: manifest.sha256,
          taken_at: manifest.takenAt,
          dumped_in_ms: Math.round(performance.now() - startedAtMs),
          server_version: manifest.serverVersion,
          migration: manifest.figures.migration,
          ledger_transaction: manifest.figures.ledger?.lastTransaction ?? null,
          master_key_version: manifest.masterKeyVersion,
          master_key_versions: manifest.masterKeyVersions,
        },
      );
    });
  }

  prove(step: Step): Promise<BackupRow> {
    return this.#advance(step, 'verifying', async (place, { name, revision, object }) => {
      const proof = await verifyBackup(place, object ?? '');
      await moveBackup(
        this.#db,
        { name, revision, news: 'proven' },
        {
          proven_at: new Date(),
          restored_in_ms: proof.restoredInMs,
          proven_in_ms: proof.verifiedInMs,
          rows: proof.rows,
        },
      );
    });
  }

  /** Makes room, now that this one is proven. What a failed round has left shows why, and goes with its backup. */
  prune(step: Step): Promise<BackupRow> {
    return this.#advance(step, 'pruning', async ({ store }, { name, revision }) => {
      for (const gone of await this.#superfluous()) await this.#remove(store, gone);
      await moveBackup(this.#db, { name, revision, news: 'pruned' }, {});
    });
  }

  /** Gives one that nobody has answered another day; isOverdue: its time was over, and it has to be told again. */
  async remind(name: string): Promise<{ readonly isOverdue: boolean; readonly row: BackupRow }> {
    const isOverdue = await remindOfCase(this.#db, 'backups', name);
    return { isOverdue, row: await readBackup(this.#db, name) };
  }

  command(workflowId: string, told: CaseCommand) {
    const { name, command: news } = told;
    return commandCase(this.#db, workflowId, told, {
      kind: 'backup',
      read: (tx, locking) => readBackup(tx, name, locking),
      move: (tx, { revision }) => moveBackup(tx, { name, revision, news }, {}),
    });
  }

  /** A step that was made, or is not to be made any more, is left alone. */
  async #advance(
    { name, round, isLast }: Step,
    stage: BackupStage,
    work: (place: OpenPlace, row: BackupRow) => Promise<void>,
  ): Promise<BackupRow> {
    const before = await readBackup(this.#db, name);
    if (before.stage !== stage || before.round !== round) return before;
    try {
      await aloneWithBackups(this.#db, this.#place, (place) => work(place, before));
    } catch (error) {
      if (error instanceof UnderWay) throw error;
      const isFinal = this.#place === null || (stage === 'verifying' && error instanceof BackupRejected);
      if (!isFinal && !isLast) throw error;
      await moveBackup(this.#db, { name, revision: before.revision, news: 'failed' }, { trouble: reasonOf(error) });
    }
    return readBackup(this.#db, name);
  }

  /** Also of those that were given up without a manifest: their dump may lie there. */
  async #superfluous(): Promise<string[]> {
    const { rows } = await this.#db.query<StoredBackup & { readonly nowMs: number }>(
      `select name, extract(epoch from coalesce(taken_at, opened_at))::float8 * 1000 as "takenAtMs", proven_at is not null as "isProven",
              extract(epoch from clock_timestamp())::float8 * 1000 as "nowMs"
         from backups where (object is not null or stage = 'dismissed') and removed_at is null`,
    );
    // By the clock that says when each was taken: a worker whose own is a year ahead would find all of them too old.
    return superfluous(rows, rows[0]?.nowMs ?? 0);
  }

  async #remove(store: ObjectStore, name: string): Promise<void> {
    const { rowCount } = await this.#db.query('select from backups where name = $1 and ended_at is not null', [name]);
    if (rowCount === 0) return;
    for (const object of await store.list(`${name}.`)) await store.remove(object);
    await this.#db.query('update backups set removed_at = clock_timestamp(), revision = revision + 1 where name = $1', [
      name,
    ]);
  }
}

/** Nobody's failure: it is tried again. */
export class UnderWay extends Error {}

/** @throws UnderWay while another backup or drill is; BackupRejected where there is no place */
export async function aloneWithBackups(
  db: Pool,
  place: OpenPlace | null,
  work: (place: OpenPlace) => Promise<void>,
): Promise<void> {
  if (place === null) throw new BackupRejected('TOLLGATE_BACKUP_STORE is not set for this worker');
  const done = await alone(db, 'backups', async () => {
    await work(place);
    return true;
  });
  if (done === null) throw new UnderWay('another backup or drill is under way');
}

async function readBackup(db: Queryable, name: string, locking = ''): Promise<BackupRow> {
  const { rows } = await db.query<BackupRow>(`select ${COLUMNS} from backups where name = $1 ${locking}`, [name]);
  if (rows[0] === undefined) throw new Error(`there is no backup ${name}`);
  return rows[0];
}
