// The clocks of all attempts in flight: one sweep twice a second instead of three timers a request (0.3 µs each).
// An attempt says what time means to it; the sweep only calls.

const SWEEP_EVERY_MS = 500;

export interface OpenAttempt {
  /** Where OpenAttempts has put it; -1: it is not open. */
  place: number;
  /** Looks at its own deadlines; nowMs is monotonic. */
  tick(nowMs: number): void;
}

export class OpenAttempts {
  // Not a Set: each time V8 makes a Set a new table, the dead one points to it and to all that was open. Once such a table is old,
  // nothing in flight dies young any more: a quarter of all garbage was promoted, and a scavenge took 8 times as long.
  readonly #attempts: OpenAttempt[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor() {
    this.#timer = setInterval(() => this.#sweep(), SWEEP_EVERY_MS);
    this.#timer.unref();
  }

  get count(): number {
    return this.#attempts.length;
  }

  add(attempt: OpenAttempt): void {
    attempt.place = this.#attempts.push(attempt) - 1;
  }

  /** The last one takes its place. */
  remove(attempt: OpenAttempt): void {
    if (attempt.place < 0) return;
    const last = this.#attempts.pop();
    if (last !== undefined && last !== attempt) {
      this.#attempts[attempt.place] = last;
      last.place = attempt.place;
    }
    attempt.place = -1;
  }

  /** From the end, because whoever ends in its tick gives its place to one that was called already. */
  #sweep(): void {
    const nowMs = performance.now();
    for (let at = this.#attempts.length - 1; at >= 0; at -= 1) this.#attempts[at]?.tick(nowMs);
  }
}
