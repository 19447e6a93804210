// What a request owes, on its way into PostgreSQL, and what may be said to its customer.
import type { Segment } from '../journal/journal.ts';
import type { AttemptRow, UsageRow } from './settlement-rows.ts';

export type Acknowledged = 'committed' | 'spilled' | 'fenced' | 'lost' | 'unknown';

export interface Settlement {
  readonly usage: UsageRow;
  readonly attempts: readonly AttemptRow[];
  /** The journal segments that hold the intents of this request. */
  readonly segments: readonly Segment[];
  /**
   * Called once. 'committed' and 'spilled' are durable; after 'fenced' and 'lost' the customer owes nothing; after 'unknown' nobody
   * can say: PostgreSQL, or this disk, may have the charge.
   */
  readonly acknowledged: (how: Acknowledged) => void;
  /** Called once the record is in PostgreSQL (at once, or after a replay). */
  readonly inDatabase: () => void;
}
