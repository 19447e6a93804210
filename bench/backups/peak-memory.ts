// What the jobs have in memory at most: at each look the resident sets of the worker and of every pg_dump and pg_restore that it has started, added up as
// the kernel tells them at that moment (proc(5)). Servers are apart, the one that is restored on as well.
import { readFileSync } from 'node:fs';
import { childrenOf, residentBytesOf } from '../machine.ts';

const LOOK_EVERY_MS = 100;
const OF_THE_JOB = new Set(['pg_dump', 'pg_restore']);

export interface PeakMemory {
  readonly totalBytes: number;
  /** At the same look. */
  readonly workerBytes: number;
}

export class MemoryWatch {
  readonly #workerPid: number;
  readonly #timer: NodeJS.Timeout;
  #peak: PeakMemory = { totalBytes: 0, workerBytes: 0 };
  /** It has died: a peak that stands still would look like a bar that is met. */
  #isGone = false;

  constructor(workerPid: number) {
    this.#workerPid = workerPid;
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
  }

  /** @throws Error where the worker did not live through all of it */
  end(): PeakMemory {
    clearInterval(this.#timer);
    if (this.#isGone) throw new Error('the worker died while its memory was watched');
    return this.#peak;
  }

  #look(): void {
    const workerBytes = residentOrGone(this.#workerPid);
    if (workerBytes === 0) this.#isGone = true;
    const programs = childrenOf(this.#workerPid).filter(isOfTheJob);
    const totalBytes = programs.reduce((total, pid) => total + residentOrGone(pid), workerBytes);
    if (totalBytes > this.#peak.totalBytes) this.#peak = { totalBytes, workerBytes };
  }
}

function isOfTheJob(pid: number): boolean {
  try {
    return OF_THE_JOB.has(readFileSync(`/proc/${pid}/comm`, 'utf8').trim());
  } catch {
    return false; // it has ended meanwhile
  }
}

function residentOrGone(pid: number): number {
  try {
    return residentBytesOf(pid) || 0;
  } catch {
    return 0;
  }
}
