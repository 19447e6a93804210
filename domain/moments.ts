// Instants in milliseconds of UTC, where several may be the next one or none.

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** Null: there is none. */
export function dateOf(atMs: number | null): Date | null {
  return atMs === null ? null : new Date(atMs);
}

/** Null: there is none. */
export function earliest(moments: readonly (number | null)[]): number | null {
  const known = moments.filter((atMs) => atMs !== null);
  return known.length === 0 ? null : Math.min(...known);
}

/** The earliest that is still ahead; null: there is none. */
export function earliestAfter(nowMs: number, moments: readonly (number | null)[]): number | null {
  return earliest(moments.filter((atMs) => atMs !== null && atMs > nowMs));
}
