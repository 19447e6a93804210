// How many clients a gateway has at this moment, from what the kernel says of its sockets (proc(5)). The driver's callers ask again as
// soon as they are answered, so nearly every connection of theirs is a request under way.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

const ESTABLISHED = '01';

/** Established connections of this process to one of these local ports; 0 of one that is gone. */
export function clientConnections(pid: number, ports: ReadonlySet<number>): number {
  const own = socketsOf(pid);
  return readFileSync('/proc/net/tcp', 'latin1')
    .split('\n')
    .slice(1)
    .filter((line) => {
      const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
      return state === ESTABLISHED && ports.has(Number.parseInt(local.split(':')[1] ?? '', 16)) && own.has(inode);
    }).length;
}

function socketsOf(pid: number): Set<string> {
  const inodes = new Set<string>();
  try {
    for (const file of readdirSync(`/proc/${pid}/fd`)) {
      const inode = /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/${pid}/fd/${file}`))?.[1];
      if (inode !== undefined) inodes.add(inode);
    }
  } catch {
    return new Set(); // it is being killed all the time
  }
  return inodes;
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ''; // closed while we looked
  }
}
