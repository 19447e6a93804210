// Lets a line through where a customer, or a broken upstream, could ask for a million of them: one of each kind in a second. The
// kinds come from our own closed lists and our catalogue, never from a caller, which bounds what is kept here.

const EVERY_MS = 1_000;

interface Kind {
  nextAtMs: number;
  leftOut: number;
}

export class LogSample {
  readonly #kinds = new Map<string, Kind>();

  /** How many of its kind were left out since the last line; null: this one is left out, too. */
  take(kind: string, nowMs: number): number | null {
    const known = this.#kinds.get(kind);
    if (known === undefined) {
      this.#kinds.set(kind, { nextAtMs: nowMs + EVERY_MS, leftOut: 0 });
      return 0;
    }
    if (nowMs < known.nextAtMs) {
      known.leftOut += 1;
      return null;
    }
    const { leftOut } = known;
    known.nextAtMs = nowMs + EVERY_MS;
    known.leftOut = 0;
    return leftOut;
  }
}
