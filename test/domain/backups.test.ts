// Which backups are kept, over a year of nights, and that a backup goes through its stages in order.
import { expect, test } from '@jest/globals';
import { backupAfter, drillAfter, type StoredBackup, superfluous } from '../../domain/backups.ts';

const DAY_MS = 86_400_000;
const FIRST_NIGHT_MS = Date.UTC(2026, 0, 1, 2, 10);

const night = (number: number, isProven = true): StoredBackup => ({
  name: `night-${number}`,
  takenAtMs: FIRST_NIGHT_MS + number * DAY_MS,
  isProven,
});

/** One backup a night, and what may go removed after each. */
function afterNights(nights: number): StoredBackup[] {
  let stored: StoredBackup[] = [];
  for (let number = 0; number < nights; number += 1) {
    stored.push(night(number));
    const gone = new Set(superfluous(stored, night(number).takenAtMs));
    stored = stored.filter(({ name }) => !gone.has(name));
  }
  return stored;
}

test('after a year there are seven days, four weeks and six months of backups, and no more', () => {
  const ages = afterNights(365).map(({ takenAtMs }) => (night(364).takenAtMs - takenAtMs) / DAY_MS);

  expect(ages.filter((age) => age < 7)).toEqual([6, 5, 4, 3, 2, 1, 0]);
  const [oldest = 0] = ages;
  expect(oldest).toBeGreaterThan(120);
  expect(oldest).toBeLessThan(184);
  expect(ages.length).toBeGreaterThanOrEqual(7 + 2 + 4);
  expect(ages.length).toBeLessThanOrEqual(7 + 4 + 6);
});

test('nothing is removed while the newest is not proven, nor below three good ones', () => {
  const old = [night(0), night(1), night(2), night(3)];

  expect(superfluous([...old, night(300, false)], night(300).takenAtMs)).toEqual([]);
  expect(superfluous([...old, night(300)], night(300).takenAtMs)).toEqual(['night-1', 'night-0']);
});

test('one that never proved itself keeps no place: after a week it goes', () => {
  const stored = [night(0, false), ...[7, 8, 9].map((number) => night(number))];

  expect(superfluous(stored, night(9).takenAtMs)).toEqual(['night-0']);
});

test('a backup is dumped, proven, and only then are others removed; what failed waits for a person', () => {
  expect(backupAfter('dumping', false, 'dumped')).toBe('verifying');
  expect(backupAfter('verifying', false, 'proven')).toBe('pruning');
  expect(backupAfter('pruning', true, 'pruned')).toBe('completed');
  expect(backupAfter('verifying', false, 'failed')).toBe('attention');
  expect(backupAfter('attention', false, 'retryNow')).toBe('dumping');
  expect(backupAfter('attention', true, 'retryNow')).toBe('pruning');
  expect(backupAfter('attention', false, 'dismiss')).toBe('dismissed');
  expect(backupAfter('dumping', false, 'proven')).toBeNull();
  expect(backupAfter('completed', true, 'retryNow')).toBeNull();
  expect(drillAfter('restoring', 'failed')).toBe('attention');
  expect(drillAfter('attention', 'retryNow')).toBe('restoring');
  expect(drillAfter('completed', 'dismiss')).toBeNull();
});
