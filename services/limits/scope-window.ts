// What one gateway knows about one scope: what it counted itself, what the others told, and how many gateways share it.
// Near its end a rate is divided: between two settlements a gateway takes no more than its share of what was left, because
// the others may be taking theirs. Without that, three gateways would let one burst through three times (T73).
import { counted, newRateWindow, type RateWindow, remaining, resetMs, wouldExceed } from '../../domain/rate-window.ts';

export interface RateScope {
  /** 'org:<id>', 'key:<id>', 'model:<orgId>:<modelId>' */
  readonly id: string;
  readonly requestsPerMinute: number | null;
  readonly tokensPerMinute: number | null;
  readonly concurrentRequests: number | null;
}

export type Limited = 'requests' | 'tokens' | 'concurrency';

/** `contended`: too much for this gateway's share, but not known to be too much for the whole. */
export type Verdict = 'fits' | 'contended' | 'full';

export interface RateReading {
  readonly limit: number;
  readonly remaining: number;
  /** Until nothing is counted any more. */
  readonly resetMs: number;
}

// Nobody can say when a slot will be free.
const SLOT_RETRY_MS = 1_000;
const CONTENDED_RETRY_MS = 100;

export class ScopeWindow {
  readonly id: string;
  readonly requests: RateCount;
  readonly tokens: RateCount;
  readonly open = new OpenCount();
  /** Gateways that used this scope lately, this one included; all of them as long as nothing is known. */
  sharers: number;
  /** The loss of Redis after which the others' counts were learned. */
  epoch: number;
  /** Waits to be exchanged. */
  isDirty = false;
  busySinceRound = 0;
  touchedRound = Number.NEGATIVE_INFINITY;

  constructor(id: string, nowMs: number, sharers: number, epoch: number) {
    this.id = id;
    this.requests = new RateCount(nowMs);
    this.tokens = new RateCount(nowMs);
    this.sharers = sharers;
    this.epoch = epoch;
  }

  fits(scope: RateScope, tokens: number, nowMs: number): boolean {
    const { requestsPerMinute, tokensPerMinute, concurrentRequests } = scope;
    return (
      (requestsPerMinute === null || this.requests.verdict(nowMs, 1, requestsPerMinute, this.sharers) === 'fits') &&
      (tokensPerMinute === null || this.tokens.verdict(nowMs, tokens, tokensPerMinute, this.sharers) === 'fits') &&
      (concurrentRequests === null || this.open.verdict(concurrentRequests, this.sharers) === 'fits')
    );
  }

  verdict(scope: RateScope, what: Limited, tokens: number, nowMs: number): Verdict {
    const atMost = ceilingOf(scope, what);
    if (atMost === null) return 'fits';
    if (what === 'concurrency') return this.open.verdict(atMost, this.sharers);
    if (what === 'tokens') return this.tokens.verdict(nowMs, tokens, atMost, this.sharers);
    return this.requests.verdict(nowMs, 1, atMost, this.sharers);
  }

  waitMs(scope: RateScope, what: Limited, tokens: number, nowMs: number): number {
    const atMost = ceilingOf(scope, what) ?? 0;
    if (what === 'concurrency') return SLOT_RETRY_MS;
    const waitMs =
      what === 'tokens' ? this.tokens.waitMs(nowMs, tokens, atMost) : this.requests.waitMs(nowMs, 1, atMost);
    return waitMs === 0 ? CONTENDED_RETRY_MS : waitMs;
  }

  /** More than half of a share is taken: the others should hear of it before the next regular exchange. */
  isPressed({ requestsPerMinute, tokensPerMinute, concurrentRequests }: RateScope, nowMs: number): boolean {
    if (this.sharers === 1) return false;
    return (
      (requestsPerMinute !== null && this.requests.isPressed(nowMs, requestsPerMinute, this.sharers)) ||
      (tokensPerMinute !== null && this.tokens.isPressed(nowMs, tokensPerMinute, this.sharers)) ||
      (concurrentRequests !== null && this.open.isPressed(concurrentRequests, this.sharers))
    );
  }

  publish(): void {
    this.isDirty = false;
    this.requests.publish();
    this.tokens.publish();
    this.open.publish();
  }

  learn(requests: RateWindow, tokens: RateWindow, open: number): void {
    this.requests.others = requests;
    this.tokens.others = tokens;
    this.open.others = open;
  }

  settle(sharers: number): void {
    this.sharers = sharers;
    this.requests.settle();
    this.tokens.settle();
    this.open.settle();
  }

