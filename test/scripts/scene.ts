// What the launcher's tests stand on: a home of their own, a small real server as a part, and waiting for what must happen.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { homeFolder, type Launch } from '../../scripts/parts/home.ts';
import { whyClosed } from '../../scripts/parts/readiness.ts';
import type { ProcessPlan } from '../../scripts/parts/supervised-process.ts';

const LONGEST_WAIT_MS = 60_000;
const LOOK_AGAIN_MS = 20;
export const checkout = dirname(dirname(import.meta.dirname));

export interface Scene {
  readonly launch: Launch;
  /** Every progress line so far. */
  readonly said: string[];
  interrupt(): void;
  remove(): void;
}

export function newScene(): Scene {
  const home = mkdtempSync(join(tmpdir(), 'tollgate-home-'));
  chmodSync(home, 0o755); // as `npm start` makes it: open to the user who runs PostgreSQL when we are root
  const interruption = new AbortController();
  const said: string[] = [];
  return {
    launch: {
      home,
      checkout,
      say: (part, text) => said.push(`${part} ${text}`),
      interrupted: interruption.signal,
    },
    said,
    interrupt: () => interruption.abort(),
    remove: () => rmSync(home, { recursive: true, force: true }),
  };
}

/** Temporal's programs are fetched once for the checkout, not once for each home. */
export function shareFetchedPrograms({ launch }: Scene): void {
  const kept = join(homeFolder().home, 'programs');
  mkdirSync(kept, { recursive: true });
  symlinkSync(kept, join(launch.home, 'programs'));
}

export async function eventually(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const giveUpAtMs = performance.now() + LONGEST_WAIT_MS;
  while (!(await isSo())) {
    if (performance.now() > giveUpAtMs) throw new Error(`never happened: ${what}`);
    await wait(LOOK_AGAIN_MS);
  }
}

/** A part that listens on a port; `program` may do more, or refuse to. */
export function listener(part: string, port: number, program = ''): ProcessPlan {
  const listens = `require('node:net').createServer().listen(${port}, '127.0.0.1');`;
  return {
    part,
    command: process.execPath,
    args: ['-e', `${program}\n${listens}`],
    env: { PATH: process.env.PATH },
    folder: tmpdir(),
    user: null,
    input: null,
    stopSignal: 'SIGTERM',
    graceMs: 500,
    readyWithinMs: LONGEST_WAIT_MS,
    missing: () => whyClosed(port),
  };
}
