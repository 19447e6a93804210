// How credit goes back to its grants. What an answer's loss makes uncertain is always on the safe side: this process counts what
// it gave back as gone before PostgreSQL is asked, and a lease that could not be closed is closed a second later.
import type { Pool } from 'pg';
import { type Nano, ZERO } from '../../domain/nano.ts';
import { type Incarnation, isFencedError } from '../incarnations/incarnation.ts';
import type { KeyLeases } from './key-leases.ts';
import { free, type Lease } from './lease.ts';
import { giveBack } from './lease-store.ts';

export class LeaseReturns {
  readonly #db: Pool;
  readonly #incarnation: Incarnation;

  constructor(db: Pool, incarnation: Incarnation) {
    this.#db = db;
    this.#incarnation = incarnation;
  }

  /** A lease that nobody uses is closed; of one in use, the free part goes back. */
  giveBackFree(keyLeases: KeyLeases, lease: Lease): void {
    const spare = free(lease);
    if (lease.reservations === 0) void this.close(keyLeases, lease);
    else if (spare > 0n) void this.giveBack(lease, spare as Nano);
  }

  /** Nothing more is admitted on it, also if it is in hand or was about to be. */
  withdraw(keyLeases: KeyLeases, lease: Lease): void {
    if (keyLeases.current === lease) keyLeases.current = null;
    if (!lease.closing) keyLeases.retired.add(lease);
    lease.isWithdrawn = true;
    this.giveBackFree(keyLeases, lease);
  }

  /** A part that nothing is reserved on. */
  async giveBack(lease: Lease, amount: Nano): Promise<void> {
    lease.amount = (lease.amount - amount) as Nano;
    try {
      await giveBack(this.#db, this.#incarnation.id, lease, amount, false);
    } catch (error) {
      if (isFencedError(error)) this.#incarnation.wasFenced();
    }
  }

  /** All of a retired lease, once everything that was admitted on it is in PostgreSQL; until then nothing happens. */
  async close(keyLeases: KeyLeases, lease: Lease): Promise<void> {
    if (lease.reservations > 0 || lease.unconfirmed > 0 || lease.closing) return;
    lease.closing = true;
    try {
      await giveBack(this.#db, this.#incarnation.id, lease, ZERO, true);
      keyLeases.retired.delete(lease);
    } catch (error) {
      lease.closing = false;
      if (isFencedError(error)) this.#incarnation.wasFenced();
    }
  }
}
