// Keeps requests away from an upstream that fails, and lets exactly one find out whether it is back (gateways.md
// T47). The verdict on an attempt falls at its first byte: a success says that the upstream answers now, whenever it
// was asked. States are plain values that can be stored, so a restart need not forget an open breaker (T51).

export type Breaker =
  | { readonly kind: 'closed'; readonly failuresAtMs: readonly number[] }
  | { readonly kind: 'open'; readonly untilMs: number; readonly waitMs: number }
  | { readonly kind: 'probing'; readonly sinceMs: number; readonly waitMs: number };

const FAILURES_TO_OPEN = 5;
const FAILURE_WINDOW_MS = 10_000;
const FIRST_WAIT_MS = 5_000;
const MAX_WAIT_MS = 300_000;
// A probe may end without a verdict (client gone, a 400 of the client's own): after this long the next request probes.
const PROBE_PATIENCE_MS = 30_000;

const CLOSED: Breaker = { kind: 'closed', failuresAtMs: [] };

export function newBreaker(): Breaker {
  return CLOSED;
}

export function allows(breaker: Breaker, nowMs: number): boolean {
  switch (breaker.kind) {
    case 'closed':
      return true;
    case 'open':
      return nowMs >= breaker.untilMs;
    case 'probing':
      return nowMs - breaker.sinceMs >= PROBE_PATIENCE_MS;
  }
}

/** The attempt that an open breaker lets through becomes the probe; keep the new state before anybody else asks. */
export function onAttempt(breaker: Breaker, nowMs: number): Breaker {
  if (breaker.kind === 'closed' || !allows(breaker, nowMs)) return breaker;
  return { kind: 'probing', sinceMs: nowMs, waitMs: breaker.waitMs };
}

/**
 * Also forgets the failures counted so far. Without that, one error in 200 at 100 requests a second is five in ten
 * seconds, and the breaker would turn an error rate of 0.5 % into an outage of a third of the time.
 */
export function onSuccess(breaker: Breaker): Breaker {
  return breaker.kind === 'closed' && breaker.failuresAtMs.length === 0 ? breaker : CLOSED;
}

export function onFailure(breaker: Breaker, nowMs: number): Breaker {
  switch (breaker.kind) {
    case 'closed': {
      const recent = breaker.failuresAtMs.filter((atMs) => nowMs - atMs < FAILURE_WINDOW_MS);
      if (recent.length + 1 >= FAILURES_TO_OPEN) return opened(nowMs, FIRST_WAIT_MS);
      return { kind: 'closed', failuresAtMs: [...recent, nowMs] };
    }
    case 'open':
      // A straggler that was sent before it opened says nothing new.
      return breaker;
    case 'probing':
      return opened(nowMs, Math.min(breaker.waitMs * 2, MAX_WAIT_MS));
  }
}

function opened(nowMs: number, waitMs: number): Breaker {
  return { kind: 'open', untilMs: nowMs + waitMs, waitMs };
}
