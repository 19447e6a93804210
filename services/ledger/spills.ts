// Settlements that are on this gateway's disk and not yet in PostgreSQL, in the order in which they came.
import type { Journal, Segment } from '../journal/journal.ts';
import type { Settlement } from './settlement.ts';

interface Spill {
  readonly settlements: readonly Settlement[];
  /** That holds them. */
  readonly segment: Segment;
}

export class Spills {
  readonly #journal: Journal;
  #spills: Spill[] = [];

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  get isEmpty(): boolean {
    return this.#spills.length === 0;
  }

  /** Of settlements. */
  get count(): number {
    return this.#spills.reduce((count, { settlements }) => count + settlements.length, 0);
  }

  /** Resolves when they are on the disk. */
  async add(settlements: readonly Settlement[]): Promise<void> {
    const segment = await this.#journal.spill(
      settlements.map(({ usage, attempts }) => ({ kind: 'spilled', usage, attempts })),
    );
    this.#spills.push({ settlements, segment });
  }

  /** The first of them, at most so many; of a single spill all. */
  first(most: number): Settlement[] {
    let records = 0;
    const beyond = this.#spills.findIndex(({ settlements }, at) => {
      records += settlements.length;
      return at > 0 && records > most;
    });
    const spills = beyond < 0 ? this.#spills : this.#spills.slice(0, beyond);
    return spills.flatMap(({ settlements }) => settlements);
  }

  /** As many settlements as `first` told are in PostgreSQL. */
  removeFirst(count: number): void {
    for (let left = count; left > 0; ) {
      const spill = this.#spills.shift();
      if (spill === undefined) throw new Error(`${left} more settlements were replayed than were spilled`);
      for (const _ of spill.settlements) this.#journal.release(spill.segment);
      left -= spill.settlements.length;
    }
  }
}
