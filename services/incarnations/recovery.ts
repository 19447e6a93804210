// What a dead gateway left is brought to its end: settlements on its disk are settled, attempts without an end become orphans
// (D5), its leases go back. Only after fencing; any number of times, since a fenced process that was merely paused may append once
// more when it wakes. Nothing is truncated; files go when their owner is gone and all of it is in PostgreSQL.
import { existsSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Pool, PoolClient } from 'pg';
import type { Logger } from 'pino';
import { type Intent, type JournalRecord, readJournal, type Spilled } from '../journal/journal-lines.ts';
import { isAboutData, quarantine, settleBatch } from '../ledger/settle-batch.ts';
import { crashPoint } from '../platform/crash-points.ts';
import { isSameProcessAlive } from './process-identity.ts';

const BATCH = 500;
/** Leases of a gateway whose journal cannot be reached from anywhere close this long after fencing (design.md 3.6). */
const CLOSE_WITHOUT_JOURNAL = '10 minutes';

interface DeadIncarnation {
  id: string;
  host: string;
  pid: number;
  process_started: string;
  journal_path: string;
  closed: boolean;
  waited_long: boolean;
}

/** Fences what is silent or dead, then recovers every fenced incarnation whose journal lies on this host. */
export async function recoverDeadGateways(db: Pool, log: Logger): Promise<void> {
  await fenceDead(db, log);
  const { rows } = await db.query<DeadIncarnation>(
    `select id, host, pid, process_started, journal_path, closed_at is not null as closed,
            fenced_at < clock_timestamp() - interval '${CLOSE_WITHOUT_JOURNAL}' as waited_long
       from gateway_incarnations
      where fenced_at is not null and (closed_at is null or fenced_at > clock_timestamp() - interval '1 day')`,
  );
  for (const dead of rows)
    if (!dead.closed || isLeftHere(dead)) await underLock(db, dead.id, (tx) => recover(tx, log, dead));
}

/** Whoever can see that a process is gone need not wait 90 s for its silence. */
async function fenceDead(db: Pool, log: Logger): Promise<void> {
  const { rows } = await db.query<DeadIncarnation>(
    'select id, host, pid, process_started, journal_path, false as closed, false as waited_long from gateway_incarnations where fenced_at is null and host = $1',
    [hostname()],
  );
  for (const { id, pid, process_started: started, journal_path: folder } of rows) {
    const isGone = !isSameProcessAlive(pid, started);
    if (isGone) await db.query('select fence_incarnations($1)', [id]);
    if (isGone) log.info({ incarnationId: id, pid, folder }, 'incarnation_fenced');
  }
  await db.query('select fence_incarnations(null)');
}

function isLeftHere(dead: DeadIncarnation): boolean {
  return dead.host === hostname() && existsSync(dead.journal_path);
}

/** Two caretakers of one machine must not replay the same file at once. */
async function underLock(db: Pool, incarnationId: string, work: (client: PoolClient) => Promise<void>): Promise<void> {
  const client = await db.connect();
  try {
    const { rows } = await client.query<{ locked: boolean }>(
      `select pg_try_advisory_lock(hashtextextended('recover:' || $1, 0)) as locked`,
      [incarnationId],
    );
    if (!rows[0]?.locked) return;
    try {
      await work(client);
    } finally {
      await client.query(`select pg_advisory_unlock(hashtextextended('recover:' || $1, 0))`, [incarnationId]);
    }
  } finally {
    client.release();
  }
}

async function recover(db: PoolClient, log: Logger, dead: DeadIncarnation): Promise<void> {
  if (!isLeftHere(dead)) {
    const isEmptied = dead.host === hostname();
    if (!dead.closed && (isEmptied || dead.waited_long))
      await close(db, log, dead, isEmptied ? 'journal empty' : 'journal out of reach');
    return;
  }
  const ownerLives = isSameProcessAlive(dead.pid, dead.process_started);
  const { records, damagedLines } = readJournal(dead.journal_path);
  const spilled = records.filter((record): record is Spilled => record.kind === 'spilled');
  await settleSpilled(db, log, dead, spilled);
  crashPoint('in-recovery');
  await recordOrphans(db, dead.id, intentsWithoutEnd(records, spilled));
  if (!dead.closed) await close(db, log, dead, 'journal replayed');
  if (damagedLines > 0)
    log.error({ incarnationId: dead.id, damagedLines, folder: dead.journal_path }, 'journal_damaged');
  else if (!ownerLives) rmSync(dead.journal_path, { recursive: true });
}

async function settleSpilled(
  db: PoolClient,
  log: Logger,
  dead: DeadIncarnation,
  spilled: readonly Spilled[],
): Promise<void> {
  for (let at = 0; at < spilled.length; at += BATCH) {
    const batch = spilled.slice(at, at + BATCH);
    try {
      await settleBatch(db, dead.id, true, batch);
    } catch (error) {
      if (!isAboutData(error)) throw error;
      for (const one of batch) await settleOne(db, log, dead, one);
    }
  }
}

async function settleOne(db: PoolClient, log: Logger, dead: DeadIncarnation, one: Spilled): Promise<void> {
  try {
    await settleBatch(db, dead.id, true, [one]);
  } catch (error) {
    if (!isAboutData(error)) throw error;
    log.error({ incarnationId: dead.id, requestId: one.usage.request_id, err: error }, 'settlement_quarantined');
    await quarantine(db, dead.id, one, error);
  }
}

function intentsWithoutEnd(records: readonly JournalRecord[], spilled: readonly Spilled[]): Intent[] {
  const settled = new Set(spilled.map(({ usage }) => usage.request_id));
  return records.filter((record): record is Intent => record.kind === 'intent' && !settled.has(record.requestId));
}

/** Most of these are settled in PostgreSQL already and change nothing there. */
async function recordOrphans(db: PoolClient, incarnationId: string, intents: readonly Intent[]): Promise<void> {
  for (let at = 0; at < intents.length; at += BATCH) {
    await db.query(
      `select record_orphan($2, i."requestId", i.n, i."orgId", i."channelId", i."channelKeyId", i."modelId", i."upstreamModel",
                            i."costVersionId", to_timestamp(i."sentMs" / 1000.0))
         from json_to_recordset($1) as i("requestId" uuid, n smallint, "orgId" uuid, "channelId" uuid, "channelKeyId" uuid,
                                         "modelId" text, "upstreamModel" text, "costVersionId" uuid, "sentMs" bigint)`,
      [JSON.stringify(intents.slice(at, at + BATCH)), incarnationId],
    );
  }
}

async function close(db: PoolClient, log: Logger, dead: DeadIncarnation, reason: string): Promise<void> {
  const { rows } = await db.query<{ leases: number }>('select close_incarnation($1, $2) as leases', [dead.id, reason]);
  log.info({ incarnationId: dead.id, leases: rows[0]?.leases, reason }, 'incarnation_closed');
}
