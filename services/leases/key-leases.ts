// What one API key has in this process: its lease, who waits for credit, and how fast it spends. No I/O: the sizing of leases
// and who is served first can be tested without a database.
import { type Nano, ZERO } from '../../domain/nano.ts';
import { free, type Lease, type Reservation, reserveFrom } from './lease.ts';
import type { CreditWanted, Taken } from './lease-store.ts';

/** A lease is sized to about this much spending of its key (design.md 3.1). */
const LEASE_SECONDS = 10n;
/** Nothing is known yet of a cold key's spending: its first lease is for this many requests like those that wait (D28). */
const FIRST_REQUESTS = 8n;
/** Credit that lasted less than this was too little, whatever the smoothed spending says: twice as much is asked for. */
const TOO_SHORT_MS = 1_000;

export interface KeyHolder {
  readonly id: string;
  readonly orgId: string;
  /** Of its organization, as the caller knows it: credit that was cut under an earlier stage is not for this request (D48). */
  readonly enforcementSeq: number;
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
  /** The newest that is known, of requests and of what PostgreSQL answered. */
  enforcementSeq: number;
  current: Lease | null;
  /** Expired, replaced or withdrawn. */
  readonly retired: Set<Lease>;
  waiters: Waiter[];
  /** The lease transaction that runs: there is never a second one for the same key. */
  taking: Promise<void> | null;
  /** Nano per second, smoothed. */
  spendPerSecond: bigint;
  spentThisSecond: bigint;
  lastAmount: Nano;
  /** When that was asked for; monotonic. */
  lastTakenAtMs: number;
  /** What PostgreSQL could still have leased after the last transaction. */
  left: Nano;
  refusal: { readonly taken: Taken; readonly least: Nano; readonly untilMs: number } | null;
}

type CreditNeeded = Pick<CreditWanted, 'waiting' | 'target' | 'least' | 'inHand'>;

export function newKeyLeases(holder: KeyHolder): KeyLeases {
  return {
    holder,
    enforcementSeq: holder.enforcementSeq,
    current: null,
    retired: new Set(),
    waiters: [],
    taking: null,
    spendPerSecond: 0n,
    spentThisSecond: 0n,
    lastAmount: ZERO,
    lastTakenAtMs: Number.NEGATIVE_INFINITY,
    left: ZERO,
    refusal: null,
  };
}

/** It may be forgotten. */
export function hasNothing({ current, retired, waiters, taking }: KeyLeases): boolean {
  return current === null && retired.size === 0 && waiters.length === 0 && taking === null;
}

/** It settles what was admitted on it and closes. */
export function retire(keyLeases: KeyLeases): void {
  if (keyLeases.current !== null) keyLeases.retired.add(keyLeases.current);
  keyLeases.current = null;
}

export function allLeases({ current, retired }: KeyLeases): Lease[] {
  return current === null ? [...retired] : [current, ...retired];
}

/** One transaction asks for all who wait, and beyond them for about ten seconds of spending. */
export function creditWanted(keyLeases: KeyLeases, lease: Lease, nowMs: number): CreditNeeded {
  const { waiters } = keyLeases;
  let preferred = 0n;
  let wished = 0n;
  for (const { need } of waiters) {
    preferred += need.preferred;
    wished += need.wish;
  }
  // Nobody waits: what is in hand is no reason to take less. And a request that costs nothing opens a lease of one nano.
  const inHand = waiters.length === 0 ? 0n : largest(free(lease), 0n);
  const floor = largest(leastFloor(waiters), 1n);
  return {
    waiting: largest(largest(preferred, floor) - inHand, 0n),
    target: largest(wished - inHand, expectedSpending(keyLeases, wished, nowMs)),
    least: floor,
    inHand: inHand as Nano,
  };
}

/** What the smallest of them needs; zero when nobody waits. */
export function leastFloor(waiters: readonly Waiter[]): Nano {
  const [first, ...others] = waiters;
  return others.reduce((low, { need }) => (need.floor < low ? need.floor : low), first?.need.floor ?? ZERO);
}

function expectedSpending(keyLeases: KeyLeases, wished: bigint, nowMs: number): bigint {
  const { spendPerSecond, lastAmount, lastTakenAtMs } = keyLeases;
  if (lastAmount === 0n) return wished * FIRST_REQUESTS;
  const tenSeconds = spendPerSecond * LEASE_SECONDS;
  return nowMs - lastTakenAtMs < TOO_SHORT_MS ? largest(lastAmount * 2n, tenSeconds) : tenSeconds;
}

function largest(a: bigint, b: bigint): Nano {
  return (a > b ? a : b) as Nano;
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
