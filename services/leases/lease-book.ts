// Every request of this process sets its money aside here before it is sent. The common case is a subtraction in memory; only a
// cold or drained key goes to PostgreSQL, one transaction at a time per key, asking for the sum of all who wait.
// Reserve -> settle or release, exactly once: the book never learns of a request's fate by a timer.
import type { Pool } from 'pg';
import type { PayUrlOf } from '../../domain/enforcement.ts';
import type { Nano } from '../../domain/nano.ts';
import { type Incarnation, isFencedError } from '../incarnations/incarnation.ts';
import { newId } from '../platform/ids.ts';
import {
  allLeases,
  type CreditNeed,
  creditWanted,
  hasNothing,
  type KeyHolder,
  type KeyLeases,
  leastFloor,
  newKeyLeases,
  retire,
  serve,
  type Waiter,
} from './key-leases.ts';
import { add, free, type Lease, newLease, type Reservation, releaseOf, reserveFrom, settleOn, widen } from './lease.ts';
import { LeaseReturns } from './lease-returns.ts';
import { cannotGrow, recall, type Taken, takeCredit } from './lease-store.ts';
import { Patience } from './patience.ts';
import { asSeenBy, refusalError, silentLedger } from './refusals.ts';

/** Free credit of a key that rests this long goes back. */
const IDLE_MS = 5_000;
/** A lease grows instead of being joined by another (D3); grown this often it is replaced: returning money walks its slices. */
const MOST_GROWTHS = 200;
/** How long a refused request waits for other gateways to give back before the last try. */
const RECALL_WAITS_MS = [60, 440];
/** A refusal for lack of credit answers the same key's next requests for this long; a grant ends it at once. */
const REFUSAL_MS = 250;

export class LeaseBook {
  readonly #db: Pool;
  readonly #incarnation: Incarnation;
  readonly #payUrlOf: PayUrlOf;
  readonly #returns: LeaseReturns;
  readonly #patience = new Patience();
  readonly #keys = new Map<string, KeyLeases>();
  readonly #tick: NodeJS.Timeout;
  #closed = false;

  constructor(db: Pool, incarnation: Incarnation, payUrlOf: PayUrlOf) {
    this.#db = db;
    this.#incarnation = incarnation;
    this.#payUrlOf = payUrlOf;
    this.#returns = new LeaseReturns(db, incarnation);
    this.#tick = setInterval(() => this.#everySecond(), 1_000);
    this.#tick.unref();
  }

  /** The hot path: null when the lease in hand does not cover the wish (then `acquire`). */
  reserve(holder: KeyHolder, need: CreditNeed): Reservation | null {
    const keyLeases = this.#keys.get(holder.id);
    if (keyLeases === undefined || keyLeases.waiters.length > 0) return null;
    const lease = this.#usable(keyLeases);
    if (lease === null || lease.enforcementSeq < holder.enforcementSeq || free(lease) < need.wish) return null;
    const reservation = reserveFrom(lease, need.wish, performance.now());
    if (lease.canGrow && free(lease) * 2n < keyLeases.lastAmount && !this.#closed) this.#take(keyLeases);
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
      this.#take(keyLeases);
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
    this.#learn(keyLeases, holder.enforcementSeq);
    return keyLeases;
  }

  /** The lease to admit on, or null. One that expired is retired here, at the moment it would have been used. */
  #usable(keyLeases: KeyLeases): Lease | null {
    const lease = keyLeases.current;
    if (lease === null) return null;
    const expired = lease.expiresAtMs !== null && this.#incarnation.timeMs() >= lease.expiresAtMs;
    if (!expired && lease.grown <= MOST_GROWTHS) return lease;
    retire(keyLeases);
    return null;
  }

