// Rotations of API keys as rows: the state of domain/api-key-rotation.ts, and beside it the credential that is not the key's own.
import type { PoolClient } from 'pg';
import { type ApiKeyRotation, type RotationEnd, wakeOfRotation } from '../../domain/api-key-rotation.ts';
import { dateOf } from '../../domain/moments.ts';
import type { Queryable } from '../platform/postgres.ts';

export interface RotationRow {
  readonly id: string;
  readonly orgId: string;
  readonly apiKeyId: string;
  readonly state: ApiKeyRotation;
  /** Of the replaced credential, as people know it. */
  readonly prefix: string;
  readonly lastFour: string;
  readonly wakeAt: Date | null;
  readonly usedAt: Date | null;
  readonly usedFrom: string | null;
}

interface Stored extends Omit<RotationRow, 'state'> {
  readonly revision: number;
  readonly startedAt: Date;
  readonly endsAt: Date;
  readonly remindedTo: Date;
  readonly endedAt: Date | null;
  readonly endedHow: RotationEnd | null;
}

const ROTATIONS = `
  select id, org_id as "orgId", api_key_id as "apiKeyId", prefix, last_four as "lastFour", revision, started_at as "startedAt", ends_at as "endsAt",
         reminded_to as "remindedTo", ended_at as "endedAt", ended_how as "endedHow", wake_at as "wakeAt", used_at as "usedAt",
         host(used_from) as "usedFrom"
    from api_key_rotations`;

/** @throws Error where nothing was ever rolled under this id */
export async function rotation(db: Queryable, id: string): Promise<RotationRow> {
  const { rows } = await db.query<Stored>(`${ROTATIONS} where id = $1`, [id]);
  const [row] = rows;
  if (row === undefined) throw new Error(`no API key was rolled as rotation ${id}`);
  return readRotation(row);
}

/** Also one whose overlap is over and which nobody has ended; null: none runs. */
export async function openRotationOf(db: Queryable, apiKeyId: string): Promise<RotationRow | null> {
  const { rows } = await db.query<Stored>(`${ROTATIONS} where api_key_id = $1 and ended_at is null`, [apiKeyId]);
  return rows[0] === undefined ? null : readRotation(rows[0]);
}

/** What the key has now is what the new credential replaces. The caller holds the key. */
export async function insertRotation(
  tx: PoolClient,
  { id, apiKeyId, state }: Pick<RotationRow, 'id' | 'apiKeyId' | 'state'>,
  nowMs: number,
): Promise<void> {
  await tx.query(
    `insert into api_key_rotations (id, org_id, api_key_id, digest, prefix, last_four, revision, started_at, ends_at, reminded_to, ended_at,
                                    ended_how, wake_at)
     select $1, org_id, id, digest, prefix, last_four, $3, $4, $5, $6, $7, $8, $9 from api_keys where id = $2`,
    [id, apiKeyId, ...valuesOf(state, nowMs)],
  );
}

export async function saveRotation(tx: PoolClient, id: string, state: ApiKeyRotation, nowMs: number): Promise<void> {
  const [revision, , ...others] = valuesOf(state, nowMs);
  await tx.query(
    `update api_key_rotations set revision = $2, ends_at = $3, reminded_to = $4, ended_at = $5, ended_how = $6, wake_at = $7 where id = $1`,
    [id, revision, ...others],
  );
}

/** The key has again what it had, and the row the credential that was made for it. */
export async function swapCredentials(tx: PoolClient, { id, apiKeyId }: RotationRow): Promise<void> {
  await tx.query(
    `with made as (select digest, prefix, last_four from api_keys where id = $2),
          back as (update api_keys k set digest = r.digest, prefix = r.prefix, last_four = r.last_four
                     from api_key_rotations r where r.id = $1 and k.id = $2 returning 1)
     update api_key_rotations r set digest = m.digest, prefix = m.prefix, last_four = m.last_four from made m, back where r.id = $1`,
    [id, apiKeyId],
  );
}

function valuesOf(state: ApiKeyRotation, nowMs: number) {
  const { revision, startedAtMs, endsAtMs, remindedToMs, ended } = state;
  return [
    revision,
    new Date(startedAtMs),
    new Date(endsAtMs),
    new Date(remindedToMs),
    dateOf(ended?.atMs ?? null),
    ended?.how ?? null,
    dateOf(wakeOfRotation(state, nowMs)),
  ];
}

function readRotation(row: Stored): RotationRow {
  const { revision, startedAt, endsAt, remindedTo, endedAt, endedHow, ...rest } = row;
  const ended = endedAt === null || endedHow === null ? null : { how: endedHow, atMs: endedAt.getTime() };
  const times = { startedAtMs: startedAt.getTime(), endsAtMs: endsAt.getTime(), remindedToMs: remindedTo.getTime() };
  return { ...rest, state: { revision, ...times, ended } };
}
