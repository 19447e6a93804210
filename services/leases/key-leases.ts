// What one API key has in this process: its lease, who waits for credit, and how fast it spends. No I/O: the sizing of leases
// and who is served first can be tested without a database.
import { type Nano, ZERO } from '../../domain/nano.ts';
import { free, type Lease, type Reservation, reserveFrom } from './lease.ts';
import type { CreditWanted, Taken } from './lease-store.ts';

/** A lease is sized to about this much spending of its key (design.md 3.1). */
const LEASE_SECONDS = 10n;

export interface KeyHolder {
  readonly id: string;
  readonly orgId: string;
}

/** How much a request would set aside: it can do with `floor`, expects `preferred`, and takes up to `wish`. */
export interface CreditNeed {
  readonly floor: Nano;
  readonly preferred: Nano;
  readonly wish: Nano;
}

export interface Waiter {
  readonly need: CreditNeed;
  /** Of a stream that asks for more: what it has already. */
  readonly own: Reservation | null;
  readonly resolve: (reservation: Reservation) => void;
  readonly reject: (error: unknown) => void;
}

export interface KeyLeases {
  readonly holder: KeyHolder;
  current: Lease | null;
  /** Expired or replaced: they settle what was admitted on them and close. */
  readonly retired: Set<Lease>;
  waiters: Waiter[];
  /** A lease transaction runs: there is never a second one for the same key. */
  taking: boolean;
  /** Nano per second, smoothed. */
  spendPerSecond: bigint;
  spentThisSecond: bigint;
  lastAmount: Nano;
  /** What PostgreSQL could still have leased after the last transaction. */
  left: Nano;
  refusal: { readonly taken: Taken; readonly least: Nano; readonly untilMs: number } | null;
}

export function newKeyLeases(holder: KeyHolder): KeyLeases {
  return {
    holder,
    current: null,
    retired: new Set(),
    waiters: [],
    taking: false,
    spendPerSecond: 0n,
    spentThisSecond: 0n,
    lastAmount: ZERO,
    left: ZERO,
    refusal: null,
  };
}

/** One transaction asks for all who wait, and beyond them for about ten seconds of spending. */
export function creditWanted(keyLeases: KeyLeases, lease: Lease): Pick<CreditWanted, 'waiting' | 'target' | 'least'> {
  const inHand = free(lease) > 0n ? free(lease) : 0n;
  let waiting = -inHand;
  let wished = -inHand;
  let least = 1n;
  for (const [index, { need }] of keyLeases.waiters.entries()) {
    waiting += need.preferred;
    wished += need.wish;
    if (index === 0 || need.floor < least) least = need.floor;
  }
  const tenSeconds = keyLeases.spendPerSecond * LEASE_SECONDS;
  return {
    waiting: (waiting > least ? waiting : least) as Nano,
    target: (wished > tenSeconds ? wished : tenSeconds) as Nano,
    least: least as Nano,
  };
}

/** In the order of arrival: each up to its wish, as long as those behind it keep what they expect; never below its floor. */
export function serve(keyLeases: KeyLeases): void {
  const lease = keyLeases.current;
  if (lease === null) return;
  let expectedBehind = keyLeases.waiters.reduce((total, { need }) => total + need.preferred, 0n);
  const unserved: Waiter[] = [];
  for (const waiter of keyLeases.waiters) {
    const { floor, preferred, wish } = waiter.need;
    expectedBehind -= preferred;
    const spare = free(lease) - expectedBehind;
    const amount = spare > wish ? wish : spare > floor ? spare : floor;
    if (free(lease) >= amount) waiter.resolve(reserveFrom(lease, amount as Nano, performance.now()));
    else unserved.push(waiter);
  }
  keyLeases.waiters = unserved;
}
