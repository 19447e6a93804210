// Answers that are read to their end although nobody hears them: where hanging up saves nothing, the rest tells the real usage.
// Each takes a connection and memory for nobody's sake, so they are few and do not last.

const MOST_AT_ONCE = 64;
const LONGEST_MS = 600_000;

let count = 0;

export class ReadingOn {
  readonly #sinceMs = performance.now();

  private constructor() {
    count += 1;
  }

  /** Null: as many are read on already as may be. */
  static begin(): ReadingOn | null {
    return count < MOST_AT_ONCE ? new ReadingOn() : null;
  }

  isTooLong(nowMs: number): boolean {
    return nowMs - this.#sinceMs > LONGEST_MS;
  }

  /** Once, however the answer ends. */
  end(): void {
    count -= 1;
  }
}