  /** Redis is lost: what the others do is unknown, so they are taken to do nothing. */
  forgetOthers(epoch: number): void {
    this.epoch = epoch;
    this.sharers = 1;
    this.learn(newRateWindow(0), newRateWindow(0), 0);
  }

  isIdle(nowMs: number): boolean {
    return this.open.own === 0 && !this.isDirty && this.requests.isFaded(nowMs) && this.tokens.isFaded(nowMs);
  }
}

function ceilingOf(scope: RateScope, what: Limited): number | null {
  if (what === 'requests') return scope.requestsPerMinute;
  return what === 'tokens' ? scope.tokensPerMinute : scope.concurrentRequests;
}

class RateCount {
  own: RateWindow;
  others: RateWindow;
  /** As it was last told to the others. */
  #published: RateWindow;
  #settledOwn: RateWindow;
  #settledOthers: RateWindow;

  constructor(nowMs: number) {
    this.own = newRateWindow(nowMs);
    this.others = this.own;
    this.#published = this.own;
    this.#settledOwn = this.own;
    this.#settledOthers = this.own;
  }

  verdict(nowMs: number, units: number, perMinute: number, sharers: number): Verdict {
    const needed = Math.min(units, perMinute);
    if (wouldExceed(together(this.own, this.others), nowMs, needed, perMinute)) return 'full';
    if (sharers === 1) return 'fits';
    const taken = this.#takenSinceSettled();
    // The first request passes whatever its size: shares smaller than a request would refuse for ever.
    return taken <= 0 || this.#isInShare(nowMs, taken + needed, perMinute, sharers) ? 'fits' : 'contended';
  }

  isPressed(nowMs: number, perMinute: number, sharers: number): boolean {
    return !this.#isInShare(nowMs, 2 * this.#takenSinceSettled(), perMinute, sharers);
  }

  count(nowMs: number, units: number): void {
    this.own = counted(this.own, nowMs, units);
  }

  publish(): void {
    this.#published = this.own;
  }

  settle(): void {
    this.#settledOwn = this.#published;
    this.#settledOthers = this.others;
  }

  read(nowMs: number, perMinute: number | null): RateReading | null {
    if (perMinute === null) return null;
    const window = together(this.own, this.others);
    return {
      limit: perMinute,
      remaining: remaining(window, nowMs, perMinute),
      resetMs: resetMs(window, nowMs, perMinute, perMinute) ?? 0,
    };
  }

  /** An estimate larger than the whole rate waits for a minute without anything else: it can never find more. */
  waitMs(nowMs: number, units: number, perMinute: number): number {
    const needed = Math.min(units, perMinute);
    return resetMs(together(this.own, this.others), nowMs, needed, perMinute) ?? 0;
  }

  isFaded(nowMs: number): boolean {
    return newRateWindow(nowMs).minute > this.own.minute + 1;
  }

  #takenSinceSettled(): number {
    const settled = this.#settledOwn;
    return this.own.minute === settled.minute ? this.own.current - settled.current : this.own.current;
  }

  #isInShare(nowMs: number, taken: number, perMinute: number, sharers: number): boolean {
    return !wouldExceed(together(this.#settledOwn, this.#settledOthers), nowMs, taken * sharers, perMinute);
  }
}

class OpenCount {
  own = 0;
  others = 0;
  #published = 0;
  #settledOwn = 0;
  #settledOthers = 0;

  verdict(atMost: number, sharers: number): Verdict {
    if (this.own + this.others + 1 > atMost) return 'full';
    const taken = this.own - this.#settledOwn;
    return sharers === 1 || taken <= 0 || this.#isInShare(taken + 1, atMost, sharers) ? 'fits' : 'contended';
  }

  isPressed(atMost: number, sharers: number): boolean {
    return !this.#isInShare(2 * (this.own - this.#settledOwn), atMost, sharers);
  }

  publish(): void {
    this.#published = this.own;
  }

  settle(): void {
    this.#settledOwn = this.#published;
    this.#settledOthers = this.others;
  }

  #isInShare(taken: number, atMost: number, sharers: number): boolean {
    return this.#settledOwn + this.#settledOthers + taken * sharers <= atMost;
  }
}

export function together(own: RateWindow, others: RateWindow): RateWindow {
  if (own.minute > others.minute) return plus(own, inMinute(others, own.minute));
  return plus(inMinute(own, others.minute), others);
}

function plus(a: RateWindow, b: RateWindow): RateWindow {
  return { minute: a.minute, current: a.current + b.current, previous: a.previous + b.previous };
}

function inMinute(window: RateWindow, minute: number): RateWindow {
  if (window.minute === minute) return window;
  return { minute, current: 0, previous: window.minute === minute - 1 ? window.current : 0 };
}
