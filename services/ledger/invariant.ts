// What can be asked of the books: a question whose answer is the list of what is wrong.

export interface Invariant {
  readonly id: string;
  readonly title: string;
  /** SQL that lists the faults, one a row, in a column `what`. */
  readonly faults: string;
}
