// A pid alone names nobody: pids are used again. pid + start time names one process for ever, to whoever shares its pids.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, sep } from 'node:path';

/**
 * Who can see this process by its pid: the host, since its last boot, and on Linux within one pid namespace. Containers may have
 * equal host names and see nothing of each other; to each the other's processes would look dead.
 */
export function pidSpace(): string {
  if (process.platform !== 'linux') return hostname();
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  return `${hostname()} ${boot} ${readlinkSync('/proc/self/ns/pid')}`;
}

/**
 * When the process started, as its host tells it (opaque, for comparison only); null when there is no such process.
 * @throws what keeps the host from telling
 */
export function processStartedAt(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The command name may hold spaces and parentheses: fields are counted from the last ')'. Field 3 is the state, 22 the start.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? null : (fields[19] ?? null);
  } catch (error) {
    if (process.platform !== 'linux') return startedAtByPs(pid);
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return null;
    throw error; // no file descriptor left, say: that tells nothing about the other process
  }
}

export function isSameProcessAlive(pid: number, startedAt: string): boolean {
  return processStartedAt(pid) === startedAt;
}

function startedAtByPs(pid: number): string | null {
  const { stdout } = spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' });
  return stdout.trim() || null;
}

/** Some process that can be seen from here has a file of that folder open. */
export function isFolderInUse(folder: string): boolean {
  if (process.platform !== 'linux') return spawnSync('lsof', ['-t', '+D', folder]).stdout.length > 0;
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.some((pid) => {
    const open = join('/proc', pid, 'fd');
    const fds = unlessGone(() => readdirSync(open)) ?? [];
    return fds.some((fd) => unlessGone(() => readlinkSync(join(open, fd)))?.startsWith(folder + sep) === true);
  });
}

/** Null: of a process, or a file, that has just gone, or is somebody else's. */
function unlessGone<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}
