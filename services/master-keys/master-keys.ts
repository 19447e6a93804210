// The master keys that there are or were, and the end of one: nothing of ours opens anything by it any more. Its bytes lie with the operator, who removes
// them by the runbook; what is refused here is refused whoever keeps a copy (D129).
import type { PoolClient } from 'pg';
import { TollgateError } from '../../domain/errors.ts';
import type { Queryable } from '../platform/postgres.ts';
import { SILENT_AFTER } from './keyring-holder.ts';
import { sealedRowCounts } from './sealed-rows.ts';

export interface MasterKey {
  readonly version: number;
  readonly state: 'coming' | 'sealing' | 'opening' | 'destroyed';
  /** Of the state. */
  readonly since: Date;
  /** How much is sealed under it. */
  readonly sealedRows: number;
  /** Names of those that nothing else opens, or not all that is sealed in them. */
  readonly backups: readonly string[];
}

export interface MasterKeyHolder {
  readonly processId: string;
  readonly kind: 'gateway' | 'caretaker' | 'worker';
  readonly host: string;
  readonly pid: number;
  readonly versions: readonly number[];
  /** Versions of which it has other bytes than those that are meant. */
  readonly otherBytes: readonly number[];
  readonly seenAt: Date;
}

/** Newest first. */
export async function masterKeys(db: Queryable): Promise<MasterKey[]> {
  const [counts, backups] = [await sealedRowCounts(db), await backupsByVersion(db)];
  const { rows } = await db.query<Pick<MasterKey, 'version' | 'state' | 'since'>>(
    'select version, state, since from master_keys order by version desc',
  );
  return rows.map((row) => ({
    ...row,
    sealedRows: counts.get(row.version) ?? 0,
    backups: backups.get(row.version) ?? [],
  }));
}

/** Processes that live. */
export async function masterKeyHolders(db: Queryable): Promise<MasterKeyHolder[]> {
  const { rows } = await db.query<MasterKeyHolder>(
    `select process_id as "processId", kind, host, pid, versions, other_bytes as "otherBytes", seen_at as "seenAt"
       from master_key_holders where seen_at >= clock_timestamp() - $1::interval order by kind, host, pid`,
    [SILENT_AFTER],
  );
  return rows;
}

/** For metrics, of the whole installation. */
export async function masterKeyStanding(
  db: Queryable,
): Promise<{ readonly behind: number; readonly left: number; readonly retired: number }> {
  const { rows } = await db.query<{ behind: number; left: number; retired: number }>(
    `select (select count(*)::integer from master_key_holders h
              where h.seen_at >= clock_timestamp() - $1::interval
                and exists (select from master_keys k where k.state in ('coming', 'sealing') and not k.version = any(h.versions))) as behind,
            (select coalesce(sum(r.sealed_rows), 0)::integer from sealed_rows() r
              where r.version <> (select k.version from master_keys k where k.state = 'sealing')) as left,
            (select count(*)::integer from master_keys k where k.state = 'opening'
              and not exists (select from sealed_rows() r where r.version = k.version)) as retired`,
    [SILENT_AFTER],
  );
  return rows[0] ?? { behind: 0, left: 0, retired: 0 };
}

/** Never to be used again. @throws TollgateError not_found; conflict where something needs it still */
export async function destroyMasterKey(tx: PoolClient, version: number): Promise<MasterKey> {
  await tx.query('select from master_keys where version = $1 for update', [version]);
  const found = (await masterKeys(tx)).find((one) => one.version === version);
  if (found === undefined) throw new TollgateError('not_found', { message: `There is no master key ${version}.` });
  const why = whyNot(found);
  if (why !== null) throw new TollgateError('conflict', { message: `Master key ${version} ${why}.` });
  await tx.query(`update master_keys set state = 'destroyed', since = clock_timestamp() where version = $1`, [version]);
  return (await masterKeys(tx)).find((one) => one.version === version) ?? found;
}

/** Null: nothing needs it any more. */
function whyNot({ state, sealedRows, backups }: MasterKey): string | null {
  if (state === 'destroyed') return 'is destroyed already';
  if (state !== 'opening') return `is ${state}: another one takes its place first`;
  if (sealedRows > 0) return `still opens ${sealedRows} rows: let the rotation end`;
  if (backups.length > 0) return `is needed by ${backups.length} backups: they go first`;
  return null;
}

/** By version, the names of backups in storage that need it. */
async function backupsByVersion(db: Queryable): Promise<ReadonlyMap<number, readonly string[]>> {
  const { rows } = await db.query<{ version: number; names: string[] }>(
    `select version, array_agg(name order by name) as names from backups, unnest(master_key_versions) version
      where object is not null and removed_at is null group by version`,
  );
  return new Map(rows.map(({ version, names }) => [version, names]));
}
