// What people see of backups and drills, ask for, and are warned by. A row that is asked for here is carried out by a worker, which is told at once.
import type { PoolClient } from 'pg';
import type { BackupStage, DrillStage } from '../../domain/backups.ts';
import { TollgateError } from '../../domain/errors.ts';
import type { Queryable } from '../platform/postgres.ts';

export interface ListedBackup {
  readonly name: string;
  readonly kind: 'nightly' | 'by_hand';
  readonly requestedBy: string | null;
  readonly stage: BackupStage;
  readonly openedAt: Date;
  readonly takenAt: Date | null;
  readonly bytes: number | null;
  readonly dumpedInMs: number | null;
  readonly provenAt: Date | null;
  readonly provenInMs: number | null;
  readonly restoredInMs: number | null;
  readonly rows: number | null;
  readonly ledgerTransaction: string | null;
  readonly masterKeyVersion: number | null;
  readonly trouble: string | null;
  readonly removedAt: Date | null;
}

export interface ListedDrill {
  readonly name: string;
  readonly backup: string;
  readonly requestedBy: string | null;
  readonly stage: DrillStage;
  readonly openedAt: Date;
  readonly endedAt: Date | null;
  readonly restoredInMs: number | null;
  readonly provenInMs: number | null;
  readonly rows: number | null;
  readonly trouble: string | null;
}

const BACKUP = `name, kind, requested_by as "requestedBy", stage, opened_at as "openedAt", taken_at as "takenAt", bytes::float8 as bytes,
  dumped_in_ms::float8 as "dumpedInMs", proven_at as "provenAt", proven_in_ms::float8 as "provenInMs", restored_in_ms::float8 as "restoredInMs",
  rows::float8 as rows, ledger_transaction::text as "ledgerTransaction", master_key_version as "masterKeyVersion", trouble, removed_at as "removedAt"`;
const DRILL = `name, backup, requested_by as "requestedBy", stage, opened_at as "openedAt", ended_at as "endedAt",
  restored_in_ms::float8 as "restoredInMs", proven_in_ms::float8 as "provenInMs", rows::float8 as rows, trouble`;

/** Newest first; `after`: the name of the last one of the page before. */
export async function listBackups(db: Queryable, after: string | null, pageSize: number): Promise<ListedBackup[]> {
  const { rows } = await db.query<ListedBackup>(
    `select ${BACKUP} from backups
      where $1::text is null or (opened_at, name) < (select opened_at, name from backups where name = $1)
      order by opened_at desc, name desc limit $2`,
    [after, pageSize],
  );
  return rows;
}

/** Newest first; `after`: the name of the last one of the page before. */
export async function listDrills(db: Queryable, after: string | null, pageSize: number): Promise<ListedDrill[]> {
  const { rows } = await db.query<ListedDrill>(
    `select ${DRILL} from restore_checks
      where $1::text is null or (opened_at, name) < (select opened_at, name from restore_checks where name = $1)
      order by opened_at desc, name desc limit $2`,
    [after, pageSize],
  );
  return rows;
}

export async function requestBackup(tx: PoolClient, actor: string): Promise<ListedBackup> {
  const { rows } = await tx.query<ListedBackup>(
    `insert into backups (name, kind, requested_by) values (${nameNow('by-hand')}, 'by_hand', $1) returning ${BACKUP}`,
    [actor],
  );
  await announce(tx);
  return made(rows);
}

/** @throws TollgateError conflict: nothing was proven yet, or the backup is none that could be tried */
export async function requestDrill(tx: PoolClient, actor: string, backup: string | null): Promise<ListedDrill> {
  const { rows } = await tx.query<ListedDrill>(
    `insert into restore_checks (name, requested_by, backup)
     select ${nameNow('drill')}, $1, name from backups
      where proven_at is not null and removed_at is null and ($2::text is null or name = $2) order by proven_at desc limit 1
     returning ${DRILL}`,
    [actor, backup],
  );
  if (rows[0] === undefined) {
    const message = backup === null ? 'There is no proven backup yet.' : `${backup} is no proven backup in storage.`;
    throw new TollgateError('conflict', { message });
  }
  await announce(tx);
  return rows[0];
}

export interface WaitingBackup {
  readonly kind: 'backup' | 'restore_check';
  readonly name: string;
  readonly trouble: string;
  readonly since: Date;
}

/** More than ever wait. */
const MOST_WAITING = 100;

/** Those that failed, until somebody has said how to go on. */
export async function waitingBackups(db: Queryable): Promise<WaitingBackup[]> {
  const { rows } = await db.query<WaitingBackup>(
    `select 'backup' as kind, name, trouble, opened_at as since from backups where stage = 'attention'
     union all select 'restore_check', name, trouble, opened_at from restore_checks where stage = 'attention'
      order by since, name limit $1`,
    [MOST_WAITING],
  );
  return rows;
}

export interface BackupStanding {
  /** When the newest proven backup that is there was taken, in seconds since 1970; 0: there is none. */
  readonly provenAt: number;
  /** What the last drill took; 0: there was none. */
  readonly restoreSeconds: number;
  readonly needAttention: number;
}

export async function backupStanding(db: Queryable): Promise<BackupStanding> {
  const { rows } = await db.query<BackupStanding>(
    `select (select coalesce(extract(epoch from max(taken_at)), 0)::float8 from backups where proven_at is not null and removed_at is null) as "provenAt",
            coalesce((select restored_in_ms / 1000.0 from restore_checks where stage = 'completed' order by ended_at desc limit 1), 0)::float8 as "restoreSeconds",
            ((select count(*) from backups where stage = 'attention') + (select count(*) from restore_checks where stage = 'attention'))::int as "needAttention"`,
  );
  return rows[0] ?? { provenAt: 0, restoreSeconds: 0, needAttention: 0 };
}

function nameNow(prefix: string): string {
  return `'${prefix}-' || to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD-HH24MISS-') || left(gen_random_uuid()::text, 4)`;
}

function made<Row>([row]: readonly Row[]): Row {
  if (row === undefined) throw new Error('an insert has returned nothing');
  return row;
}

/** Tells workers that something is due now. One that does not hear it finds it within the hour. */
async function announce(tx: PoolClient): Promise<void> {
  await tx.query(`select pg_notify('tollgate_outbox', 'backup')`);
}
