// The incarnation's own file: what was sent upstream, and settlements that PostgreSQL has not confirmed yet.
// Intents survive kill -9 of this process (one write() per turn of the event loop, no fsync: measured at nothing,
// hotpath.md 6); spilled settlements also survive the machine's power (fdatasync before they count).
// Only the owner appends. A segment goes once everything in it is in PostgreSQL; one that a write or fdatasync failed on is never
// written to again, so that half a line has nothing after it.
import {
  closeSync,
  fdatasync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  rmdirSync,
  statfsSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { crashPoint } from '../platform/crash-points.ts';
import { type Intent, type Spilled, toLine } from './journal-lines.ts';

const SEGMENT_BYTES = 16 * 1024 * 1024;
const LEAST_FREE_DISK = 0.1;

/** Where the record stands now, and what must outlive the request; or why it stands nowhere. */
type Written = (where: Segment | Error) => void;

/** A file of the journal. `open` counts the requests in it that PostgreSQL does not know yet. */
export interface Segment {
  readonly path: string;
  readonly fd: number;
  bytes: number;
  open: number;
  /** A write failed on it. */
  isSpoilt: boolean;
  /** Its name, too, is on the disk: a file that no folder names is lost with the power. */
  isNamed: boolean;
}

export class Journal {
  readonly folder: string;
  #segment: Segment;
  #nextSegment = 1;
  #lines = '';
  #waiting: Written[] = [];
  #flushScheduled = false;

  constructor(journalDir: string, incarnationId: string) {
    this.folder = join(journalDir, incarnationId);
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    syncNames(journalDir);
    this.#segment = this.#openSegment();
  }

  /** Writes the intent within this turn of the event loop, then calls `written`. */
  intend(intent: Intent, written: Written): void {
    this.#lines += toLine(intent);
    this.#waiting.push(written);
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    setImmediate(() => this.#flush());
  }

  /** PostgreSQL knows all that this request wrote into the segment. */
  release(segment: Segment): void {
    segment.open -= 1;
    if (segment.open === 0 && segment !== this.#segment) remove(segment);
  }

  /**
   * Makes settlements durable here. Resolves once they are on disk, with the segment that holds them. After a failure a new file
   * is tried once (of the old one the kernel may have dropped the pages). Rejects when nobody can say what is on the disk.
   */
  async spill(settlements: readonly Spilled[]): Promise<Segment> {
    try {
      return await this.#append(settlements);
    } catch {
      return await this.#append(settlements);
    }
  }

  /** Below a tenth of free disk no new request may come: its settlement might find no room. */
  isDiskLow(): boolean {
    const { bavail, blocks } = statfsSync(this.folder);
    return bavail < blocks * LEAST_FREE_DISK;
  }

  /** After a drain: nothing is open, the folder goes too. */
  close(): void {
    this.#flush();
    if (this.#segment.open > 0) return;
    remove(this.#segment);
    try {
      rmdirSync(this.folder);
    } catch {
      // An older segment still holds something: the caretaker replays it.
    }
  }

  #flush(): void {
    this.#flushScheduled = false;
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    const lines = this.#lines;
    this.#waiting = [];
    this.#lines = '';
    const where = this.#writeIntents(lines, waiting.length);
    for (const written of waiting) written(where);
  }

  #writeIntents(lines: string, count: number): Segment | Error {
    try {
      const segment = this.#writable();
      writeWhole(segment, lines);
      segment.open += count;
      return segment;
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error)); // a full disk: these requests are not sent
    }
  }

  async #append(settlements: readonly Spilled[]): Promise<Segment> {
    const segment = this.#writable();
    writeWhole(segment, settlements.map(toLine).join(''));
    segment.open += settlements.length;
    crashPoint('in-spill');
    try {
      if (!segment.isNamed) syncNames(this.folder); // not when it is opened: intents need no disk, and each 40,000 requests would wait
      segment.isNamed = true;
      await new Promise<void>((resolve, reject) =>
        fdatasync(segment.fd, (error) => (error ? reject(error) : resolve())),
      );
    } catch (error) {
      // The lines stay, for intents may stand behind them by now: recovery takes a request that is there twice once.
      segment.isSpoilt = true;
      for (let left = settlements.length; left > 0; left -= 1) this.release(segment);
      throw error;
    }
    return segment;
  }

  #writable(): Segment {
    const segment = this.#segment;
    if (segment.bytes < SEGMENT_BYTES && !segment.isSpoilt) return segment;
    this.#segment = this.#openSegment();
    if (segment.open === 0) remove(segment);
    return this.#segment;
  }

  #openSegment(): Segment {
    const name = `${String(this.#nextSegment++).padStart(8, '0')}.journal`;
    const path = join(this.folder, name);
    return { path, fd: openSync(path, 'ax', 0o600), bytes: 0, open: 0, isSpoilt: false, isNamed: false };
  }
}

/** All of the lines, or none: nobody was promised anything about those that a failed write left. */
function writeWhole(segment: Segment, lines: string): void {
  const bytes = Buffer.from(lines, 'utf8');
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(segment.fd, bytes, at);
    segment.bytes += bytes.length;
  } catch (error) {
    segment.isSpoilt = true;
    ftruncateSync(segment.fd, segment.bytes);
    throw error;
  }
}

/** fdatasync of a file says nothing about the folder that it stands in. */
function syncNames(folder: string): void {
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function remove(segment: Segment): void {
  closeSync(segment.fd);
  unlinkSync(segment.path);
}
