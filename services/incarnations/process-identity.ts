// A pid alone names nobody: pids are used again. pid + start time names one process for ever on its host.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** When the process started, as its host tells it (opaque, for comparison only); null when there is no such process. */
export function processStartedAt(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The command name may hold spaces and parentheses: fields are counted from the last ')'. Field 3 is the state, 22 the start.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? null : (fields[19] ?? null);
  } catch {
    return process.platform === 'linux' ? null : startedAtByPs(pid);
  }
}

export function isSameProcessAlive(pid: number, startedAt: string): boolean {
  return processStartedAt(pid) === startedAt;
}

function startedAtByPs(pid: number): string | null {
  const { stdout } = spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' });
  return stdout.trim() || null;
}
