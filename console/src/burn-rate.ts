// How fast credit is used up, by the latest requests: those of a week, or where there are more than one answer holds, of the time that it reaches back.
const BURN_DAYS = 7;
const DAY_MS = 24 * 3_600_000;

interface Charged {
  readonly chargeNano: string;
  readonly admittedAt: string;
}

interface Latest {
  /** Newest first. */
  readonly data: readonly Charged[];
  /** Null: these are all of the week. */
  readonly nextCursor: string | null;
}

export function beginningOfBurn(nowMs: number): string {
  return new Date(nowMs - BURN_DAYS * DAY_MS).toISOString();
}

/** In nano-USD. */
export function burnPerDay({ data, nextCursor }: Latest, nowMs: number): string {
  const spent = data.reduce((sum, { chargeNano }) => sum + BigInt(chargeNano), 0n);
  const oldest = data.at(-1);
  const reachMs =
    nextCursor === null || oldest === undefined ? BURN_DAYS * DAY_MS : nowMs - Date.parse(oldest.admittedAt);
  return ((spent * BigInt(DAY_MS)) / BigInt(Math.max(1, reachMs))).toString();
}

/** Null: nothing is used, so it does not end. */
export function daysLeft(availableNano: string, perDayNano: string): number | null {
  if (BigInt(perDayNano) <= 0n) return null;
  const left = BigInt(availableNano) / BigInt(perDayNano);
  return left < 0n ? 0 : Number(left);
}
