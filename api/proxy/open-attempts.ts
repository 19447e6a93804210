// The clocks of all attempts in flight: one sweep twice a second instead of three timers a request (0.3 µs each).
// An attempt says what time means to it; the sweep only calls.

const SWEEP_EVERY_MS = 500;

export interface OpenAttempt {
  /** Looks at its own deadlines; nowMs is monotonic. */
  tick(nowMs: number): void;
}

export class OpenAttempts {
  readonly #attempts = new Set<OpenAttempt>();
  readonly #timer: NodeJS.Timeout;

  constructor() {
    this.#timer = setInterval(() => this.#sweep(), SWEEP_EVERY_MS);
    this.#timer.unref();
  }

  get count(): number {
    return this.#attempts.size;
  }

  add(attempt: OpenAttempt): void {
    this.#attempts.add(attempt);
  }

  remove(attempt: OpenAttempt): void {
    this.#attempts.delete(attempt);
  }

  #sweep(): void {
    const nowMs = performance.now();
    for (const attempt of this.#attempts) attempt.tick(nowMs);
  }
}
