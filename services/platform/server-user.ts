// PostgreSQL refuses to run as root: there it runs as `nobody`, who exists on every machine.
// That user must be able to walk to what it reads, and a checkout under /root is closed to it.
import { execFileSync, spawnSync } from 'node:child_process';

export interface ServerUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** Null when nobody here is root: servers run as ourselves. */
export function serverUser(): ServerUser | null {
  if (process.getuid?.() !== 0) return null;
  const idOf = (flag: string) => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }));
  return { name: 'nobody', uid: idOf('-u'), gid: idOf('-g') };
}

export function canEnter(folder: string, user: ServerUser | null): boolean {
  if (user === null) return true;
  const { uid, gid } = user;
  return spawnSync('/bin/sh', ['-c', 'cd "$1"', 'sh', folder], { uid, gid, cwd: '/', stdio: 'ignore' }).status === 0;
}
