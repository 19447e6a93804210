// TOLLGATE_HOME: everything that one installation keeps. One launcher at a time works in it.
// The lock is a lock of the kernel (SQLite holds it on a file): it ends with its process, so it is never stale.
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as wait } from 'node:timers/promises';
import { replaceFile } from './atomic-file.ts';
import { type GroupLeader, isAlive, leaderOf } from './process-group.ts';

const POLL_MS = 100;
const SQLITE_BUSY = 5;

/** What every part needs to know of the start it belongs to. */
export interface Launch {
  readonly home: string;
  readonly checkout: string;
  /** One progress line. */
  say(part: string, text: string): void;
  /** Aborted when the launcher is told to stop: what waits gives up. */
  readonly interrupted: AbortSignal;
}

export interface HomeLock {
  leave(): void;
}

type Work = 'start' | 'sweep';

interface Occupant extends GroupLeader {
  readonly work: Work;
}

export function homeFolder(): { home: string; checkout: string } {
  const checkout = resolve(import.meta.dirname, '../..');
  return { home: resolve(checkout, process.env.TOLLGATE_HOME || '.tollgate'), checkout };
}

/** A sweep that is under way is waited for; another launcher is not. */
export async function moveIn({ home, say, interrupted }: Launch): Promise<HomeLock> {
  for (let isFirstTry = true; ; isFirstTry = false) {
    const lock = occupy(home, 'start');
    if (lock !== null) return lock;
    const occupant = occupantOf(home);
    if (occupant?.work === 'start' && isAlive(occupant)) {
      throw new Error(
        `another start (process ${occupant.pid}) is running in ${home}: stop it, or set TOLLGATE_HOME to another folder`,
      );
    }
    if (isFirstTry) say('launcher', 'waiting for the parts of an earlier start to stop');
    await wait(POLL_MS, undefined, { signal: interrupted });
  }
}

/** Null when another process works there. */
export function occupy(home: string, work: Work): HomeLock | null {
  for (const folder of ['logs', 'run', 'journal', 'demo', 'stripe']) mkdirSync(join(home, folder), { recursive: true });
  const database = new DatabaseSync(join(home, 'launcher.lock'));
  try {
    database.exec('begin exclusive');
  } catch (error) {
    database.close();
    if (isBusy(error)) return null;
    throw error;
  }
  const occupant: Occupant = { ...leaderOf(process.pid), work };
  replaceFile(occupantFile(home), `${JSON.stringify(occupant)}\n`, 0o644);
  return { leave: () => database.close() };
}

function isBusy(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'errcode' in error && error.errcode === SQLITE_BUSY;
}

function occupantOf(home: string): Occupant | null {
  return existsSync(occupantFile(home)) ? (JSON.parse(readFileSync(occupantFile(home), 'utf8')) as Occupant) : null;
}

function occupantFile(home: string): string {
  return join(home, 'launcher.json');
}
