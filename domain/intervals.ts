// Spans of time that stop a clock: an outage, a charge whose end nobody knows, an extension. One span may cover others; each
// moment counts once.

export interface Interval {
  readonly fromMs: number;
  /** Not within it. Null: it goes on. */
  readonly toMs: number | null;
}

export function covers(intervals: readonly Interval[], atMs: number): boolean {
  return intervals.some(({ fromMs, toMs }) => fromMs <= atMs && atMs < (toMs ?? Number.POSITIVE_INFINITY));
}

/** The first moment from `atMs` on that none covers; null: one that goes on covers it. */
export function firstMomentOutside(intervals: readonly Interval[], atMs: number): number | null {
  let moment = atMs;
  for (const { fromMs, toMs } of inOrder(intervals)) {
    if (fromMs > moment) break;
    if (toMs === null) return null;
    moment = Math.max(moment, toMs);
  }
  return moment;
}

/** When a clock that stands still in every interval has run for `afterMs` since `startMs`; null: it stands still before. */
export function momentOnStoppedClock(startMs: number, afterMs: number, intervals: readonly Interval[]): number | null {
  let moment = startMs + afterMs;
  let countedToMs = startMs;
  for (const { fromMs, toMs } of inOrder(intervals)) {
    const stopsMs = Math.max(fromMs, countedToMs);
    if (stopsMs >= moment) break;
    if (toMs === null) return null;
    moment += Math.max(toMs - stopsMs, 0);
    countedToMs = Math.max(toMs, countedToMs);
  }
  return moment;
}

function inOrder(intervals: readonly Interval[]): Interval[] {
  return intervals.toSorted((a, b) => a.fromMs - b.fromMs);
}
