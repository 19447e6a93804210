// Requests or tokens per sliding minute, in two counters: the last clock minute fades out while this one fills up.
// No clock minute ever admits more than the rate, and comparisons are made in whole unit-milliseconds, so that resetMs
// is the exact millisecond at which wouldExceed turns false.

export interface RateWindow {
  readonly minute: number;
  readonly current: number;
  readonly previous: number;
}

const MINUTE_MS = 60_000;

export function newRateWindow(nowMs: number): RateWindow {
  return { minute: Math.floor(nowMs / MINUTE_MS), current: 0, previous: 0 };
}

export function wouldExceed(window: RateWindow, nowMs: number, units: number, perMinute: number): boolean {
  return usedUnitMs(window, nowMs) + units * MINUTE_MS > perMinute * MINUTE_MS;
}

/**
 * Negative units give back what an estimate took too much (T74). They come off this minute first and then off the last,
 * where the estimate may have been counted; never below zero.
 */
export function counted(window: RateWindow, nowMs: number, units: number): RateWindow {
  const { minute, current, previous } = rolled(window, nowMs);
  const after = current + units;
  return { minute, current: Math.max(after, 0), previous: Math.max(previous + Math.min(after, 0), 0) };
}

/** The weighted count, rounded up: what the caller has used of the sliding minute. */
export function estimate(window: RateWindow, nowMs: number): number {
  return Math.ceil(usedUnitMs(window, nowMs) / MINUTE_MS);
}

export function remaining(window: RateWindow, nowMs: number, perMinute: number): number {
  return Math.max(perMinute - estimate(window, nowMs), 0);
}

/** Time until that many units fit if nobody counts more meanwhile; null when a whole minute's rate is too small. */
export function resetMs(window: RateWindow, nowMs: number, units: number, perMinute: number): number | null {
  if (units > perMinute) return null;
  if (!wouldExceed(window, nowMs, units, perMinute)) return 0;
  const { minute, current, previous } = rolled(window, nowMs);
  const room = perMinute - current - units;
  const fitsAtMs = room >= 0 ? fadedAtMs(previous, room) : MINUTE_MS + fadedAtMs(current, perMinute - units);
  return minute * MINUTE_MS + fitsAtMs - nowMs;
}

/** What two gateways counted of the same rate. Their clocks may stand on either side of the turn of a minute. */
export function together(a: RateWindow, b: RateWindow): RateWindow {
  const minute = Math.max(a.minute, b.minute);
  const [left, right] = [inMinute(a, minute), inMinute(b, minute)];
  return { minute, current: left.current + right.current, previous: left.previous + right.previous };
}

/** How far into a minute the count of the minute before it has faded to the given size. */
function fadedAtMs(previous: number, size: number): number {
  return previous <= size ? 0 : MINUTE_MS - Math.floor((size * MINUTE_MS) / previous);
}

function usedUnitMs(window: RateWindow, nowMs: number): number {
  const { minute, current, previous } = rolled(window, nowMs);
  return previous * (MINUTE_MS - elapsedOf(minute, nowMs)) + current * MINUTE_MS;
}

function rolled(window: RateWindow, nowMs: number): RateWindow {
  return inMinute(window, Math.floor(nowMs / MINUTE_MS));
}

function inMinute(window: RateWindow, minute: number): RateWindow {
  if (minute <= window.minute) return window;
  return { minute, current: 0, previous: minute === window.minute + 1 ? window.current : 0 };
}

/** Gateway time is corrected at every renewal and may step back into the minute before. */
function elapsedOf(minute: number, nowMs: number): number {
  return Math.max(nowMs - minute * MINUTE_MS, 0);
}
