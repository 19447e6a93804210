// The arithmetic between windows and figures: medians, and the rule by which a window counts. Pure, so that it can be tested.

/** Above this the generator may be what is slow. */
export const MOST_GENERATOR_BUSY = 0.9;

/** One measured stretch of load on one subject. */
export interface Window {
  readonly completed: number;
  readonly failed: number;
  readonly firstFailure: number;
  readonly seconds: number;
  /** Of the subject per request, what was drained after the load included. */
  readonly cpuMicros: number;
  readonly postgresCpuMicros: number;
  /** Share of the generator's core, 0 to 1. */
  readonly generatorBusy: number;
  readonly events: number;
  readonly firstByteP50Micros: number;
  readonly p50Micros: number;
  readonly p99Micros: number;
}

/** Null: it counts. */
export function whyVoid({ completed, failed, firstFailure, generatorBusy }: Window): string | null {
  if (failed > 0) {
    const how = firstFailure > 0 ? ` (the first with ${firstFailure})` : '';
    return `${failed} of ${completed + failed} requests failed${how}`;
  }
  if (completed === 0) return 'no request was answered';
  if (generatorBusy > MOST_GENERATOR_BUSY) {
    return `the generator's core was ${(generatorBusy * 100).toFixed(1)} % busy`;
  }
  return null;
}

/** The subjects of one round, measured one right after the other. */
export type Round<Subject extends string> = { readonly [S in Subject]: Window };

export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('the median of nothing');
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[sorted.length >> 1] ?? 0;
  const lower = sorted[(sorted.length - 1) >> 1] ?? 0;
  return (upper + lower) / 2;
}

/** By nearest rank: the smallest of them that no more than a hundredth exceeds. */
export function p99(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('the 99th percentile of nothing');
  return values.toSorted((a, b) => a - b)[Math.ceil((values.length * 99) / 100) - 1] ?? Number.NaN;
}

export function medianOf<Subject extends string>(
  rounds: readonly Round<Subject>[],
  figure: (round: Round<Subject>) => number,
): number {
  return median(rounds.map(figure));
}

/** Microseconds to milliseconds, to the tenth of a microsecond. */
export function toMs(micros: number): number {
  return rounded(micros / 1000, 4);
}

export function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
