// The calendar of backups: whole weeks up to today, each day with the worst that became of it.
import { expect, test } from '@jest/globals';
import { backupDays, type DatedBackup, newestProven } from '../../console/src/backup-days.ts';
import { spokenSize, spokenSpan } from '../../console/src/measures.ts';

/** A Monday. */
const NOW_MS = Date.parse('2026-11-30T12:00:00Z');

function backup(name: string, more: Partial<DatedBackup> = {}): DatedBackup {
  const moments = { openedAt: `${name}T02:10:00Z`, takenAt: `${name}T02:10:05Z`, provenAt: `${name}T02:11:00Z` };
  return { name, kind: 'nightly', stage: 'completed', ...moments, removedAt: null, bytes: 1_000, ...more };
}

test('a week begins with its Monday and goes as far as today', () => {
  const days = backupDays([], 2, NOW_MS).map(({ day }) => day);
  expect([days[0], days.at(-1), days.length]).toEqual(['2026-11-23', '2026-11-30', 8]);
});

test('what failed on a day is not made up for by another one, and a night belongs to the day that it is named after', () => {
  const late = backup('2026-11-29', { openedAt: '2026-11-30T03:00:00Z' });
  const failed = backup('by-hand-1', { kind: 'by_hand', openedAt: '2026-11-29T09:00:00Z', stage: 'attention' });
  const days = backupDays([late, failed, backup('2026-11-28', { removedAt: '2026-11-30T00:00:00Z' })], 2, NOW_MS);

  const told = Object.fromEntries(days.map(({ day, became, backups }) => [day, [became, backups.length]]));
  expect(told).toMatchObject({ '2026-11-28': ['gone', 1], '2026-11-29': ['failed', 2], '2026-11-30': ['none', 0] });
});

test('the newest proven one is the newest that is there', () => {
  const gone = backup('2026-11-29', { removedAt: '2026-11-30T00:00:00Z' });
  const unproven = backup('2026-11-30', { provenAt: null, stage: 'verifying' });
  expect(newestProven([unproven, gone, backup('2026-11-28')])?.name).toBe('2026-11-28');
  expect(newestProven([unproven, gone])).toBeNull();
});

test('sizes and spans are told in the unit in which they are small numbers', () => {
  expect([0, 999, 1_234_567, 45_600_000_000].map((bytes) => spokenSize(bytes, 'en'))).toEqual([
    ...['0 byte', '999 byte', '1.2 MB', '46 GB'],
  ]);
  expect([400, 61_000, 7_200_000].map((ms) => spokenSpan(ms, 'en'))).toEqual(['0.4 sec', '1 min', '2 hr']);
});
