// Credit that this gateway may spend for one API key, as this process counts it. PostgreSQL's row has the same amount; its
// consumed_nano follows ours as settlements commit. free = amount - consumed - reserved.
import type { Nano } from '../../domain/nano.ts';
import { splitCharge } from '../../domain/overage.ts';
import type { Taken } from './lease-store.ts';

export interface Lease {
  readonly id: string;
  readonly apiKeyId: string;
  readonly orgId: string;
  /** Of its organization when it was cut; 0 until it is. */
  enforcementSeq: number;
  amount: Nano;
  consumed: Nano;
  reserved: Nano;
  /** As in Taken. */
  atList: Nano;
  beyondPpm: number | null;
  /** By PostgreSQL's clock; null: never. Nothing is admitted on it afterwards, what was admitted may settle. */
  expiresAtMs: number | null;
  /** Reservations not yet settled or released. */
  reservations: number;
  /** Settlements handed to the writer that PostgreSQL has not confirmed. */
  unconfirmed: number;
  grown: number;
  /** False: PostgreSQL may hold more of it than we count, or refuses to add to it. */
  canGrow: boolean;
  usedAtMs: number;
  closing: boolean;
  /** Made of credit that may be forbidden by now: what was admitted on it ends on it, with what it has. */
  isWithdrawn: boolean;
}

/** What one request has set aside. Ends exactly once: settled with its charge, or released. */
export interface Reservation {
  readonly lease: Lease;
  /** On this lease. */
  amount: Nano;
  ended: boolean;
  /** What a stream got from later leases, its own having expired or been replaced. Null for all but a few. */
  elsewhere: Reservation[] | null;
}

export function newLease(id: string, apiKeyId: string, orgId: string): Lease {
  const zero = 0n as Nano;
  return {
    id,
    apiKeyId,
    orgId,
    enforcementSeq: 0,
    amount: zero,
    consumed: zero,
    reserved: zero,
    atList: zero,
    beyondPpm: null,
    expiresAtMs: null,
    reservations: 0,
    unconfirmed: 0,
    grown: 0,
    canGrow: true,
    usedAtMs: 0,
    closing: false,
    isWithdrawn: false,
  };
}

export function free(lease: Lease): bigint {
  return lease.amount - lease.consumed - lease.reserved;
}

/** What PostgreSQL has leased; of an answer that brought nothing, the stage alone. */
export function add(
  lease: Lease,
  taken: Pick<Taken, 'amount' | 'expiresAtMs' | 'enforcementSeq' | 'atList' | 'beyondPpm'>,
): void {
  lease.enforcementSeq = taken.enforcementSeq;
  if (taken.amount === 0n) return;
  lease.amount = (lease.amount + taken.amount) as Nano;
  lease.grown += 1;
  lease.expiresAtMs = taken.expiresAtMs;
  lease.atList = taken.atList;
  lease.beyondPpm = taken.beyondPpm;
  lease.usedAtMs = performance.now();
}

export function reserveFrom(lease: Lease, amount: Nano, nowMs: number): Reservation {
  lease.reserved = (lease.reserved + amount) as Nano;
  lease.reservations += 1;
  lease.usedAtMs = nowMs;
  return { lease, amount, ended: false, elsewhere: null };
}

/** On all leases. */
export function reservedAmount({ amount, elsewhere }: Reservation): Nano {
  if (elsewhere === null) return amount;
  return elsewhere.reduce((total, part) => total + part.amount, amount as bigint) as Nano;
}

export function widen(reservation: Reservation, more: Nano): void {
  reservation.lease.reserved = (reservation.lease.reserved + more) as Nano;
  reservation.amount = (reservation.amount + more) as Nano;
}

/**
 * What it costs replaces the estimate: `rated` is list price, and PostgreSQL, which splits it in the same way, has the last word
 * (D66). What goes over the lease is PostgreSQL's to find elsewhere (design.md 3.2).
 */
export function settleOn(reservation: Reservation, rated: Nano): void {
  if (!endReservation(reservation)) return;
  const { lease } = reservation;
  const consumed = lease.consumed + (lease.beyondPpm === null ? rated : dueOn(lease, rated, lease.beyondPpm));
  lease.consumed = (consumed > lease.amount ? lease.amount : consumed) as Nano;
  lease.unconfirmed += 1;
}

function dueOn({ atList, amount, consumed }: Lease, rated: Nano, beyondPpm: number): bigint {
  const listPart = (atList < amount ? atList : amount) - consumed;
  const { includedNano, beyondNano } = splitCharge(rated, (listPart > 0n ? listPart : 0n) as Nano, beyondPpm);
  return includedNano + beyondNano;
}

export function releaseOf(reservation: Reservation): void {
  endReservation(reservation);
  for (const part of reservation.elsewhere?.splice(0) ?? []) endReservation(part);
}

function endReservation(reservation: Reservation): boolean {
  if (reservation.ended) return false;
  reservation.ended = true;
  const { lease } = reservation;
  lease.reserved = (lease.reserved - reservation.amount) as Nano;
  lease.reservations -= 1;
  return true;
}
