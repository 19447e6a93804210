// What the kernel says of processes and cores (proc(5)): the only source of every CPU and memory figure of the bench.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';

export const GENERATOR_CORE = 0;
export const SUBJECT_CORE = 1;

const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
const LOOK_MS = 100;
const QUIET_WITHIN_MS = 10_000;
const FORKS_WITHIN_MS = 10_000;

/** All threads, and those that they start later. Once more where one of them ended while it was being pinned: taskset gives up then. */
export function pinTo(core: number, pid: number, triesLeft = 5): void {
  try {
    execFileSync('taskset', ['-apc', String(core), String(pid)], { stdio: 'ignore' });
  } catch (error) {
    if (triesLeft === 0) throw error;
    pinTo(core, pid, triesLeft - 1);
  }
}

/** utime + stime of a process, all its threads, and its children, also those that have ended. */
export function cpuSecondsOf(pid: number): number {
  return treeOf(pid).reduce((total, member) => total + ticksOf(member), 0) / TICKS_PER_SECOND;
}

/** None for a process that has ended. */
export function childrenOf(pid: number): number[] {
  const task = `/proc/${pid}/task`;
  if (!existsSync(task)) return [];
  return readdirSync(task).flatMap((thread) =>
    read(`${task}/${thread}/children`).split(' ').filter(Boolean).map(Number),
  );
}

/** A server may listen before it has forked whoever will answer. @throws when it does not in ten seconds */
export async function firstChildOf(pid: number): Promise<number> {
  const deadlineMs = performance.now() + FORKS_WITHIN_MS;
  for (;;) {
    const [child] = childrenOf(pid);
    if (child !== undefined) return child;
    if (performance.now() > deadlineMs) throw new Error(`process ${pid} has no child`);
    await wait(LOOK_MS);
  }
}

function treeOf(pid: number): number[] {
  return [pid, ...childrenOf(pid).flatMap(treeOf)];
}

/** Fields 14 to 17 of stat: own time, and that of children that were waited for (where the time of an ended one has gone). */
function ticksOf(pid: number): number {
  return statOf(pid)
    .slice(11, 15)
    .reduce((total, field) => total + Number(field), 0);
}

export function parentOf(pid: number): number {
  return Number(statOf(pid)[1]);
}

/** From field 3 on: the name before it may hold anything. */
function statOf(pid: number): string[] {
  const stat = read(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/** Backends come and go while their server is looked at. */
function read(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH')) return '';
    throw error;
  }
}

export function residentBytesOf(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) * 1024;
}

export interface CoreTime {
  readonly busy: number;
  readonly total: number;
}

/** Ticks since boot. Time that the host took from us (steal) is busy time: it was not there to be used. */
export function coreTime(core: number): CoreTime {
  const line = new RegExp(`^cpu${core} (.+)$`, 'm').exec(readFileSync('/proc/stat', 'utf8'))?.[1] ?? '';
  const [user = 0, nice = 0, system = 0, idle = 0, ioWait = 0, irq = 0, softIrq = 0, steal = 0] = line
    .split(' ')
    .map(Number);
  const busy = user + nice + system + irq + softIrq + steal;
  return { busy, total: busy + idle + ioWait };
}

/** 0 to 1. */
export function busyShare(from: CoreTime, to: CoreTime): number {
  return to.total === from.total ? 0 : (to.busy - from.busy) / (to.total - from.total);
}

/** Resolves when the process has nothing left to do but its timers: at most one tick in a tenth of a second. */
export async function untilQuiet(pid: number): Promise<void> {
  const deadlineMs = performance.now() + QUIET_WITHIN_MS;
  for (let before = cpuSecondsOf(pid); performance.now() < deadlineMs; ) {
    await wait(LOOK_MS);
    const now = cpuSecondsOf(pid);
    if (now - before <= 0.011) return;
    before = now;
  }
  throw new Error(`process ${pid} still works ${QUIET_WITHIN_MS / 1000} s after its load has ended`);
}
