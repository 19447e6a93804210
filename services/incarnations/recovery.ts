// What a dead gateway left is brought to its end: settlements on its disk are settled, attempts without an end become orphans
// (D5), its leases go back. Only after fencing; any number of times, since a fenced process that was merely paused may append once
// more when it wakes. Nothing is truncated; files go when their owner is gone and all of it is in PostgreSQL.
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Pool, PoolClient } from 'pg';
import type { Logger } from 'pino';
import { type Intent, type JournalRecord, readJournal, type Spilled } from '../journal/journal-lines.ts';
import { isAboutData, quarantine, settleBatch } from '../ledger/settle-batch.ts';
import { crashPoint } from '../platform/crash-points.ts';
import { isId } from '../platform/ids.ts';
import { alone } from '../platform/postgres.ts';
import { setAsideForgotten } from './forgotten-journals.ts';
import { isSameProcessAlive, pidSpace } from './process-identity.ts';

const BATCH = 500;
/** Leases of a gateway whose journal cannot be reached, or not be replayed, close this long after fencing (design.md 3.6). */
const CLOSE_WITHOUT_JOURNAL = '10 minutes';
/** Whoever sleeps this long has no client left that could hear of what it writes down when it wakes. */
const TOO_LONG_ASLEEP = '1 day';

interface Process {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  readonly process_started: string;
  readonly journal_path: string;
}

interface DeadIncarnation extends Process {
  readonly closed: boolean;
  /** Then it is closed, too. */
  readonly journal_known: boolean;
  readonly waited_long: boolean;
  readonly asleep_too_long: boolean;
}

/** Fences what is silent or dead, then recovers every fenced incarnation whose journal can be reached from here (D13). */
export async function recoverDeadGateways(db: Pool, log: Logger, journalDir: string): Promise<void> {
  await fenceDead(db, log);
  const folders = new Set(existsSync(journalDir) ? readdirSync(journalDir).filter(isId) : []);
  await setAsideForgotten(db, log, journalDir, [...folders]);
  const { rows } = await db.query<DeadIncarnation>(
    `select id, host, pid, process_started, journal_path, closed_at is not null as closed, journal_known_at is not null as journal_known,
            fenced_at < clock_timestamp() - interval '${CLOSE_WITHOUT_JOURNAL}' as waited_long,
            fenced_at < clock_timestamp() - interval '${TOO_LONG_ASLEEP}' as asleep_too_long
       from gateway_incarnations
      where fenced_at is not null
        and (closed_at is null or fenced_at > clock_timestamp() - interval '${TOO_LONG_ASLEEP}' or id = any ($1))`,
    [[...folders]],
  );
  for (const dead of rows) {
    const folder = folders.has(dead.id) ? join(journalDir, dead.id) : folderElsewhere(dead);
    if (dead.closed && folder === null) continue;
    try {
      // Two caretakers of one machine must not replay the same file at once.
      await alone(db, `recover:${dead.id}`, (client) => recover(client, log, dead, folder));
    } catch (error) {
      log.error({ incarnationId: dead.id, folder, err: error }, 'recovery_failed'); // the others are recovered all the same
    }
  }
}

/** Whoever can see that a process is gone need not wait 90 s for its silence. */
async function fenceDead(db: Pool, log: Logger): Promise<void> {
  const { rows } = await db.query<Process>(
    'select id, host, pid, process_started, journal_path from gateway_incarnations where fenced_at is null and host = $1',
    [pidSpace()],
  );
  for (const { id, pid, process_started: started, journal_path: folder } of rows) {
    const isGone = !isSameProcessAlive(pid, started);
    if (isGone) await db.query('select fence_incarnations($1)', [id]);
    if (isGone) log.info({ incarnationId: id, pid, folder }, 'incarnation_fenced');
  }
  await db.query('select fence_incarnations(null)');
}

/** Where a gateway of this host wrote when its journals were kept in another place. */
function folderElsewhere({ host, journal_path: folder }: Process): string | null {
  return host === pidSpace() && existsSync(folder) ? folder : null;
}

