// The row of a rotation of the master key, and what is known beside it: which processes do not have the new version, and how much is sealed under others.
import type { PoolClient } from 'pg';
import { TollgateError } from '../../domain/errors.ts';
import type { MasterKeyRotation } from '../../domain/master-key-rotation.ts';
import { jsonbText, type Queryable } from '../platform/postgres.ts';
import { SILENT_AFTER } from './keyring-holder.ts';
import { sealedRowCounts } from './sealed-rows.ts';

/** A process reads its file every five seconds: who has not the new version by then was forgotten. */
const LATE_AFTER = '10 minutes';

export interface RotationView extends MasterKeyRotation {
  readonly version: number;
  readonly revision: number;
  readonly startedBy: string;
  readonly reason: string;
  readonly startedAt: Date;
  /** Since when the new version seals; null: it does not. */
  readonly switchedAt: Date | null;
  readonly endedAt: Date | null;
  /** Processes that do not have the new version, in words. */
  readonly behind: readonly string[];
  /** And have had minutes for it. */
  readonly isLate: boolean;
  /** Rows that were sealed under another version when this one began to seal; null: it does not. */
  readonly total: number | null;
  readonly resealed: number;
  /** Rows that are sealed under another version now. */
  readonly left: number;
  /** Places that do not open, in words. */
  readonly troubles: readonly string[];
}

/** @throws TollgateError not_found */
export async function rotationView(db: Queryable, version: number): Promise<RotationView> {
  const { rows } = await db.query<Omit<RotationView, 'behind' | 'left'>>(
    `select version, stage, is_paused as "isPaused", revision, started_by as "startedBy", reason, started_at as "startedAt",
            switched_at as "switchedAt", ended_at as "endedAt", total, resealed, troubles,
            stage = 'acknowledging' and not is_paused and started_at < clock_timestamp() - $2::interval as "isLate"
       from master_key_rotations where version = $1`,
    [version, LATE_AFTER],
  );
  const [row] = rows;
  if (row === undefined) {
    throw new TollgateError('not_found', { message: `There is no rotation to master key ${version}.` });
  }
  const behind = row.endedAt === null ? await processesWithout(db, version) : [];
  return { ...row, behind, isLate: row.isLate && behind.length > 0, left: await rowsBeside(db, version) };
}

/** Whether it goes on or has ended; null: there was none. */
export async function newestRotation(db: Queryable): Promise<RotationView | null> {
  const { rows } = await db.query<{ version: number }>(
    'select version from master_key_rotations order by version desc limit 1',
  );
  const [newest] = rows;
  return newest === undefined ? null : rotationView(db, newest.version);
}

/** Of those that live, in words. */
export async function processesWithout(db: Queryable, version: number): Promise<string[]> {
  const { rows } = await db.query<{ what: string }>(
    `select kind || ' ' || pid || ' on ' || host || case when $1 = any(other_bytes) then ': it has other bytes' else ': it does not have it' end as what
       from master_key_holders where not $1 = any(versions) and seen_at >= clock_timestamp() - $2::interval order by kind, host, pid`,
    [version, SILENT_AFTER],
  );
  return rows.map(({ what }) => what);
}

export async function rowsBeside(db: Queryable, version: number): Promise<number> {
  const counts = await sealedRowCounts(db);
  return [...counts].reduce((sum, [under, count]) => (under === version ? sum : sum + count), 0);
}

/** Nobody else changes it until the transaction ends. @throws TollgateError not_found */
export async function lockedRotation(tx: PoolClient, version: number): Promise<MasterKeyRotation> {
  const { rows } = await tx.query<MasterKeyRotation>(
    'select stage, is_paused as "isPaused" from master_key_rotations where version = $1 for update',
    [version],
  );
  const [row] = rows;
  if (row !== undefined) return row;
  throw new TollgateError('not_found', { message: `There is no rotation to master key ${version}.` });
}

/** With the troubles that are known now. */
export async function saveRotation(
  tx: PoolClient,
  version: number,
  { stage, isPaused }: MasterKeyRotation,
  troubles: readonly string[],
): Promise<void> {
  await tx.query(
    `update master_key_rotations
        set stage = $2, is_paused = $3, troubles = $4, revision = revision + 1,
            ended_at = case when $2 in ('completed', 'cancelled') then clock_timestamp() end
      where version = $1`,
    [version, stage, isPaused, jsonbText(troubles)],
  );
}

/** It alone seals, from the end of this transaction on. Whoever is about to seal under the version before is waited for. */
export async function letItSeal(tx: PoolClient, version: number): Promise<void> {
  await tx.query(`update master_keys set state = 'opening', since = clock_timestamp() where state = 'sealing'`);
  await tx.query(`update master_keys set state = 'sealing', since = clock_timestamp() where version = $1`, [version]);
  await tx.query(
    `update master_key_rotations
        set stage = 'resealing', switched_at = clock_timestamp(), total = $2, revision = revision + 1 where version = $1`,
    [version, await rowsBeside(tx, version)],
  );
}

export async function countResealed(tx: PoolClient, version: number, renewed: number): Promise<void> {
  await tx.query('update master_key_rotations set resealed = resealed + $2 where version = $1', [version, renewed]);
}
