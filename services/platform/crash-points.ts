// Named places where a chaos campaign kills this process with SIGKILL. Unarmed (always, in production: the configuration
// refuses to arm them) a crash point is one comparison with null.
import { appendFileSync } from 'node:fs';

export const CRASH_POINTS = [
  'before-send',
  'mid-stream',
  'after-upstream-end',
  'before-commit',
  'in-commit',
  'after-commit',
  'before-last-byte',
  'in-recovery',
  'in-spill',
  'in-replay',
] as const;
export type CrashPoint = (typeof CRASH_POINTS)[number];

/** Passing the point for the nth time kills the process; what passes is counted per process. */
export type ArmedCrashPoints = { readonly [P in CrashPoint]?: number };

let armed: Map<CrashPoint, number> | null = null;
let logFile: string | null = null;

export function armCrashPoints(points: ArmedCrashPoints, crashLog: string | null): void {
  armed = new Map(CRASH_POINTS.flatMap((point) => (points[point] === undefined ? [] : [[point, points[point]]])));
  logFile = crashLog;
}

export function crashPoint(point: CrashPoint): void {
  if (armed !== null) passArmed(armed, point);
}

function passArmed(points: Map<CrashPoint, number>, point: CrashPoint): void {
  const left = points.get(point);
  if (left === undefined) return;
  points.set(point, left - 1);
  if (left > 1) return;
  if (logFile !== null) appendFileSync(logFile, `${JSON.stringify({ point, pid: process.pid, atMs: Date.now() })}\n`);
  process.kill(process.pid, 'SIGKILL');
}
