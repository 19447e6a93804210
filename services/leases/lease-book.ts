// Every request of this process sets its money aside here before it is sent. The common case is a subtraction in memory; only a
// cold or drained key goes to PostgreSQL, one transaction at a time per key, asking for the sum of all who wait.
// Reserve -> settle or release, exactly once: the book never learns of a request's fate by a timer.
import type { Pool } from 'pg';
import { TollgateError } from '../../domain/errors.ts';
import { type Nano, ZERO } from '../../domain/nano.ts';
import { type Incarnation, isFencedError } from '../incarnations/incarnation.ts';
import { newId } from '../platform/ids.ts';
import { type CreditNeed, creditWanted, type KeyHolder, type KeyLeases, newKeyLeases, serve } from './key-leases.ts';
import { free, type Lease, newLease, type Reservation, releaseOf, reserveFrom, settleOn, widen } from './lease.ts';
import { cannotGrow, giveBack, recall, type Taken, takeCredit } from './lease-store.ts';
import { refusalError } from './refusals.ts';

/** Free credit of a key that rests this long goes back. */
const IDLE_MS = 5_000;
/** A lease that was grown this often is replaced: its slices, returned from the end, would be walked each time. */
const MOST_GROWTHS = 200;
/** How long a refused request waits for other gateways to give back before the last try. */
const RECALL_WAITS_MS = [60, 440];
/** A refusal for lack of credit answers the same key's next requests for this long; a grant ends it at once. */
const REFUSAL_MS = 250;

export class LeaseBook {
  readonly #db: Pool;
  readonly #incarnation: Incarnation;
  readonly #keys = new Map<string, KeyLeases>();
  readonly #tick: NodeJS.Timeout;

  constructor(db: Pool, incarnation: Incarnation) {
    this.#db = db;
    this.#incarnation = incarnation;
    this.#tick = setInterval(() => this.#everySecond(), 1_000);
    this.#tick.unref();
  }

  /** The hot path: null when the lease in hand does not cover the wish (then `acquire`). */
  reserve(holder: KeyHolder, need: CreditNeed): Reservation | null {
    const key = this.#keys.get(holder.id);
    if (key === undefined || key.waiters.length > 0) return null;
    const lease = this.#usable(key);
    if (lease === null || free(lease) < need.wish) return null;
    const reservation = reserveFrom(lease, need.wish, performance.now());
    if (!key.taking && free(lease) * 2n < key.lastAmount) void this.#take(key);
    return reservation;
  }

