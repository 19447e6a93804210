// What is sold (spec D1, D2). A version of a plan never changes; another one takes its place at its effective time, and a
// subscription keeps the version that it was bought at for as long as it stays on that plan.
import { monthsAfter } from './billing-periods.ts';
import { type Cents, cents } from './cents.ts';
import { DAY_MS } from './moments.ts';

export type PlanName = 'free' | 'pay_as_you_go' | 'pro' | 'team' | 'enterprise';

export interface PlanVersion {
  readonly id: string;
  readonly plan: PlanName;
  readonly effectiveAtMs: number;
  /** 0: nothing is paid for the plan itself. */
  readonly monthlyCents: Cents;
  readonly monthlyCreditCents: Cents;
  /** Null: as many members as the customer likes. */
  readonly seats: number | null;
  readonly models: 'basic' | 'all';
  /** Of the list price, for what no included credit covers (domain/overage.ts). */
  readonly beyondIncludedPpm: number;
  /** How fast its organizations may go, unless somebody decided otherwise for one. */
  readonly rateTier: 'standard' | 'high' | 'very_high';
  /** Null: paid in advance. */
  readonly postpaid: PostpaidTerms | null;
}

export interface PostpaidTerms {
  readonly creditLineCents: Cents;
  readonly netDays: number;
}

const AT_LIST_PPM = 1_000_000;
// "A little above the subscription rates" is all that the plan says (business plan, pricing).
const PAY_AS_YOU_GO_PPM = 1_050_000;
const TEAM_OVERAGE_PPM = 900_000;

const WITHOUT_SUBSCRIPTION = {
  effectiveAtMs: 0,
  monthlyCents: cents(0),
  monthlyCreditCents: cents(0),
  seats: 1,
  models: 'all',
  beyondIncludedPpm: PAY_AS_YOU_GO_PPM,
  rateTier: 'standard',
  postpaid: null,
} as const;

/** Enterprise has none: each customer's contract is a version of its own. */
export const FIRST_VERSIONS: readonly PlanVersion[] = [
  { ...WITHOUT_SUBSCRIPTION, id: 'free-1', plan: 'free', models: 'basic' },
  { ...WITHOUT_SUBSCRIPTION, id: 'pay_as_you_go-1', plan: 'pay_as_you_go' },
  {
    ...WITHOUT_SUBSCRIPTION,
    id: 'pro-1',
    plan: 'pro',
    monthlyCents: cents(1_900),
    monthlyCreditCents: cents(2_500),
    beyondIncludedPpm: AT_LIST_PPM,
  },
  {
    ...WITHOUT_SUBSCRIPTION,
    id: 'team-1',
    plan: 'team',
    monthlyCents: cents(9_900),
    monthlyCreditCents: cents(12_000),
    seats: 5,
    beyondIncludedPpm: TEAM_OVERAGE_PPM,
    rateTier: 'high',
  },
];

/** Null: the plan is not sold yet. Versions in any order. */
export function versionInForce(versions: readonly PlanVersion[], plan: PlanName, atMs: number): PlanVersion | null {
  const begun = versions.filter((version) => version.plan === plan && version.effectiveAtMs <= atMs);
  return begun.toSorted((a, b) => a.effectiveAtMs - b.effectiveAtMs).at(-1) ?? null;
}

/** What a subscription agrees on, as plain JSON. */
export interface Terms {
  readonly planVersionId: string;
  readonly months: 1 | 12;
  readonly priceCents: number;
  readonly monthlyCreditCents: number;
}

const MONTHS_PAID_A_YEAR = 10;

export function termsOf(version: PlanVersion, months: 1 | 12): Terms {
  const { id, monthlyCents, monthlyCreditCents } = version;
  const paidMonths = months === 12 ? MONTHS_PAID_A_YEAR : 1;
  return { planVersionId: id, months, priceCents: monthlyCents * paidMonths, monthlyCreditCents };
}

/** Takes effect at once; any other change waits for what was paid to end, because a part of it would be lost. */
export function isUpgrade(from: Terms, to: Terms): boolean {
  return to.priceCents > from.priceCents && to.monthlyCreditCents >= from.monthlyCreditCents;
}

export interface SoldGrant {
  readonly source: 'trial' | 'pack' | 'bonus';
  readonly amountCents: Cents;
  readonly expiresAtMs: number | null;
}

const TRIAL_DAYS = 30;

/** What Free consists of: once per verified mail and card. */
export function trialGrant(nowMs: number): SoldGrant {
  return { source: 'trial', amountCents: cents(100), expiresAtMs: nowMs + TRIAL_DAYS * DAY_MS };
}

export interface Pack {
  readonly paidCents: Cents;
  readonly bonusCents: Cents;
}

export const PACK_IDS = ['pack_10', 'pack_50', 'pack_100'] as const;
export type PackId = (typeof PACK_IDS)[number];

/** What one of them was when somebody asked for it is frozen on the payment. */
export const PACKS: Readonly<Record<PackId, Pack>> = {
  pack_10: { paidCents: cents(1_000), bonusCents: cents(0) },
  pack_50: { paidCents: cents(5_000), bonusCents: cents(500) },
  pack_100: { paidCents: cents(10_000), bonusCents: cents(1_500) },
};

const BONUS_MONTHS = 12;

/** The bonus expires and so burns first (domain/burn-order.ts); what was paid for stays for ever. */
export function packGrants({ paidCents, bonusCents }: Pack, paidAtMs: number): SoldGrant[] {
  const paid = { source: 'pack', amountCents: paidCents, expiresAtMs: null } as const;
  if (bonusCents === 0) return [paid];
  return [paid, { source: 'bonus', amountCents: bonusCents, expiresAtMs: monthsAfter(paidAtMs, BONUS_MONTHS) }];
}
