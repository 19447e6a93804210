// Buying credit when it runs low, without a person. One top-up at a time, never beyond what the customer allows for a day and a month
// (UTC), an hour's rest after a decline, and none any more after three in a row: a card that fails is not hammered, and a timeout is
// not a decline (LLMGateway charges twice there, billing.md 1.2).
import { type Cents, cents, nanoOf } from './cents.ts';
import { ASK_AGAIN_AFTER_MS, type ChargeOutcome } from './charges.ts';
import { earliestAfter, HOUR_MS } from './moments.ts';
import { nano } from './nano.ts';
import { type CapPeriod, nextPeriodStart, periodStart } from './periods.ts';
import { type Command, type Commanded, type Refused, refuse, remembering, type Stepped } from './process-step.ts';
import { knownTaxOn, type Tax } from './tax.ts';

export interface TopUpSettings {
  readonly thresholdCents: number;
  /** Of credit; its card is asked for this and the tax on it. */
  readonly amountCents: number;
  /** The most that its card is asked for, tax included, in a day and in a month. By the tax of one top-up it may be more where only Stripe knows that. */
  readonly dailyCapCents: number;
  readonly monthlyCapCents: number;
}

export interface TopUp extends Commanded {
  /** Null: off. */
  readonly settings: TopUpSettings | null;
  readonly made: number;
  readonly open: OpenTopUp | null;
  readonly isLow: boolean;
  readonly declinesInARow: number;
  readonly notBeforeMs: number | null;
  /** Of this month. */
  readonly paid: readonly PaidTopUp[];
}

export interface OpenTopUp {
  readonly number: number;
  readonly amountCents: number;
  /** With tax, as it was when it was opened. */
  readonly priceCents: number;
  readonly askAgainAtMs: number | null;
}

interface PaidTopUp {
  readonly number: number;
  readonly priceCents: number;
  readonly atMs: number;
}

export type TopUpFact =
  /** Available and leased but unspent, read in the transaction that takes this step: an old balance would buy twice. */
  | { readonly kind: 'balance'; readonly balanceNano: string }
  /** Nobody knows it, and nothing may be bought: a restored database has forgotten what was bought since. */
  | { readonly kind: 'balance_unknown' }
  | {
      readonly kind: 'charged';
      readonly number: number;
      readonly outcome: ChargeOutcome;
      /** With the tax that Stripe has said since it was opened. */
      readonly paidCents?: number;
    };

export type TopUpCommand = Command &
  ({ readonly kind: 'configure'; readonly settings: TopUpSettings } | { readonly kind: 'switch_off' });

/** Each is mailed. */
export type TopUpWrite =
  | { readonly kind: 'topped_up'; readonly number: number; readonly amountCents: number }
  | { readonly kind: 'declined'; readonly number: number }
  | { readonly kind: 'switched_off' };

export interface TopUpAsk {
  readonly kind: 'charge';
  readonly number: number;
  readonly amountCents: number;
}

export type TopUpRefusal = 'stale_revision' | 'amount_above_cap';
export type TopUpResult = Stepped<TopUp, TopUpWrite, TopUpAsk> | Refused<TopUpRefusal>;

const DECLINES_IN_A_ROW = 3;
const BACK_OFF_MS = HOUR_MS;

export function newTopUp(): TopUp {
  return {
    revision: 1,
    requestIds: [],
    settings: null,
    made: 0,
    open: null,
    isLow: false,
    declinesInARow: 0,
    notBeforeMs: null,
    paid: [],
  };
}

/** `tax`: on what its organization buys now. */
export function stepTopUp(before: TopUp, event: TopUpFact | TopUpCommand, nowMs: number, tax: Tax): TopUpResult {
  const told = 'requestId' in event ? obeyed(before, event, tax) : learned(before, event, nowMs);
  if ('kind' in told) return told;
  const acted = opening(told, nowMs, tax);
  const state = acted === before ? before : { ...acted, revision: before.revision + 1 };
  return {
    kind: 'stepped',
    state,
    writes: news(before, state),
    asks: asksOf(state, nowMs),
    wakeAtMs: wakeAt(state, nowMs, tax),
  };
}

function obeyed(state: TopUp, command: TopUpCommand, tax: Tax): TopUp | Refused<TopUpRefusal> {
  if (state.requestIds.includes(command.requestId)) return state;
  if (command.revision !== state.revision) return refuse('stale_revision');
  const requestIds = remembering(state.requestIds, command.requestId);
  if (command.kind === 'switch_off') return { ...state, requestIds, settings: null };
  const { settings } = command;
  if (priceOf(settings, tax) > Math.min(settings.dailyCapCents, settings.monthlyCapCents))
    return refuse('amount_above_cap');
  return { ...state, requestIds, settings, isLow: false, declinesInARow: 0, notBeforeMs: null };
}

function learned(state: TopUp, fact: TopUpFact, nowMs: number): TopUp {
  if (fact.kind === 'charged') return charged(state, fact, nowMs);
  const isLow =
    fact.kind === 'balance' &&
    state.settings !== null &&
    nano(fact.balanceNano) < nanoOf(cents(state.settings.thresholdCents));
  return isLow === state.isLow ? state : { ...state, isLow };
}

