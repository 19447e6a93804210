// The figures of the bench of backups under the names that they have in bench/out/backups.json, and the bars that they are held against. Pure.
import { atLeast, atMost, type Line } from '../table.ts';

export interface Latencies {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly requests: number;
  readonly errors: number;
}

/** What goes on while customers ask. */
export const JOBS = ['dump', 'restoreAndVerify', 'reseal'] as const;
export type Job = (typeof JOBS)[number];

export interface BackupFigures {
  readonly box: Readonly<Record<string, string | number>>;
  readonly dumpSeconds: number;
  readonly restoreAndVerifySeconds: number;
  readonly peakRssMb: number;
  /** Of that, the worker's part. */
  readonly workerRssMb: number;
  readonly resealPerSecond: number;
  readonly before: Latencies;
  readonly meanwhile: { readonly [J in Job]: Latencies };
}

/** Held against the job that customers feel most. */
export function backupLines(figures: BackupFigures): Line[] {
  const { before, meanwhile, dumpSeconds, restoreAndVerifySeconds, peakRssMb, resealPerSecond } = figures;
  const all = JOBS.map((job) => meanwhile[job]);
  const p50Ratio = hundredths(Math.max(...all.map(({ p50Ms }) => p50Ms / before.p50Ms)));
  const p99Ratio = hundredths(Math.max(...all.map(({ p99Ms }) => p99Ms / before.p99Ms)));
  const errors = [before, ...all].reduce((total, one) => total + one.errors, 0);
  const line = (name: string, value: number, bar: Line['bar'] = null): Line => ({ name, value, beside: null, bar });
  return [
    line('dumpSeconds', dumpSeconds, atMost(dumpSeconds, 300)),
    line('restoreAndVerifySeconds', restoreAndVerifySeconds, atMost(restoreAndVerifySeconds, 900)),
    line('peakRssMb', peakRssMb, atMost(peakRssMb, 256)),
    line('workerRssMb', figures.workerRssMb),
    line('resealPerSecond', resealPerSecond, atLeast(resealPerSecond, 2_000)),
    ...latencyLines('before', before),
    ...JOBS.flatMap((job) => latencyLines(`meanwhile.${job}`, meanwhile[job])),
    line('p50Ratio', p50Ratio, atMost(p50Ratio, 1.5)),
    line('p99Ratio', p99Ratio, atMost(p99Ratio, 5)),
    line('errors', errors, atMost(errors, 0)),
  ];
}

function latencyLines(name: string, { p50Ms, p99Ms, requests }: Latencies): Line[] {
  const line = (of: string, value: number): Line => ({ name: `${name}.${of}`, value, beside: null, bar: null });
  return [line('p50Ms', p50Ms), line('p99Ms', p99Ms), line('requests', requests)];
}

/** Up, so that a bar that is missed by little is missed. */
function hundredths(ratio: number): number {
  return Math.ceil(ratio * 100) / 100;
}
