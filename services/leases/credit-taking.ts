// How a key comes to credit from PostgreSQL: one lease transaction at a time, for all who wait, and what its answer makes of the lease in hand,
// of those who wait, and of the stage that is known (D48).
import type { Pool } from 'pg';
import type { PayUrlOf } from '../../domain/enforcement.ts';
import { type Incarnation, isFencedError } from '../incarnations/incarnation.ts';
import { newId } from '../platform/ids.ts';
import { creditWanted, type KeyLeases, leastFloor, retire, serve } from './key-leases.ts';
import { add, type Lease, newLease } from './lease.ts';
import type { LeaseReturns } from './lease-returns.ts';
import { cannotGrow, recall, type Taken, takeCredit } from './lease-store.ts';
import type { Patience } from './patience.ts';
import { asSeenBy, refusalError, silentLedger } from './refusals.ts';

/** A lease grows instead of being joined by another (D3); grown this often it is replaced: returning money walks its slices. */
const MOST_GROWTHS = 200;
/** How long a refused request waits for other gateways to give back before the last try. */
const RECALL_WAITS_MS = [60, 440];
/** A refusal for lack of credit answers the same key's next requests for this long; a grant ends it at once. */
const REFUSAL_MS = 250;

export class CreditTaking {
  readonly #db: Pool;
  readonly #incarnation: Incarnation;
  readonly #payUrlOf: PayUrlOf;
  readonly #returns: LeaseReturns;
  readonly #patience: Patience;

  constructor(db: Pool, incarnation: Incarnation, payUrlOf: PayUrlOf, returns: LeaseReturns, patience: Patience) {
    this.#db = db;
    this.#incarnation = incarnation;
    this.#payUrlOf = payUrlOf;
    this.#returns = returns;
    this.#patience = patience;
  }

  /** Under another stage other credit may be spent: a refusal may be over, and what is in hand goes back (D48). */
  learn(keyLeases: KeyLeases, enforcementSeq: number): void {
    if (enforcementSeq <= keyLeases.enforcementSeq) return;
    keyLeases.enforcementSeq = enforcementSeq;
    keyLeases.refusal = null;
    if (keyLeases.current !== null) this.#returns.withdraw(keyLeases, keyLeases.current);
  }

  /** The lease to admit on, or null. One that expired is retired here, at the moment it would have been used. */
  usable(keyLeases: KeyLeases): Lease | null {
    const lease = keyLeases.current;
    if (lease === null) return null;
    const expired = lease.expiresAtMs !== null && this.#incarnation.timeMs() >= lease.expiresAtMs;
    if (!expired && lease.grown <= MOST_GROWTHS) return lease;
    retire(keyLeases);
    return null;
  }

  /** One lease transaction at a time: for all who wait now, and about ten seconds of the key's spending. */
  take(keyLeases: KeyLeases): void {
    keyLeases.taking ??= this.#takeOnce(keyLeases).finally(() => {
      keyLeases.taking = null;
      if (keyLeases.waiters.length > 0) this.take(keyLeases);
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
    const inHand = this.usable(keyLeases);
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
    this.learn(keyLeases, taken.enforcementSeq);
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
}