  /** Under another stage other credit may be spent: a refusal may be over, and what is in hand goes back (D48). */
  #learn(keyLeases: KeyLeases, enforcementSeq: number): void {
    if (enforcementSeq <= keyLeases.enforcementSeq) return;
    keyLeases.enforcementSeq = enforcementSeq;
    keyLeases.refusal = null;
    if (keyLeases.current !== null) this.#returns.withdraw(keyLeases, keyLeases.current);
  }

  /** One lease transaction at a time: for all who wait now, and about ten seconds of the key's spending. */
  #take(keyLeases: KeyLeases): void {
    keyLeases.taking ??= this.#takeOnce(keyLeases).finally(() => {
      keyLeases.taking = null;
      if (keyLeases.waiters.length > 0) this.#take(keyLeases);
    });
  }

  async #takeOnce(keyLeases: KeyLeases): Promise<void> {
    try {
      await this.#takeFor(keyLeases);
    } catch (error) {
      if (isFencedError(error)) this.#incarnation.wasFenced();
      serve(keyLeases); // from what is in hand: the ledger's silence takes nothing away
      for (const waiter of keyLeases.waiters.splice(0)) waiter.reject(silentLedger(error));
    }
  }

  async #takeFor(keyLeases: KeyLeases): Promise<void> {
    for (let round = 0; ; round += 1) {
      const taken = await this.#transaction(keyLeases);
      if (taken.outcome === 'leased') return serve(keyLeases);
      if (keyLeases.waiters.length === 0) return;
      const held = taken.outcome === 'in_use' || taken.outcome === 'cap_in_use';
      const waitMs = RECALL_WAITS_MS[round];
      if (!held || waitMs === undefined) return await this.#refuse(keyLeases, taken);
      await recall(this.#db, keyLeases.holder.orgId);
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }

  async #transaction(keyLeases: KeyLeases): Promise<Taken> {
    const inHand = this.#usable(keyLeases);
    const knownSeq = keyLeases.enforcementSeq;
    const lease = inHand?.canGrow ? inHand : newLease(newId(), keyLeases.holder.id, keyLeases.holder.orgId);
    const nowMs = performance.now();
    const wanted = creditWanted(keyLeases, lease, nowMs);
    keyLeases.lastTakenAtMs = nowMs;
    const asked = {
      incarnationId: this.#incarnation.id,
      leaseId: lease.id,
      apiKeyId: keyLeases.holder.id,
      ...wanted,
    };
    const taken = await takeCredit(this.#db, asked, this.#payUrlOf).catch((error: unknown) => {
      // Whether it took effect is unknown, or it cannot: this lease spends what we know of and takes no more. Closing it returns
      // whatever it holds.
      lease.canGrow = false;
      if (lease !== inHand) keyLeases.retired.add(lease);
      if (!cannotGrow(error) || lease !== inHand) throw error;
      return null; // a lease of its own period, or stage, takes its place
    });
    this.#patience.answered();
    if (taken === null) return this.#transaction(keyLeases);
    const isOvertaken = knownSeq < keyLeases.enforcementSeq && taken.enforcementSeq < keyLeases.enforcementSeq;
    this.#learn(keyLeases, taken.enforcementSeq);
    add(lease, taken);
    if (isOvertaken) {
      // Somebody who waits came under a newer stage: what was cut, or refused, before it is not his.
      if (taken.amount > 0n) this.#returns.withdraw(keyLeases, lease);
      return this.#transaction(keyLeases);
    }
    keyLeases.left = taken.left;
    if (taken.outcome !== 'leased') return taken;
    keyLeases.refusal = null;
    if (taken.amount === 0n) return taken;
    if (lease !== inHand) retire(keyLeases);
    keyLeases.current = lease;
    keyLeases.lastAmount = taken.amount;
    return taken;
  }

  async #refuse(keyLeases: KeyLeases, taken: Taken): Promise<void> {
    serve(keyLeases); // from what others have given back meanwhile
    const refused = keyLeases.waiters.slice();
    const errors = await Promise.all(
      refused.map(({ need, own }) => refusalError(this.#db, asSeenBy(own, taken, need.floor), need.floor)),
    );
    keyLeases.waiters = keyLeases.waiters.filter((waiter) => !refused.includes(waiter));
    const least = leastFloor(refused);
    if (taken.outcome === 'insufficient') keyLeases.refusal = { taken, least, untilMs: performance.now() + REFUSAL_MS };
    for (const [index, waiter] of refused.entries()) waiter.reject(errors[index]);
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
