// What the fake has answered is on disk before it answers: one line for each change as a whole, so that kill -9 leaves it done with
// all its effects (state, events, deliveries, the answer kept for its Idempotency-Key) or not done at all. Lines go out by plain
// writes, which outlive the process; durable() waits for the disk, and all who wait at once share one flush.
import { closeSync, existsSync, fdatasync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const flush = promisify(fdatasync);
const LINE_END = 10;

export class Journal {
  readonly #file: number;
  #writtenBytes: number;
  #durableBytes: number;
  #flushing: Promise<void> | null = null;

  private constructor(file: number, sizeBytes: number) {
    this.#file = file;
    this.#writtenBytes = sizeBytes;
    this.#durableBytes = sizeBytes;
  }

  /** Hands every whole line to `replay` and cuts off a torn last one, which nobody was answered about. */
  static open(dataDir: string, replay: (line: string) => void): Journal {
    mkdirSync(dataDir, { recursive: true });
    const path = join(dataDir, 'journal.jsonl');
    const bytes = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
    let wholeBytes = 0;
    for (let end = bytes.indexOf(LINE_END); end !== -1; end = bytes.indexOf(LINE_END, wholeBytes)) {
      replay(bytes.toString('utf8', wholeBytes, end));
      wholeBytes = end + 1;
    }
    const file = openSync(path, 'a');
    ftruncateSync(file, wholeBytes);
    return new Journal(file, wholeBytes);
  }

  append(line: string): void {
    const bytes = Buffer.from(`${line}\n`);
    const written = writeSync(this.#file, bytes);
    if (written !== bytes.length) throw new Error(`the journal took ${written} of ${bytes.length} bytes: disk full?`);
    this.#writtenBytes += written;
  }

  /** A flush that has failed stays failed: what it was to keep may be gone, and no later flush would say so. */
  async durable(): Promise<void> {
    const mine = this.#writtenBytes;
    while (this.#durableBytes < mine) {
      this.#flushing ??= this.#flush();
      await this.#flushing;
    }
  }

  async #flush(): Promise<void> {
    const reach = this.#writtenBytes;
    await flush(this.#file);
    this.#durableBytes = reach;
    this.#flushing = null;
  }

  async close(): Promise<void> {
    await this.durable();
    closeSync(this.#file);
  }
}
