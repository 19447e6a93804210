// What was done within a window, and how much was open in it. Pure.

/** From when it may begin to when it is done. */
export interface Course {
  readonly dueAtMs: number;
  readonly doneAtMs: number;
}

export interface WindowCount {
  readonly perSecond: number;
  /** Due and not done, at any moment of it. */
  readonly fewestOpen: number;
  readonly mostOpen: number;
}

export function countWithin(courses: readonly Course[], fromMs: number, toMs: number): WindowCount {
  const isWithin = (atMs: number) => fromMs < atMs && atMs <= toMs;
  const moments = courses.flatMap(({ dueAtMs, doneAtMs }) => [dueAtMs, doneAtMs]).filter(isWithin);
  const open = [fromMs, ...moments].map(
    (atMs) => courses.filter(({ dueAtMs, doneAtMs }) => dueAtMs <= atMs && atMs < doneAtMs).length,
  );
  const done = courses.filter(({ doneAtMs }) => isWithin(doneAtMs)).length;
  return {
    perSecond: (done * 1_000) / (toMs - fromMs),
    fewestOpen: Math.min(...open),
    mostOpen: Math.max(...open),
  };
}

/** All of them, from the first that was due to the last that was done. */
export function pace(courses: readonly Course[]): number {
  const fromMs = Math.min(...courses.map(({ dueAtMs }) => dueAtMs));
  const toMs = Math.max(...courses.map(({ doneAtMs }) => doneAtMs));
  return (courses.length * 1_000) / (toMs - fromMs);
}
