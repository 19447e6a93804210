// Every request of this process sets its money aside here before it is sent. The common case is a subtraction in memory; only a
// cold or drained key goes to PostgreSQL (credit-taking.ts).
// Reserve -> settle or release, exactly once: the book never learns of a request's fate by a timer.
import type { Pool } from 'pg';
import type { PayUrlOf } from '../../domain/enforcement.ts';
import type { Nano } from '../../domain/nano.ts';
import type { Incarnation } from '../incarnations/incarnation.ts';
import { CreditTaking } from './credit-taking.ts';
import {
  allLeases,
  type CreditNeed,
  hasNothing,
  type KeyHolder,
  type KeyLeases,
  newKeyLeases,
  retire,
  type Waiter,
} from './key-leases.ts';
import { free, type Lease, type Reservation, releaseOf, reserveFrom, settleOn, widen } from './lease.ts';
import { LeaseReturns } from './lease-returns.ts';
import { Patience } from './patience.ts';
import { refusalError } from './refusals.ts';

/** Free credit of a key that rests this long goes back. */
const IDLE_MS = 5_000;

export class LeaseBook {
  readonly #db: Pool;
  readonly #returns: LeaseReturns;
  readonly #patience = new Patience();
  readonly #taking: CreditTaking;
  readonly #keys = new Map<string, KeyLeases>();
  readonly #tick: NodeJS.Timeout;
  #closed = false;

  constructor(db: Pool, incarnation: Incarnation, payUrlOf: PayUrlOf) {
    this.#db = db;
    this.#returns = new LeaseReturns(db, incarnation);
    this.#taking = new CreditTaking(db, incarnation, payUrlOf, this.#returns, this.#patience);
    this.#tick = setInterval(() => this.#everySecond(), 1_000);
    this.#tick.unref();
  }

