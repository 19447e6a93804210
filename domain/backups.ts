// The course of a backup and of a drill, and which backups are kept. A backup counts when it was restored, so nothing that proves itself later
// or never stands in for it: nothing is removed before the newest is proven and enough others are.

export type BackupStage = 'dumping' | 'verifying' | 'pruning' | 'attention' | 'completed' | 'dismissed';
export type DrillStage = 'restoring' | 'attention' | 'completed' | 'dismissed';

/** What happened to it. `failed`: it cannot go on without a person. */
export type BackupNews = 'dumped' | 'proven' | 'pruned' | 'failed' | 'retryNow' | 'dismiss';
export type DrillNews = 'proven' | 'failed' | 'retryNow' | 'dismiss';

/** Null: at this stage that is nobody's news. What was proven is not taken again, only what followed it. */
export function backupAfter(stage: BackupStage, isProven: boolean, news: BackupNews): BackupStage | null {
  if (stage === 'attention' && news === 'retryNow') return isProven ? 'pruning' : 'dumping';
  return BACKUP_COURSE[stage][news] ?? null;
}

/** Null: at this stage that is nobody's news. */
export function drillAfter(stage: DrillStage, news: DrillNews): DrillStage | null {
  return DRILL_COURSE[stage][news] ?? null;
}

const BACKUP_COURSE: Readonly<Record<BackupStage, { readonly [N in BackupNews]?: BackupStage }>> = {
  dumping: { dumped: 'verifying', failed: 'attention' },
  verifying: { proven: 'pruning', failed: 'attention' },
  pruning: { pruned: 'completed', failed: 'attention' },
  attention: { dismiss: 'dismissed' },
  completed: {},
  dismissed: {},
};

const DRILL_COURSE: Readonly<Record<DrillStage, { readonly [N in DrillNews]?: DrillStage }>> = {
  restoring: { proven: 'completed', failed: 'attention' },
  attention: { retryNow: 'restoring', dismiss: 'dismissed' },
  completed: {},
  dismissed: {},
};

export interface StoredBackup {
  readonly name: string;
  readonly takenAtMs: number;
  readonly isProven: boolean;
}

const DAY_MS = 86_400_000;
const DAYS_KEPT = 7;
const WEEKS_KEPT = 4;
const MONTHS_KEPT = 6;
/** Fewer good ones than these are never made fewer. */
const GOOD_ONES = 3;
/** 1970 began with a Thursday. */
const DAYS_SINCE_MONDAY = 3;

/** Names of those that may go: older than a week, and neither the newest good one of one of the last weeks nor of one of the last months. */
export function superfluous(stored: readonly StoredBackup[], nowMs: number): string[] {
  const newestFirst = stored.toSorted((a, b) => b.takenAtMs - a.takenAtMs);
  if (newestFirst[0]?.isProven !== true) return [];
  const good = newestFirst.filter(({ isProven }) => isProven);
  const kept = new Set([
    ...newestFirst.filter(({ takenAtMs }) => nowMs - takenAtMs < DAYS_KEPT * DAY_MS),
    ...newestOfEach(good, weekOf, weekOf(nowMs) - WEEKS_KEPT),
    ...newestOfEach(good, monthOf, monthOf(nowMs) - MONTHS_KEPT),
    ...good.slice(0, GOOD_ONES),
  ]);
  return newestFirst.filter((backup) => !kept.has(backup)).map(({ name }) => name);
}

/** Of those after a time that is counted in weeks or months. */
function newestOfEach(
  newestFirst: readonly StoredBackup[],
  spanOf: (ms: number) => number,
  after: number,
): StoredBackup[] {
  const spans = new Map<number, StoredBackup>();
  for (const backup of newestFirst) {
    const span = spanOf(backup.takenAtMs);
    if (span > after && !spans.has(span)) spans.set(span, backup);
  }
  return [...spans.values()];
}

function weekOf(ms: number): number {
  return Math.floor((Math.floor(ms / DAY_MS) + DAYS_SINCE_MONDAY) / DAYS_KEPT);
}

function monthOf(ms: number): number {
  const date = new Date(ms);
  return date.getUTCFullYear() * 12 + date.getUTCMonth();
}
