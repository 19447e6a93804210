// What was acknowledged from the journal can be read from it, whatever else failed to be written there.
import { execFileSync } from 'node:child_process';
import { appendFileSync, closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Journal, type Segment } from '../../../services/journal/journal.ts';
import { readJournal, toLine } from '../../../services/journal/journal-lines.ts';
import { newId } from '../../../services/platform/ids.ts';
import { intentOf, spilledOf } from './records.ts';

const WRITER = fileURLToPath(new URL('writer-under-a-limit.ts', import.meta.url));
const MORE_THAN_A_SEGMENT = 'm'.repeat(17 * 1024 * 1024);

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'journal-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function idsIn(journalFolder: string): string[] {
  return readJournal(journalFolder).records.map((record) =>
    record.kind === 'intent' ? record.requestId : record.usage.request_id,
  );
}

function intend(journal: Journal, requestId: string): Promise<Segment> {
  return new Promise((resolve, reject) =>
    journal.intend(intentOf(requestId), (where) => (where instanceof Error ? reject(where) : resolve(where))),
  );
}

test('a write that failed in the middle of a line harms no record before or after it, and leaves none of its own', () => {
  const told = execFileSync('sh', ['-c', 'ulimit -f 8; exec "$0" "$1" "$2"', process.execPath, WRITER, folder]);
  const { folder: journalFolder, written, failed } = JSON.parse(told.toString());

  const { damagedLines } = readJournal(journalFolder);

  expect(damagedLines).toBe(0);
  expect(idsIn(journalFolder)).toEqual(written);
  expect(written).not.toContain(failed);
});

test('a settlement whose file could not be synced is durable in another, and nothing is written to the first again', async () => {
  const journal = new Journal(folder, newId());
  const first = await intend(journal, newId());
  closeSync(first.fd);
  expect(openSync('/dev/null', 'a')).toBe(first.fd); // takes every write, and no fdatasync

  const requestId = newId();
  const second = await journal.spill([spilledOf(requestId)]);
  const third = await intend(journal, newId());

  expect(readFileSync(second.path, 'utf8')).toContain(requestId);
  expect(third).toBe(second);
  expect(first.open).toBe(1);
});

test('an intent is held by the file that it stands in, also when another was begun in the same turn', async () => {
  const journal = new Journal(folder, newId());
  await journal.spill([
    { ...spilledOf(newId()), attempts: [], usage: { ...spilledOf(newId()).usage, model_id: MORE_THAN_A_SEGMENT } },
  ]);
  const requestId = newId();

  const intended = intend(journal, requestId);
  await journal.spill([spilledOf(newId())]);
  const segment = await intended;

  expect(readFileSync(segment.path, 'utf8')).toContain(requestId);
  expect(segment.open).toBe(2);
});

test('half a line at the end of the last file is what a kill leaves, at the end of another it is damage', () => {
  const [first, second] = [newId(), newId()];
  writeFileSync(join(folder, '00000001.journal'), toLine(spilledOf(first)));
  writeFileSync(join(folder, '00000002.journal'), `${toLine(spilledOf(second))}1234abcd {"kind":"spil`);
  expect(readJournal(folder).damagedLines).toBe(0);

  appendFileSync(join(folder, '00000001.journal'), '1234abcd {"kind":"spil');

  expect(readJournal(folder).damagedLines).toBe(1);
  expect(idsIn(folder)).toEqual([first, second]);
});
