// The clocks of everything in flight of one kind: one sweep twice a second instead of three timers a request (0.3 µs each).
// Who is in flight says what time means to it, and how it ends when this gateway must go; here it is only called.

const SWEEP_EVERY_MS = 500;

export interface Flight {
  /** Where InFlight has put it; -1: it is not in flight. */
  place: number;
  /** Looks at its own deadlines; nowMs is monotonic. */
  tick(nowMs: number): void;
  /** Ends now, honestly: the gateway leaves. */
  stop(): void;
}

export class InFlight {
  // Not a Set: each time V8 makes a Set a new table, the dead one points to it and to all that was open. Once such a table is old,
  // nothing in flight dies young any more: a quarter of all garbage was promoted, and a scavenge took 8 times as long.
  readonly #flights: Flight[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor() {
    this.#timer = setInterval(() => this.#sweep(), SWEEP_EVERY_MS);
    this.#timer.unref();
  }

  get count(): number {
    return this.#flights.length;
  }

  add(flight: Flight): void {
    flight.place = this.#flights.push(flight) - 1;
  }

  /** The last one takes its place. */
  remove(flight: Flight): void {
    if (flight.place < 0) return;
    const last = this.#flights.pop();
    if (last !== undefined && last !== flight) {
      this.#flights[flight.place] = last;
      last.place = flight.place;
    }
    flight.place = -1;
  }

  stop(): void {
    for (let at = this.#flights.length - 1; at >= 0; at -= 1) this.#flights[at]?.stop();
  }

  /** From the end, because whoever ends in its tick gives its place to one that was called already. */
  #sweep(): void {
    const nowMs = performance.now();
    for (let at = this.#flights.length - 1; at >= 0; at -= 1) this.#flights[at]?.tick(nowMs);
  }
}
