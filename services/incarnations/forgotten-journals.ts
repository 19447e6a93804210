// Journals of gateways that a restored database has forgotten: they began after its snapshot, and so did the leases and perhaps the keys that their
// settlements are about. Nobody is charged by them. What the attempts cost us is our loss, and the files are set aside for whoever asks (D152).
import { mkdirSync, realpathSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { Pool, PoolClient } from 'pg';
import type { Logger } from 'pino';
import { type JournalRecord, readJournal, type Spilled } from '../journal/journal-lines.ts';
import { madeAt } from '../platform/ids.ts';
import { alone, inTransaction } from '../platform/postgres.ts';
import { lastEpoch, noteFinding } from '../restores/findings.ts';
import { isFolderInUse } from './process-identity.ts';

/** Beside the journals that are read. */
const SET_ASIDE = 'set-aside';

/** `ids`: of the journals that lie in the folder. Where nothing was ever restored, one that is unknown belongs to a gateway that begins. */
export async function setAsideForgotten(
  db: Pool,
  log: Logger,
  journalDir: string,
  ids: readonly string[],
): Promise<void> {
  if (ids.length === 0) return;
  const restored = await lastEpoch(db);
  if (restored === null) return;
  const { rows } = await db.query<{ id: string }>(
    'select id from unnest($1::uuid[]) id where not exists (select from gateway_incarnations i where i.id = id.id)',
    [ids],
  );
  for (const { id } of rows) {
    const folder = join(journalDir, id);
    try {
      if (beganAfter(id, folder, restored.since) || isFolderInUse(realpathSync(folder))) continue;
      await alone(db, `recover:${id}`, async () => {
        const lost = await inTransaction(db, (tx) => bookLosses(tx, restored.epoch, id, folder));
        mkdirSync(join(journalDir, SET_ASIDE), { recursive: true, mode: 0o700 });
        renameSync(folder, join(journalDir, SET_ASIDE, id));
        log.error({ incarnationId: id, folder, ...lost }, 'journal_set_aside');
      });
    } catch (error) {
      log.error({ incarnationId: id, folder, err: error }, 'recovery_failed'); // the others are seen to all the same
    }
  }
}

/** By its id, which says when it was made; else by the oldest that was written there. A file system that was copied has other times. */
function beganAfter(id: string, folder: string, moment: Date): boolean {
  const beganAt = madeAt(id)?.getTime() ?? Math.min(...readJournal(folder).records.map(momentOf));
  return beganAt > moment.getTime();
}

function momentOf(record: JournalRecord): number {
  return record.kind === 'intent' ? record.sentMs : record.usage.admitted_ms;
}

interface Lost {
  /** Answered, and charged to nobody. */
  readonly requests: number;
  readonly lostNano: string;
  readonly damagedLines: number;
}

async function bookLosses(tx: PoolClient, epoch: number, id: string, folder: string): Promise<Lost> {
  const { records, damagedLines } = readJournal(folder);
  const spilled = records.filter((record): record is Spilled => record.kind === 'spilled');
  const known = await settledAmong(tx, spilled);
  const lost = spilled.filter(({ usage }) => !known.has(usage.request_id));
  let lostNano = 0n;
  for (const { request_id: request, n, channel_id: channel, cost_nano: cost } of lost.flatMap((one) => one.attempts)) {
    if (cost === null) continue; // the provider's export will say it
    await tx.query('select post_unclaimed($1, $2, $3, $4)', [request, n, channel, cost]);
    lostNano += BigInt(cost);
  }
  const found = { requests: lost.length, lostNano: String(lostNano), damagedLines };
  await noteFinding(tx, epoch, { what: 'journal_set_aside', subject: id, details: found });
  return found;
}

async function settledAmong(tx: PoolClient, spilled: readonly Spilled[]): Promise<ReadonlySet<string>> {
  const { rows } = await tx.query<{ id: string }>(
    'select request_id as id from usage_records where request_id = any($1)',
    [spilled.map(({ usage }) => usage.request_id)],
  );
  return new Set(rows.map(({ id }) => id));
}
