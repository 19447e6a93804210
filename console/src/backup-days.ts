// Backups by the days that they are of, and what became of each day, as a calendar shows it. Days are those of UTC, as nights are named.

/** As the API tells it. */
export interface DatedBackup {
  readonly name: string;
  readonly kind: 'nightly' | 'by_hand';
  readonly stage: string;
  readonly openedAt: string;
  readonly takenAt: string | null;
  readonly provenAt: string | null;
  readonly removedAt: string | null;
  readonly bytes: number | null;
}

/** proven: there is one that was restored. failed: one waits for a person, or was left unproven. gone: it made room for others. none: nothing was taken. */
export type Became = 'proven' | 'running' | 'failed' | 'gone' | 'none';

export interface BackupDay<B extends DatedBackup> {
  /** 2026-11-30 */
  readonly day: string;
  readonly became: Became;
  /** Newest first. */
  readonly backups: readonly B[];
  /** Of the newest that is there. */
  readonly bytes: number | null;
}

const DAY_MS = 86_400_000;
const DAYS_OF_WEEK = 7;
/** 1970 began with a Thursday. */
const DAYS_SINCE_MONDAY = 3;

/** Whole weeks from Monday on, the last of them the one of now; as far as today. */
export function backupDays<B extends DatedBackup>(backups: readonly B[], weeks: number, nowMs: number): BackupDay<B>[] {
  const today = Math.floor(nowMs / DAY_MS);
  const monday = today - ((today + DAYS_SINCE_MONDAY) % DAYS_OF_WEEK);
  const first = monday - (weeks - 1) * DAYS_OF_WEEK;
  return Array.from({ length: today - first + 1 }, (_, at) => {
    const day = new Date((first + at) * DAY_MS).toISOString().slice(0, 10);
    const ofDay = backups.filter((backup) => dayOf(backup) === day);
    return { day, became: becameOf(ofDay), backups: ofDay, bytes: ofDay.find(isThere)?.bytes ?? null };
  });
}

/** A night's is named after it, also where it was taken late. */
function dayOf({ kind, name, openedAt }: DatedBackup): string {
  return kind === 'nightly' ? name : openedAt.slice(0, 10);
}

function becameOf(backups: readonly DatedBackup[]): Became {
  const all = backups.map(stateOf);
  // What waits for a person is not made up for by another one.
  return (['failed', 'running', 'proven', 'gone'] as const).find((one) => all.includes(one)) ?? 'none';
}

export function stateOf({ stage, provenAt, removedAt }: DatedBackup): Exclude<Became, 'none'> {
  if (stage === 'attention') return 'failed';
  if (stage !== 'completed' && stage !== 'dismissed') return 'running';
  if (removedAt !== null) return 'gone';
  return provenAt === null ? 'failed' : 'proven';
}

function isThere({ bytes, removedAt }: DatedBackup): boolean {
  return bytes !== null && removedAt === null;
}

/** By the moment that it is of. Null: nothing proven is there. */
export function newestProven<B extends DatedBackup>(backups: readonly B[]): B | null {
  const proven = backups.filter(
    ({ provenAt, takenAt, removedAt }) => provenAt !== null && takenAt !== null && removedAt === null,
  );
  return proven.toSorted((a, b) => Date.parse(b.takenAt ?? '') - Date.parse(a.takenAt ?? ''))[0] ?? null;
}
