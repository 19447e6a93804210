// What is given back of something paid and not used up, in whole cents, rounded down. Credit counts beside time: by time alone one
// could use all of a month's credit on its first day, upgrade, and have nearly all of the price credited (billing.md 1.1).
import { type Cents, cents, floorToCents, nanoOf } from './cents.ts';
import { DAY_MS } from './moments.ts';
import { larger, type Nano, nano, ZERO } from './nano.ts';

export interface PaidPeriod {
  readonly priceCents: Cents;
  /** From when the customer had it: a period that was paid late began to be used up when it was paid (D34). */
  readonly inForceFromMs: number;
  readonly endMs: number;
  readonly months: 1 | 12;
  readonly monthsCredited: number;
  readonly monthlyCreditNano: Nano;
  /** Of the month's credit that was granted last. */
  readonly unusedNano: Nano;
}

/** Towards the price of the plan that takes the period's place now. */
export function upgradeCredit(period: PaidPeriod, nowMs: number): Cents {
  const unusedSeconds = wholeSeconds(period.endMs - nowMs);
  const allSeconds = wholeSeconds(period.endMs - period.inForceFromMs);
  const toCome = BigInt(period.months - period.monthsCredited) * period.monthlyCreditNano;
  const unusedCredit = toCome + period.unusedNano;
  const allCredit = BigInt(period.months) * period.monthlyCreditNano;
  const price = BigInt(period.priceCents);
  const byTime = allSeconds === 0n ? 0n : (price * unusedSeconds) / allSeconds;
  return cents(Number(allCredit === 0n ? byTime : least(byTime, (price * unusedCredit) / allCredit)));
}

function wholeSeconds(ms: number): bigint {
  return BigInt(Math.max(Math.floor(ms / 1_000), 0));
}

function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

/** Two months were free for whoever stays a year: each month begun counts at the monthly price. */
export function yearRefund(paidCents: Cents, monthlyCents: Cents, monthsBegun: number): Cents {
  return cents(Math.max(paidCents - monthsBegun * monthlyCents, 0));
}

export interface BoughtPack {
  readonly paidCents: Cents;
  readonly bonusCents: Cents;
  /** Paid on top of the price. */
  readonly taxCents: Cents;
  /** Of the paid part and of the bonus together; what a lease still holds counts as used. */
  readonly usedNano: Nano;
  readonly boughtAtMs: number;
}

export interface PackRefund {
  readonly refundCents: Cents;
  readonly taxCents: Cents;
  /** What is left of the pack beyond the refund. */
  readonly voidedNano: Nano;
}

export const PACK_REFUND_DAYS = 14;

export function isWithinRefundWindow(boughtAtMs: number, nowMs: number): boolean {
  return nowMs - boughtAtMs < PACK_REFUND_DAYS * DAY_MS;
}

/** Null: too late, or the customer has used what he paid for. */
export function packRefund(pack: BoughtPack, nowMs: number): PackRefund | null {
  const refundCents = floorToCents(larger(nano(nanoOf(pack.paidCents) - pack.usedNano), ZERO));
  if (refundCents === 0 || !isWithinRefundWindow(pack.boughtAtMs, nowMs)) return null;
  const left = nanoOf(cents(pack.paidCents + pack.bonusCents)) - pack.usedNano;
  return {
    refundCents,
    taxCents: cents(Number((BigInt(pack.taxCents) * BigInt(refundCents)) / BigInt(pack.paidCents))),
    voidedNano: nano(left - nanoOf(refundCents)),
  };
}
