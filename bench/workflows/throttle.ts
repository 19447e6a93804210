// Who of those that fall due one after another is let through, so that no more are open than shall be. It is decided a moment before he is due:
// what will be done by then is taken to be as much as was done in the moment before; of the first moment nothing is known, and all are let through.
// Pure.

export class Throttle {
  readonly #open: number;
  readonly #aheadMs: number;
  readonly #seen: { readonly atMs: number; readonly done: number }[] = [];
  #taken = 0;

  constructor(open: number, aheadMs: number) {
    this.#open = open;
    this.#aheadMs = aheadMs;
  }

  /** So many are done by now. */
  saw(atMs: number, done: number): void {
    this.#seen.push({ atMs, done });
  }

  /** Of the next one. He who is due already cannot be held back. */
  takes(isDue: boolean): boolean {
    const { atMs, done } = this.#seen.at(-1) ?? { atMs: 0, done: 0 };
    const before = this.#seen.findLast((one) => one.atMs <= atMs - this.#aheadMs)?.done ?? 0;
    const isFirstLook = this.#seen.length === 1;
    const isTaken = isDue || isFirstLook || this.#taken - done < this.#open + done - before;
    if (isTaken) this.#taken += 1;
    return isTaken;
  }
}