type Charged = Extract<TopUpFact, { kind: 'charged' }>;

/** A declined top-up is not awaited any more: its PaymentIntent is cancelled, and the next one has its own. */
function charged(state: TopUp, { number, outcome, paidCents }: Charged, nowMs: number): TopUp {
  const { open } = state;
  if (open?.number !== number) return outcome.kind === 'paid' ? forgotten(state, number, paidCents, nowMs) : state;
  switch (outcome.kind) {
    case 'paid': {
      const priceCents = paidCents ?? open.priceCents;
      const paid = [...state.paid.filter(isOfThis('month', nowMs)), { number, priceCents, atMs: nowMs }];
      return { ...state, open: null, isLow: false, declinesInARow: 0, notBeforeMs: null, paid };
    }
    case 'unknown': {
      const askAgainAtMs = nowMs + ASK_AGAIN_AFTER_MS;
      return askAgainAtMs === open.askAgainAtMs ? state : { ...state, open: { ...open, askAgainAtMs } };
    }
    case 'fault':
      return { ...state, open: null, notBeforeMs: nowMs + BACK_OFF_MS };
    case 'declined': {
      const declinesInARow = state.declinesInARow + 1;
      const settings = declinesInARow < DECLINES_IN_A_ROW ? state.settings : null;
      return { ...state, open: null, declinesInARow, settings, notBeforeMs: nowMs + BACK_OFF_MS };
    }
  }
}

/** One that was opened and paid in days that a restored database has forgotten: its number is not given again, and its price counts for the caps. */
function forgotten(state: TopUp, number: number, paidCents: number | undefined, nowMs: number): TopUp {
  if (number <= state.made || paidCents === undefined) return state;
  const paid = [...state.paid.filter(isOfThis('month', nowMs)), { number, priceCents: paidCents, atMs: nowMs }];
  return { ...state, made: number, isLow: false, declinesInARow: 0, notBeforeMs: null, paid };
}

function isOfThis(period: CapPeriod, nowMs: number): (paid: PaidTopUp) => boolean {
  const startMs = periodStart(period, nowMs) ?? Number.NEGATIVE_INFINITY;
  return ({ atMs }) => atMs >= startMs;
}

function opening(state: TopUp, nowMs: number, tax: Tax): TopUp {
  const { settings } = state;
  const mayAtMs = mayOpenAt(state, nowMs, tax);
  if (settings === null || mayAtMs === null || mayAtMs > nowMs) return state;
  const number = state.made + 1;
  const { amountCents } = settings;
  return {
    ...state,
    made: number,
    open: { number, amountCents, priceCents: priceOf(settings, tax), askAgainAtMs: null },
  };
}

/** What its card is asked for. */
export function priceOf({ amountCents }: TopUpSettings, tax: Tax): Cents {
  return cents(amountCents + knownTaxOn(tax, cents(amountCents)));
}

/** Null: nothing is to be bought, or a purchase is under way. */
function mayOpenAt({ settings, open, isLow, notBeforeMs, paid }: TopUp, nowMs: number, tax: Tax): number | null {
  if (settings === null || open !== null || !isLow) return null;
  const { dailyCapCents, monthlyCapCents } = settings;
  const priceCents = priceOf(settings, tax);
  const freeAt = (period: 'day' | 'month', capCents: number) => {
    const spent = paid.filter(isOfThis(period, nowMs)).reduce((total, one) => total + one.priceCents, 0);
    return spent + priceCents <= capCents ? nowMs : (nextPeriodStart(period, nowMs) ?? nowMs);
  };
  return Math.max(notBeforeMs ?? nowMs, freeAt('day', dailyCapCents), freeAt('month', monthlyCapCents));
}

function news(before: TopUp, after: TopUp): TopUpWrite[] {
  const answered = before.open !== null && after.open?.number !== before.open.number ? before.open : null;
  const isOff = after.settings === null && before.settings !== null;
  const switchedOff = isOff ? [{ kind: 'switched_off' } as const] : [];
  if (answered === null) return switchedOff;
  const { number, amountCents } = answered;
  if (after.paid.some((one) => one.number === number)) return [{ kind: 'topped_up', number, amountCents }];
  const isDeclined = after.declinesInARow > before.declinesInARow;
  return isDeclined ? [{ kind: 'declined', number }, ...switchedOff] : switchedOff;
}

function asksOf({ open }: TopUp, nowMs: number): TopUpAsk[] {
  if (open === null || (open.askAgainAtMs ?? nowMs) > nowMs) return [];
  return [{ kind: 'charge', number: open.number, amountCents: open.amountCents }];
}

/** Woken, it is stepped with the balance of that moment. */
function wakeAt(state: TopUp, nowMs: number, tax: Tax): number | null {
  return earliestAfter(nowMs, [mayOpenAt(state, nowMs, tax), state.open?.askAgainAtMs ?? null]);
}
