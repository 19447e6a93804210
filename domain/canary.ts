// Whether a new key of a channel serves as well as the one that it replaces, by what became of their attempts. Whole numbers alone; whoever asks
// has counted. No errors in no attempts says nothing, and what the old key does as badly says nothing of the new one.

/** Of attempts that say something of a key: neither a client's mistake nor a client that left. */
export interface Tally {
  readonly attempts: number;
  /** 401 or 403. */
  readonly refused: number;
  /** 429. */
  readonly limited: number;
  /** All else that is the provider's. */
  readonly failed: number;
}

/** So many attempts on the new key end a stage. */
export const ENOUGH_ATTEMPTS = 100;
/** Where no more can be paid for, these must do. */
export const FEWEST_ATTEMPTS = 10;
/** So many bad ones need not wait for the hundredth. */
const BAD_SOONER = 10;
/** The old key is asked, too, before it is said to do better. */
export const OLD_ATTEMPTS = 10;
/** How much worse than the other is worse: twice its share, and five in a hundred. */
const TWICE = 2;
const MORE_PER_HUNDRED = 5;

export const NO_ATTEMPTS: Tally = { attempts: 0, refused: 0, limited: 0, failed: 0 };

export function together(one: Tally, other: Tally): Tally {
  return {
    attempts: one.attempts + other.attempts,
    refused: one.refused + other.refused,
    limited: one.limited + other.limited,
    failed: one.failed + other.failed,
  };
}

/** too_few: nothing can be said yet. unknown: ask the old key. shared: both do badly, which is not the new one's fault. */
export type Verdict = 'refused' | 'worse' | 'shared' | 'unknown' | 'good' | 'too_few';

export interface Judged {
  readonly fresh: Tally;
  readonly old: Tally;
  /** The old key before there was another. */
  readonly baseline: Tally;
  /** Attempts that are enough; fewer than ENOUGH_ATTEMPTS only where no more can be had. */
  readonly enough: number;
}

export function verdictOn({ fresh, old, baseline, enough }: Judged): Verdict {
  if (fresh.refused > 0) return 'refused';
  const isWorse = worseThan(fresh, baseline);
  const isClear = fresh.attempts >= enough || (isWorse && fresh.failed + fresh.limited >= BAD_SOONER);
  if (!isClear) return 'too_few';
  if (!isWorse) return 'good';
  if (old.attempts < OLD_ATTEMPTS) return 'unknown';
  return worseThan(fresh, old) ? 'worse' : 'shared';
}

/** By failures, or by being limited, each for itself. */
function worseThan(one: Tally, other: Tally): boolean {
  return (
    isMore([one.failed, one.attempts], [other.failed + other.refused, other.attempts]) ||
    isMore([one.limited, one.attempts], [other.limited, other.attempts])
  );
}

type Share = readonly [part: number, whole: number];

/** Over a common denominator, so that no division rounds. Of nothing the share is none. */
function isMore([part, whole]: Share, [otherPart, otherWhole]: Share): boolean {
  if (whole === 0) return false;
  if (otherWhole === 0) return part * 100 > MORE_PER_HUNDRED * whole;
  return part * 100 * otherWhole > (TWICE * 100 * otherPart + MORE_PER_HUNDRED * otherWhole) * whole;
}
