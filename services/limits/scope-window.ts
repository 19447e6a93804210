// What one gateway knows about one scope: what it counted itself, and what the others had counted when they were last heard.
// A request fits when it fits into the sum of both. Until the next exchange a gateway takes the others to stand still, so
// what passes beyond a rate is at most what arrives within one exchange (D8).
import { newRateWindow, type RateWindow, remaining, resetMs, together } from '../../domain/rate-window.ts';

export interface RateScope {
  /** 'org:<id>', 'key:<id>', 'model:<orgId>:<modelId>' */
  readonly id: string;
  readonly requestsPerMinute: number | null;
  readonly tokensPerMinute: number | null;
  readonly concurrentRequests: number | null;
}

export type Limited = 'requests' | 'tokens' | 'concurrency';

export interface RateReading {
  readonly limit: number;
  readonly remaining: number;
  /** Until nothing is counted any more. */
  readonly resetMs: number;
}

export interface Counts {
  readonly requests: RateWindow;
  readonly tokens: RateWindow;
  /** Requests in flight. */
  readonly open: number;
}

export const NOTHING: Counts = { requests: newRateWindow(0), tokens: newRateWindow(0), open: 0 };

// Nobody can say when a slot will be free.
const SLOT_RETRY_MS = 1_000;

export class ScopeWindow implements Counts {
  readonly id: string;
  requests: RateWindow;
  tokens: RateWindow;
  open = 0;
  others = NOTHING;

  constructor(id: string, nowMs: number) {
    this.id = id;
    this.requests = newRateWindow(nowMs);
    this.tokens = newRateWindow(nowMs);
  }

  fits(scope: RateScope, tokens: number, nowMs: number): boolean {
    return (
      this.waitMs(scope, 'requests', tokens, nowMs) === 0 &&
      this.waitMs(scope, 'tokens', tokens, nowMs) === 0 &&
      this.waitMs(scope, 'concurrency', tokens, nowMs) === 0
    );
  }

  /** 0: there is room now. */
  waitMs(scope: RateScope, what: Limited, tokens: number, nowMs: number): number {
    const { others } = this;
    switch (what) {
      case 'requests':
        return untilFits(this.requests, others.requests, nowMs, 1, scope.requestsPerMinute);
      case 'tokens':
        return untilFits(this.tokens, others.tokens, nowMs, tokens, scope.tokensPerMinute);
      case 'concurrency': {
        const { concurrentRequests } = scope;
        return concurrentRequests === null || this.open + others.open < concurrentRequests ? 0 : SLOT_RETRY_MS;
      }
    }
  }

  requestsOf(scope: RateScope, nowMs: number): RateReading | null {
    return readingOf(this.requests, this.others.requests, nowMs, scope.requestsPerMinute);
  }

  tokensOf(scope: RateScope, nowMs: number): RateReading | null {
    return readingOf(this.tokens, this.others.tokens, nowMs, scope.tokensPerMinute);
  }

  /** Nothing of it is counted here any more, and nothing in flight can change that. */
  isIdle(nowMs: number): boolean {
    const lastMinute = newRateWindow(nowMs).minute - 1;
    return this.open === 0 && this.requests.minute < lastMinute && this.tokens.minute < lastMinute;
  }
}

/** An estimate larger than the whole rate needs a minute without anything else: it can never find more room (D9). */
function untilFits(
  own: RateWindow,
  others: RateWindow,
  nowMs: number,
  units: number,
  perMinute: number | null,
): number {
  if (perMinute === null) return 0;
  return resetMs(together(own, others), nowMs, Math.min(units, perMinute), perMinute) ?? 0;
}

function readingOf(own: RateWindow, others: RateWindow, nowMs: number, perMinute: number | null): RateReading | null {
  if (perMinute === null) return null;
  const window = together(own, others);
  return {
    limit: perMinute,
    remaining: remaining(window, nowMs, perMinute),
    resetMs: resetMs(window, nowMs, perMinute, perMinute) ?? 0,
  };
}