  /** The hot path: null when the lease in hand does not cover the wish (then `acquire`). */
  reserve(holder: KeyHolder, need: CreditNeed): Reservation | null {
    const keyLeases = this.#keys.get(holder.id);
    if (keyLeases === undefined || keyLeases.waiters.length > 0) return null;
    const lease = this.#taking.usable(keyLeases);
    if (lease === null || lease.enforcementSeq < holder.enforcementSeq || free(lease) < need.wish) return null;
    const reservation = reserveFrom(lease, need.wish, performance.now());
    if (lease.canGrow && free(lease) * 2n < keyLeases.lastAmount && !this.#closed) this.#taking.take(keyLeases);
    return reservation;
  }

  /**
   * Waits for credit: at least the floor, at most the wish.
   * @throws TollgateError insufficient_credit, cap_reached, credit_in_use, organization_stopped, service_unavailable
   */
  acquire(holder: KeyHolder, need: CreditNeed, own: Reservation | null = null): Promise<Reservation> {
    const keyLeases = this.#keyOf(holder);
    const { refusal } = keyLeases;
    if (refusal !== null && performance.now() < refusal.untilMs && need.floor >= refusal.least) {
      return refusalError(this.#db, refusal.taken, need.floor).then((error) => Promise.reject(error));
    }
    return new Promise((resolve, reject) => {
      const waiter: Waiter = { need, own, resolve, reject };
      keyLeases.waiters.push(waiter);
      // A stream has patience of its own: what it has already is still being answered from (StreamCredit).
      if (own === null) this.#patience.watch(keyLeases, waiter);
      this.#taking.take(keyLeases);
    });
  }

  /** More for a stream that outgrows its estimate; false: not from the lease in hand (then `acquireMore`). */
  extend(reservation: Reservation, more: Nano): boolean {
    const part = reservation.elsewhere?.at(-1) ?? reservation;
    if (reservation.ended || part.lease.isWithdrawn || free(part.lease) < more) return false;
    widen(part, more);
    return true;
  }

  /** More from PostgreSQL, by what can be had. Throws like `acquire`. */
  async acquireMore(holder: KeyHolder, reservation: Reservation, need: CreditNeed): Promise<void> {
    const granted = await this.acquire(holder, need, reservation);
    const part = [reservation, ...(reservation.elsewhere ?? [])].find(({ lease }) => lease === granted.lease);
    if (reservation.ended) releaseOf(granted);
    else if (part === undefined) {
      reservation.elsewhere ??= [];
      reservation.elsewhere.push(granted);
    } else {
      releaseOf(granted);
      widen(part, granted.amount);
    }
  }

  /**
   * A request settles on the lease that it was admitted on, and beyond it on available credit. So before it settles, what it has
   * reserved on later leases becomes available again; when PostgreSQL is silent it follows once those leases close.
   */
  async bringHome(reservation: Reservation): Promise<void> {
    for (const part of reservation.elsewhere?.splice(0) ?? []) {
      releaseOf(part);
      await this.#returns.giveBack(part.lease, part.amount);
    }
  }

  /** `rated`: at list price. */
  settle(reservation: Reservation, rated: Nano): void {
    const keyLeases = this.#keys.get(reservation.lease.apiKeyId);
    if (keyLeases !== undefined) keyLeases.spentThisSecond += rated;
    settleOn(reservation, rated);
  }

  /** PostgreSQL has the settlement that was made on this lease. */
  confirmed(lease: Lease): void {
    lease.unconfirmed -= 1;
  }

  release(reservation: Reservation): void {
    releaseOf(reservation);
  }

  /** What this key could still spend when it last asked; null for a cold key: then PostgreSQL sizes the lease (a tenth of it). */
  leftOf(holder: KeyHolder): Nano | null {
    const keyLeases = this.#keys.get(holder.id);
    if (keyLeases === undefined || keyLeases.current === null) return null;
    const inHand = free(keyLeases.current);
    return (keyLeases.left + (inHand > 0n ? inHand : 0n)) as Nano;
  }

  /** Another gateway needs what we do not use, or the organization may not spend it any more. */
  recalled(orgId: string): void {
    for (const keyLeases of this.#keys.values()) if (keyLeases.holder.orgId === orgId) this.#giveBackFree(keyLeases);
  }

  /** Money arrived: nobody is refused from memory. */
  creditArrived(orgId: string): void {
    for (const keyLeases of this.#keys.values()) if (keyLeases.holder.orgId === orgId) keyLeases.refusal = null;
  }

  /** After the drain: gives everything back. */
  async close(): Promise<void> {
    clearInterval(this.#tick);
    this.#closed = true;
    for (const keyLeases of this.#keys.values()) {
      while (keyLeases.taking !== null) await keyLeases.taking;
      retire(keyLeases);
      for (const lease of keyLeases.retired) await this.#returns.close(keyLeases, lease);
    }
  }

  snapshot(): { keys: number; leases: number; freeNano: bigint; reservedNano: bigint } {
    const leases = [...this.#keys.values()].flatMap(allLeases);
    return {
      keys: this.#keys.size,
      leases: leases.length,
      freeNano: leases.reduce((total, lease) => total + free(lease), 0n),
      reservedNano: leases.reduce((total, { reserved }) => total + reserved, 0n),
    };
  }

  #keyOf(holder: KeyHolder): KeyLeases {
    const known = this.#keys.get(holder.id);
    const keyLeases = known ?? newKeyLeases(holder);
    if (known === undefined) this.#keys.set(holder.id, keyLeases);
    this.#taking.learn(keyLeases, holder.enforcementSeq);
    return keyLeases;
  }

  #everySecond(): void {
    const nowMs = performance.now();
    for (const [id, keyLeases] of this.#keys) {
      keyLeases.spendPerSecond = (keyLeases.spendPerSecond * 7n + keyLeases.spentThisSecond * 3n) / 10n;
      keyLeases.spentThisSecond = 0n;
      const idle = keyLeases.current !== null && nowMs - keyLeases.current.usedAtMs >= IDLE_MS;
      if (idle && keyLeases.taking === null) this.#giveBackFree(keyLeases);
      for (const lease of keyLeases.retired) void this.#returns.close(keyLeases, lease);
      if (hasNothing(keyLeases)) this.#keys.delete(id);
    }
  }

  #giveBackFree(keyLeases: KeyLeases): void {
    const lease = keyLeases.current;
    if (lease === null || keyLeases.taking !== null) return;
    if (lease.reservations === 0) retire(keyLeases);
    this.#returns.giveBackFree(keyLeases, lease);
  }
}
