// The journal's file format: one record a line, `<crc32 of the JSON, 8 hex> <JSON>\n`. A torn last line of the last segment is
// what kill -9 leaves and is dropped; a broken line anywhere else is damage.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { AttemptRow, UsageRow } from '../ledger/settlement-rows.ts';

/** An attempt is about to be sent. Ids and the price in force; the estimate for the curious. */
export interface Intent {
  readonly kind: 'intent';
  readonly requestId: string;
  readonly n: number;
  readonly orgId: string;
  readonly apiKeyId: string;
  readonly channelId: string;
  readonly channelKeyId: string;
  readonly modelId: string;
  readonly upstreamModel: string;
  readonly priceVersionId: string;
  readonly costVersionId: string | null;
  readonly estimateNano: string;
  readonly sentMs: number;
}

/** A settlement that PostgreSQL has not confirmed. On disk (fdatasync) it is acknowledged to the customer. */
export interface Spilled {
  readonly kind: 'spilled';
  readonly usage: UsageRow;
  readonly attempts: readonly AttemptRow[];
}

export type JournalRecord = Intent | Spilled;

export function toLine(record: JournalRecord): string {
  const json = JSON.stringify(record);
  return `${crc32(json).toString(16).padStart(8, '0')} ${json}\n`;
}

export interface JournalContents {
  readonly records: readonly JournalRecord[];
  /** Broken lines that a kill cannot explain. The file must be kept and a person told. */
  readonly damagedLines: number;
}

export function readJournal(folder: string): JournalContents {
  const segments = readdirSync(folder)
    .filter((name) => name.endsWith('.journal'))
    .sort();
  const records: JournalRecord[] = [];
  let damagedLines = 0;
  segments.forEach((segment, index) => {
    const lines = readFileSync(join(folder, segment), 'utf8').split('\n');
    // What follows the last newline is either nothing or the line that the kill tore.
    const tail = lines.pop();
    if (tail !== '' && index < segments.length - 1) damagedLines += 1;
    for (const line of lines) {
      const record = parseLine(line);
      if (record === null) damagedLines += 1;
      else records.push(record);
    }
  });
  return { records, damagedLines };
}

function parseLine(line: string): JournalRecord | null {
  const json = line.slice(9);
  if (crc32(json).toString(16).padStart(8, '0') !== line.slice(0, 8)) return null;
  return JSON.parse(json) as JournalRecord;
}
