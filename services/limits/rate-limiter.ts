// Requests per minute, tokens per minute and concurrent requests, counted in memory: admission waits for nobody.
// A refused admission counts nothing anywhere, and what an admission counted is put right exactly once, at its release.
// Gateways tell each other every 100 ms what they counted; without Redis each counts alone and refuses nothing more.
import { type Limited, type RateReading, type RateScope, ScopeWindow } from './scope-window.ts';
import type { WindowExchange } from './window-exchange.ts';

export type { RateScope } from './scope-window.ts';

export interface RateTicket {
  readonly scopes: readonly RateScope[];
  readonly windows: readonly ScopeWindow[];
  readonly tokens: number;
  isOpen: boolean;
}

export interface RateRefusal {
  readonly allowed: false;
  readonly scope: RateScope;
  readonly what: Limited;
  readonly retryAfterMs: number;
  /** Only this gateway's share is used up; `admitWhenKnown` finds out whether all of it is. */
  readonly contended: boolean;
}

export type RateDecision = { readonly allowed: true; readonly ticket: RateTicket } | RateRefusal;

/** The tightest of each kind; null where no scope is limited. */
export interface RateState {
  readonly requests: RateReading | null;
  readonly tokens: RateReading | null;
}

const EVERYTHING: readonly Limited[] = ['requests', 'tokens', 'concurrency'];
// Two regular exchanges settle every account, and one more may have been missed.
const PATIENCE_MS = 350;

export class RateLimiter {
  readonly #exchange: WindowExchange | null;
  readonly #windows = new Map<string, ScopeWindow>();
  #sweep = this.#windows.values();

  constructor(exchange: WindowExchange | null) {
    this.#exchange = exchange;
    exchange?.attach(this.#windows);
  }

  admit(scopes: readonly RateScope[], estimatedTokens: number, nowMs: number): RateDecision {
    const windows: ScopeWindow[] = [];
    for (const scope of scopes) {
      const window = this.#windowOf(scope.id, nowMs);
      if (!window.fits(scope, estimatedTokens, nowMs)) return this.#refuse(scopes, estimatedTokens, nowMs);
      windows.push(window);
    }
    for (let index = 0; index < windows.length; index += 1) {
      const window = windows[index];
      const scope = scopes[index];
      if (window !== undefined && scope !== undefined) this.#take(window, scope, estimatedTokens, nowMs);
    }
    return { allowed: true, ticket: { scopes, windows, tokens: estimatedTokens, isOpen: true } };
  }

  /** After a contended refusal: asks the others before saying no. Waits only where the alternative is a 429. */
  async admitWhenKnown(
    scopes: readonly RateScope[],
    estimatedTokens: number,
    clock: () => number,
  ): Promise<RateDecision> {
    const giveUpAtMs = clock() + PATIENCE_MS;
    for (;;) {
      const decision = this.admit(scopes, estimatedTokens, clock());
      if (decision.allowed || !decision.contended || this.#exchange === null || clock() >= giveUpAtMs) return decision;
      await this.#exchange.exchanged();
    }
  }

  /** `actualTokens` null: the request was aborted, and its estimate is given back. A second release does nothing. */
  release(ticket: RateTicket, actualTokens: number | null, nowMs: number): void {
    if (!ticket.isOpen) return;
    ticket.isOpen = false;
    const difference = (actualTokens ?? 0) - ticket.tokens;
    const { scopes, windows } = ticket;
    for (let index = 0; index < windows.length; index += 1) {
      const window = windows[index];
      if (window === undefined) continue;
      window.open.own -= 1;
      if (difference !== 0 && scopes[index]?.tokensPerMinute !== null) window.tokens.count(nowMs, difference);
      this.#exchange?.touch(window);
    }
  }

  state(scopes: readonly RateScope[], nowMs: number): RateState {
    let requests: RateReading | null = null;
    let tokens: RateReading | null = null;
    for (const scope of scopes) {
      const window = this.#windowOf(scope.id, nowMs);
      requests = tighter(requests, window.requests.read(nowMs, scope.requestsPerMinute));
      tokens = tighter(tokens, window.tokens.read(nowMs, scope.tokensPerMinute));
    }
    return { requests, tokens };
  }

  #windowOf(id: string, nowMs: number): ScopeWindow {
    const epoch = this.#exchange?.epoch ?? 0;
    const known = this.#windows.get(id);
    if (known === undefined) return this.#newWindow(id, nowMs, epoch);
    if (known.epoch !== epoch) known.forgetOthers(epoch);
    return known;
  }

  /** Each new window pays for a look at two old ones, so idle ones go without a timer and without a pause. */
  #newWindow(id: string, nowMs: number, epoch: number): ScopeWindow {
    const window = new ScopeWindow(id, nowMs, this.#exchange?.gateways ?? 1, epoch);
    this.#windows.set(id, window);
    for (let looked = 0; looked < 2; looked += 1) {
      const { value: old, done } = this.#sweep.next();
      if (done) this.#sweep = this.#windows.values();
      else if (old.isIdle(nowMs)) {
        this.#windows.delete(old.id);
        this.#exchange?.forget(old.id);
      }
    }
    return window;
  }

  #take(window: ScopeWindow, scope: RateScope, tokens: number, nowMs: number): void {
    if (scope.requestsPerMinute !== null) window.requests.count(nowMs, 1);
    if (scope.tokensPerMinute !== null) window.tokens.count(nowMs, tokens);
    window.open.own += 1;
    if (this.#exchange === null) return;
    this.#exchange.touch(window);
    if (window.isPressed(scope, nowMs)) this.#exchange.hurry();
  }

  /** Names the obstacle that stays longest: waiting for any other would be in vain. */
  #refuse(scopes: readonly RateScope[], tokens: number, nowMs: number): RateRefusal {
    let worst: RateRefusal | null = null;
    for (const scope of scopes) {
      const window = this.#windowOf(scope.id, nowMs);
      this.#exchange?.touch(window);
      for (const what of EVERYTHING) {
        const verdict = window.verdict(scope, what, tokens, nowMs);
        if (verdict === 'fits') continue;
        const contended = verdict === 'contended';
        const retryAfterMs = window.waitMs(scope, what, tokens, nowMs);
        if (worst === null || isWorse(worst, contended, retryAfterMs))
          worst = { allowed: false, scope, what, retryAfterMs, contended };
      }
    }
    if (worst === null) throw new Error('refused, though every scope has room');
    if (worst.contended) this.#exchange?.hurry();
    return worst;
  }
}

function isWorse(worst: RateRefusal, contended: boolean, retryAfterMs: number): boolean {
  return contended === worst.contended ? retryAfterMs > worst.retryAfterMs : worst.contended;
}

function tighter(a: RateReading | null, b: RateReading | null): RateReading | null {
  if (a === null || b === null) return a ?? b;
  return b.remaining < a.remaining ? b : a;
}