  /**
   * Waits for credit: at least the floor, at most the wish.
   * @throws TollgateError insufficient_credit, cap_reached, credit_in_use, organization_stopped, service_unavailable
   */
  acquire(holder: KeyHolder, need: CreditNeed): Promise<Reservation> {
    const key = this.#keyOf(holder);
    const { refusal } = key;
    if (refusal !== null && performance.now() < refusal.untilMs && need.floor >= refusal.least) {
      return refusalError(this.#db, refusal.taken, need.floor).then((error) => Promise.reject(error));
    }
    return new Promise((resolve, reject) => {
      key.waiters.push({ need, resolve, reject });
      if (!key.taking) void this.#take(key);
    });
  }

  /** More for a stream that outgrows its estimate; false: not from the lease in hand (then `acquireMore`). */
  extend(reservation: Reservation, more: Nano): boolean {
    if (reservation.ended || free(reservation.lease) < more) return false;
    widen(reservation, more);
    return true;
  }

  /** Grows the reservation's own lease. Throws like `acquire`. */
  async acquireMore(holder: KeyHolder, reservation: Reservation, more: Nano): Promise<void> {
    const granted = await this.acquire(holder, { floor: more, preferred: more, wish: more });
    // Nearly always the same lease. Where that one has expired meanwhile, the credit stays free on its successor and this
    // request's overshoot is taken from available credit (settle_beyond_lease).
    releaseOf(granted);
    if (!reservation.ended) widen(reservation, more);
  }

  settle(reservation: Reservation, charge: Nano): void {
    const key = this.#keys.get(reservation.lease.apiKeyId);
    if (key !== undefined) key.spentThisSecond += charge;
    settleOn(reservation, charge);
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
    const key = this.#keys.get(holder.id);
    if (key === undefined || key.current === null) return null;
    const inHand = free(key.current);
    return (key.left + (inHand > 0n ? inHand : 0n)) as Nano;
  }

  /** Another gateway needs what we do not use. */
  recalled(orgId: string): void {
    for (const key of this.#keys.values()) if (key.holder.orgId === orgId) this.#giveBackFree(key);
  }

  /** Money arrived: nobody is refused from memory. */
  creditArrived(orgId: string): void {
    for (const key of this.#keys.values()) if (key.holder.orgId === orgId) key.refusal = null;
  }

  /** After the drain: gives everything back. */
  async close(): Promise<void> {
    clearInterval(this.#tick);
    for (const key of this.#keys.values()) {
      this.#retire(key);
      for (const lease of key.retired) await this.#close(key, lease);
    }
  }

  snapshot(): { keys: number; leases: number; freeNano: bigint; reservedNano: bigint } {
    let leases = 0;
    let freeNano = 0n;
    let reservedNano = 0n;
    for (const key of this.#keys.values()) {
      for (const lease of key.current === null ? key.retired : [key.current, ...key.retired]) {
        leases += 1;
        freeNano += free(lease);
        reservedNano += lease.reserved;
      }
    }
    return { keys: this.#keys.size, leases, freeNano, reservedNano };
  }

  #keyOf(holder: KeyHolder): KeyLeases {
    const known = this.#keys.get(holder.id);
    if (known !== undefined) return known;
    const key = newKeyLeases(holder);
    this.#keys.set(holder.id, key);
    return key;
  }

  /** The lease to admit on, or null. One that expired is retired here, at the moment it would have been used. */
  #usable(key: KeyLeases): Lease | null {
    const lease = key.current;
    if (lease === null) return null;
    const expired = lease.expiresAtMs !== null && this.#incarnation.timeMs() >= lease.expiresAtMs;
    if (!expired && lease.grown <= MOST_GROWTHS) return lease;
    this.#retire(key);
    return null;
  }

  #retire(key: KeyLeases): void {
    if (key.current !== null) key.retired.add(key.current);
    key.current = null;
  }

  /** One lease transaction: for all who wait now, and about ten seconds of the key's spending. */
  async #take(key: KeyLeases): Promise<void> {
    key.taking = true;
    try {
      await this.#takeFor(key);
    } catch (error) {
      if (isFencedError(error)) this.#incarnation.wasFenced();
      const silent = new TollgateError('service_unavailable', {
        message:
          'The ledger did not answer, so no credit could be reserved. Nothing was charged; try again in a second.',
        retryAfterMs: 1_000,
        cause: error,
      });
      for (const waiter of key.waiters.splice(0)) waiter.reject(silent);
      // Whether the transaction took effect is unknown: this lease takes no more, and closing it returns whatever it holds.
      this.#retire(key);
    } finally {
      key.taking = false;
    }
    if (key.waiters.length > 0) void this.#take(key);
  }

  async #takeFor(key: KeyLeases): Promise<void> {
    for (let round = 0; ; round += 1) {
      const taken = await this.#transaction(key);
      if (taken.outcome === 'leased') return serve(key);
      if (key.waiters.length === 0) return;
      const held = taken.outcome === 'in_use' || taken.outcome === 'cap_in_use';
      const waitMs = RECALL_WAITS_MS[round];
      if (!held || waitMs === undefined) return await this.#refuse(key, taken);
      await recall(this.#db, key.holder.orgId);
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }

  async #transaction(key: KeyLeases): Promise<Taken> {
    const lease = this.#usable(key) ?? newLease(newId(), key.holder.id, key.holder.orgId);
    key.current = lease;
    const taken = await takeCredit(this.#db, {
      incarnationId: this.#incarnation.id,
      leaseId: lease.id,
      apiKeyId: key.holder.id,
      ...creditWanted(key, lease),
    }).catch((error: unknown) => {
      if (!cannotGrow(error) || lease.grown === 0) throw error;
      this.#retire(key);
      return null; // a lease of its own period takes its place
    });
    if (taken === null) return this.#transaction(key);
    key.left = taken.left;
    if (taken.outcome !== 'leased') return taken;
    lease.amount = (lease.amount + taken.amount) as Nano;
    lease.grown += 1;
    lease.expiresAtMs = taken.expiresAtMs;
    lease.usedAtMs = performance.now();
    key.lastAmount = taken.amount;
    key.refusal = null;
    return taken;
  }

  async #refuse(key: KeyLeases, taken: Taken): Promise<void> {
    const refused = key.waiters.slice();
    const errors = await Promise.all(refused.map(({ need }) => refusalError(this.#db, taken, need.floor)));
    key.waiters.splice(0, refused.length);
    const least = refused.reduce(
      (low, { need }) => (need.floor < low ? need.floor : low),
      refused[0]?.need.floor ?? ZERO,
    );
    if (taken.outcome === 'insufficient') key.refusal = { taken, least, untilMs: performance.now() + REFUSAL_MS };
    for (const [index, waiter] of refused.entries()) waiter.reject(errors[index]);
  }

  #everySecond(): void {
    const nowMs = performance.now();
    for (const [id, key] of this.#keys) {
      key.spendPerSecond = (key.spendPerSecond * 7n + key.spentThisSecond * 3n) / 10n;
      key.spentThisSecond = 0n;
      const idle = key.current !== null && nowMs - key.current.usedAtMs >= IDLE_MS;
      if (idle && !key.taking) this.#giveBackFree(key);
      for (const lease of key.retired) void this.#close(key, lease);
      if (key.current === null && key.retired.size === 0 && key.waiters.length === 0 && !key.taking)
        this.#keys.delete(id);
    }
  }

  /** A lease nobody uses is closed; of one in use, the free part goes back. */
  #giveBackFree(key: KeyLeases): void {
    const lease = key.current;
    if (lease === null || key.taking) return;
    if (lease.reservations === 0) {
      this.#retire(key);
      void this.#close(key, lease);
      return;
    }
    const spare = free(lease);
    if (spare <= 0n) return;
    // Lowered before PostgreSQL is asked: should the answer get lost, we have promised less than we hold, never more.
    lease.amount = (lease.amount - spare) as Nano;
    giveBack(this.#db, this.#incarnation.id, lease.id, spare as Nano, false).catch((error: unknown) => {
      if (isFencedError(error)) this.#incarnation.wasFenced();
    });
  }

  async #close(key: KeyLeases, lease: Lease): Promise<void> {
    if (lease.reservations > 0 || lease.unconfirmed > 0 || lease.closing) return;
    lease.closing = true;
    try {
      await giveBack(this.#db, this.#incarnation.id, lease.id, ZERO, true);
      key.retired.delete(lease);
    } catch (error) {
      lease.closing = false; // tried again a second later
      if (isFencedError(error)) this.#incarnation.wasFenced();
    }
  }
}
