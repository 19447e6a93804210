// Ends a process and everything that it has started: asked first, killed after the grace. Nothing of the group survives.
// The leader is known by pid and start time; a group outlives its leader, and its number stays taken meanwhile.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { isSameProcessAlive, processStartedAt } from '../../services/incarnations/process-identity.ts';

const POLL_MS = 25;
const KILL_MS = 10_000;

export interface GroupLeader {
  readonly pid: number;
  readonly startedAt: string;
}

export function leaderOf(pid: number): GroupLeader {
  return { pid, startedAt: processStartedAt(pid) ?? 'ended at once' };
}

export function isAlive({ pid, startedAt }: GroupLeader): boolean {
  return isSameProcessAlive(pid, startedAt);
}

export async function stopGroup(leader: GroupLeader, signal: NodeJS.Signals, graceMs: number): Promise<void> {
  if (isAlive(leader)) send(leader.pid, signal);
  const askedAtMs = performance.now();
  let areOrphansTold = false;
  while (hasMembers(leader)) {
    const waitedMs = performance.now() - askedAtMs;
    if (waitedMs > graceMs + KILL_MS) throw new Error(`process group ${leader.pid} does not die, even by SIGKILL`);
    if (waitedMs > graceMs) send(-leader.pid, 'SIGKILL');
    if (!areOrphansTold && !isAlive(leader)) {
      send(-leader.pid, 'SIGTERM');
      areOrphansTold = true;
    }
    await wait(POLL_MS);
  }
}

/** A living process of the leader's number with another start time leads another group: ours is gone. */
function hasMembers(leader: GroupLeader): boolean {
  if (isAlive(leader)) return true;
  if (processStartedAt(leader.pid) !== null) return false;
  return process.platform === 'linux' ? hasMembersInProc(leader.pid) : hasMembersInPs(leader.pid);
}

function hasMembersInProc(group: number): boolean {
  return readdirSync('/proc').some((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
      // proc(5): state, parent and group follow the name, which stands in brackets and may hold anything.
      const [state, , groupOfPid] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return state !== 'Z' && Number(groupOfPid) === group;
    } catch {
      return false; // it ended while the list was read
    }
  });
}

function hasMembersInPs(group: number): boolean {
  const table = execFileSync('ps', ['-axo', 'pgid=,stat='], { encoding: 'utf8' });
  return table.split('\n').some((line) => new RegExp(`^\\s*${group}\\s+[^Z]`).test(line));
}

function send(target: number, signal: NodeJS.Signals): void {
  try {
    process.kill(target, signal);
  } catch (error) {
    if (!(typeof error === 'object' && error !== null && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
