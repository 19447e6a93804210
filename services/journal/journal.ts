// The incarnation's own file: what was sent upstream, and settlements that PostgreSQL has not confirmed yet.
// Intents survive kill -9 of this process (one write() per turn of the event loop, no fsync: measured at nothing,
// hotpath.md 6); spilled settlements also survive the machine's power (fdatasync before they count).
// Only the owner appends. A segment goes once everything in it is in PostgreSQL.
import { closeSync, fdatasync, mkdirSync, openSync, rmdirSync, statfsSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { crashPoint } from '../platform/crash-points.ts';
import { type Intent, type Spilled, toLine } from './journal-lines.ts';

const SEGMENT_BYTES = 16 * 1024 * 1024;
const LEAST_FREE_DISK = 0.1;

type Written = (failure: Error | null) => void;

/** A file of the journal. `open` counts the requests in it that PostgreSQL does not know yet. */
export interface Segment {
  readonly path: string;
  readonly fd: number;
  bytes: number;
  open: number;
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
    this.#segment = this.#openSegment();
  }

  /** Writes the intent within this turn of the event loop, then calls `written`. Returns the segment that must outlive the request. */
  intend(intent: Intent, written: Written): Segment {
    const segment = this.#segment;
    segment.open += 1;
    this.#lines += toLine(intent);
    this.#waiting.push(written);
    if (!this.#flushScheduled) {
      this.#flushScheduled = true;
      setImmediate(() => this.#flush());
    }
    return segment;
  }

  /** PostgreSQL knows all that this request wrote into the segment. */
  release(segment: Segment): void {
    segment.open -= 1;
    if (segment.open === 0 && segment !== this.#segment) remove(segment);
  }

  /**
   * Makes settlements durable here. Resolves once they are on disk, with the segment that holds them.
   * A file whose fdatasync failed is never trusted again (the kernel may have dropped the pages): a new one is tried once.
   */
  async spill(settlements: readonly Spilled[]): Promise<Segment> {
    try {
      return await this.#append(settlements);
    } catch {
      this.#segment = this.#openSegment();
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
    let failure: Error | null = null;
    try {
      this.#write(lines);
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error)); // a full disk: these requests are not sent
    }
    for (const written of waiting) written(failure);
  }

  async #append(settlements: readonly Spilled[]): Promise<Segment> {
    const segment = this.#segment;
    segment.open += settlements.length;
    this.#write(settlements.map(toLine).join(''));
    crashPoint('in-spill');
    await new Promise<void>((resolve, reject) => fdatasync(segment.fd, (error) => (error ? reject(error) : resolve())));
    return segment;
  }

  #write(lines: string): void {
    const segment = this.#segment;
    const bytes = Buffer.from(lines, 'utf8');
    for (let at = 0; at < bytes.length; ) at += writeSync(segment.fd, bytes, at);
    segment.bytes += bytes.length;
    if (segment.bytes < SEGMENT_BYTES) return;
    this.#segment = this.#openSegment();
    if (segment.open === 0) remove(segment);
  }

  #openSegment(): Segment {
    const name = `${String(this.#nextSegment++).padStart(8, '0')}.journal`;
    const path = join(this.folder, name);
    return { path, fd: openSync(path, 'ax', 0o600), bytes: 0, open: 0 };
  }
}

function remove(segment: Segment): void {
  closeSync(segment.fd);
  unlinkSync(segment.path);
}
