// Requests per minute, tokens per minute and concurrent requests, counted in memory: admission waits for nobody.
// A refused admission counts nothing anywhere, and what an admission counted is put right exactly once, at its release.
// Gateways tell each other every 100 ms what they counted; without Redis each counts alone and refuses nothing more.
import { counted } from '../../domain/rate-window.ts';
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
}

export type RateDecision = { readonly allowed: true; readonly ticket: RateTicket } | RateRefusal;

/** The tightest of each kind; null where no scope is limited. */
export interface RateState {
  readonly requests: RateReading | null;
  readonly tokens: RateReading | null;
}

const EVERYTHING: readonly Limited[] = ['requests', 'tokens', 'concurrency'];

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

  /** `actualTokens` null: the request was aborted, and its estimate is given back. A second release does nothing. */
  release(ticket: RateTicket, actualTokens: number | null, nowMs: number): void {
    if (!ticket.isOpen) return;
    ticket.isOpen = false;
    const difference = (actualTokens ?? 0) - ticket.tokens;
    const { scopes, windows } = ticket;
    for (let index = 0; index < windows.length; index += 1) {
      const window = windows[index];
      if (window === undefined) continue;
      window.open -= 1;
      if (difference !== 0 && scopes[index]?.tokensPerMinute !== null)
        window.tokens = counted(window.tokens, nowMs, difference);
      this.#exchange?.touch(window);
    }
  }

  state(scopes: readonly RateScope[], nowMs: number): RateState {
    let requests: RateReading | null = null;
    let tokens: RateReading | null = null;
    for (const scope of scopes) {
      const window = this.#windowOf(scope.id, nowMs);
      requests = tighter(requests, window.requestsOf(scope, nowMs));
      tokens = tighter(tokens, window.tokensOf(scope, nowMs));
    }
    return { requests, tokens };
  }

  #windowOf(id: string, nowMs: number): ScopeWindow {
    return this.#windows.get(id) ?? this.#newWindow(id, nowMs);
  }

  /** Each new window pays for a look at two old ones, so idle ones go without a timer and without a pause. */
  #newWindow(id: string, nowMs: number): ScopeWindow {
    const window = new ScopeWindow(id, nowMs);
    this.#windows.set(id, window);
    for (let looked = 0; looked < 2; looked += 1) {
      const { value: old, done } = this.#sweep.next();
      if (done) this.#sweep = this.#windows.values();
      else if (old.isIdle(nowMs)) {
        this.#windows.delete(old.id);
        this.#exchange?.forget(old);
      }
    }
    return window;
  }

  #take(window: ScopeWindow, scope: RateScope, tokens: number, nowMs: number): void {
    if (scope.requestsPerMinute !== null) window.requests = counted(window.requests, nowMs, 1);
    if (scope.tokensPerMinute !== null) window.tokens = counted(window.tokens, nowMs, tokens);
    window.open += 1;
    this.#exchange?.touch(window);
  }

  /** Names the obstacle that stays longest: waiting for any other would be in vain. */
  #refuse(scopes: readonly RateScope[], tokens: number, nowMs: number): RateRefusal {
    let worst: RateRefusal | null = null;
    for (const scope of scopes) {
      const window = this.#windowOf(scope.id, nowMs);
      this.#exchange?.touch(window);
      for (const what of EVERYTHING) {
        const retryAfterMs = window.waitMs(scope, what, tokens, nowMs);
        if (retryAfterMs > (worst?.retryAfterMs ?? 0)) worst = { allowed: false, scope, what, retryAfterMs };
      }
    }
    if (worst === null) throw new Error('refused, though every scope has room');
    return worst;
  }
}

function tighter(a: RateReading | null, b: RateReading | null): RateReading | null {
  if (a === null || b === null) return a ?? b;
  return b.remaining < a.remaining ? b : a;
}