async function recover(db: PoolClient, log: Logger, dead: DeadIncarnation, folder: string | null): Promise<void> {
  if (folder === null) {
    const isEmptied = dead.host === pidSpace();
    if (isEmptied) await close(db, log, dead, 'journal empty', true);
    else if (dead.waited_long) await close(db, log, dead, 'journal out of reach', false);
    return;
  }
  // Asked before the journal is read: what a living owner appends after that would be missed.
  const ownerIsGone = isGone(dead);
  let isWhole: boolean;
  try {
    isWhole = await replay(db, log, dead, folder);
  } catch (error) {
    if (!dead.closed && dead.waited_long) await close(db, log, dead, 'journal not replayed', false);
    throw error;
  }
  if (!dead.journal_known) await close(db, log, dead, 'journal replayed', true);
  if (!isWhole || !ownerIsGone) return;
  rmSync(folder, { recursive: true });
  lastReplays.delete(folder);
}

/** A pid says nothing to a host that cannot see it: from there the owner may be asleep. */
function isGone({ host, pid, process_started: started, asleep_too_long: isTooLate }: DeadIncarnation): boolean {
  return isTooLate || (host === pidSpace() && !isSameProcessAlive(pid, started));
}

/** By folder: a journal that must stay, for its damage or its sleeping owner, is read again only when it has grown. */
const lastReplays = new Map<string, { readonly bytes: number; readonly isWhole: boolean }>();

/** False: something in it cannot be read. */
async function replay(db: PoolClient, log: Logger, dead: DeadIncarnation, folder: string): Promise<boolean> {
  const bytes = readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  const last = lastReplays.get(folder);
  if (last?.bytes === bytes) return last.isWhole;
  const { records, damagedLines } = readJournal(folder);
  const spilled = records.filter((record): record is Spilled => record.kind === 'spilled');
  await settleSpilled(db, log, dead, spilled);
  crashPoint('in-recovery');
  await recordOrphans(db, dead.id, intentsWithoutEnd(records, spilled));
  if (damagedLines > 0) log.error({ incarnationId: dead.id, damagedLines, folder }, 'journal_damaged');
  lastReplays.set(folder, { bytes, isWhole: damagedLines === 0 });
  return damagedLines === 0;
}

async function settleSpilled(
  db: PoolClient,
  log: Logger,
  dead: DeadIncarnation,
  spilled: readonly Spilled[],
): Promise<void> {
  const { first, otherwise } = onceEach(spilled);
  for (let at = 0; at < first.length; at += BATCH) {
    const batch = first.slice(at, at + BATCH);
    try {
      await settleBatch(db, dead.id, true, batch);
    } catch (error) {
      if (!isAboutData(error)) throw error;
      for (const one of batch) await settleOne(db, log, dead, one);
    }
  }
  for (const one of otherwise) await settleOne(db, log, dead, one);
}

/**
 * A request is there twice when the first fdatasync failed and its batch was written again. Were it there with another charge, it
 * must find the first one in PostgreSQL, which then reports the conflict: never both in one statement.
 */
function onceEach(spilled: readonly Spilled[]): { readonly first: Spilled[]; readonly otherwise: Spilled[] } {
  const firstOf = new Map<string, Spilled>();
  const otherwise: Spilled[] = [];
  for (const one of spilled) {
    const first = firstOf.get(one.usage.request_id);
    if (first === undefined) firstOf.set(one.usage.request_id, one);
    else if (first.usage.rated_nano !== one.usage.rated_nano) otherwise.push(one);
  }
  return { first: [...firstOf.values()], otherwise };
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

async function close(db: PoolClient, log: Logger, dead: Process, reason: string, journalKnown: boolean): Promise<void> {
  const { rows } = await db.query<{ leases: number }>('select close_incarnation($1, $2, $3) as leases', [
    dead.id,
    reason,
    journalKnown,
  ]);
  log.info({ incarnationId: dead.id, leases: rows[0]?.leases, reason }, 'incarnation_closed');
}
