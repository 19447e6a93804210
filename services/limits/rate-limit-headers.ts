// The rate limit headers that official clients read, in the names and formats of the caller's family.

import type { RateState } from './rate-limiter.ts';
import type { RateReading } from './scope-window.ts';

/** Anthropic counts input and output apart; of one rate for both, as much is left of either as of all. */
const ANTHROPIC_TOKENS = ['tokens', 'input-tokens', 'output-tokens'] as const;

/** A flat list of names and values, as node:http takes it. */
export function rateLimitHeaders(family: 'openai' | 'anthropic', state: RateState, nowMs: number): string[] {
  const headers: string[] = [];
  if (family === 'openai') {
    if (state.requests !== null) pushOpenai(headers, 'requests', state.requests);
    if (state.tokens !== null) pushOpenai(headers, 'tokens', state.tokens);
  } else {
    if (state.requests !== null) pushAnthropic(headers, 'requests', state.requests, nowMs);
    if (state.tokens !== null) for (const what of ANTHROPIC_TOKENS) pushAnthropic(headers, what, state.tokens, nowMs);
  }
  return headers;
}

function pushOpenai(headers: string[], what: 'requests' | 'tokens', { limit, remaining, resetMs }: RateReading): void {
  headers.push(
    `x-ratelimit-limit-${what}`,
    String(limit),
    `x-ratelimit-remaining-${what}`,
    String(remaining),
    `x-ratelimit-reset-${what}`,
    duration(Math.ceil(resetMs / 1_000)),
  );
}

function pushAnthropic(
  headers: string[],
  what: 'requests' | (typeof ANTHROPIC_TOKENS)[number],
  { limit, remaining, resetMs }: RateReading,
  nowMs: number,
): void {
  headers.push(
    `anthropic-ratelimit-${what}-limit`,
    String(limit),
    `anthropic-ratelimit-${what}-remaining`,
    String(remaining),
    `anthropic-ratelimit-${what}-reset`,
    rfc3339(Math.ceil((nowMs + resetMs) / 1_000)),
  );
}

/** As Go prints it, which is what OpenAI sends: 1s, 6m0s. */
function duration(seconds: number): string {
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}

let printedSeconds = 0;
let printed = '';

/** Printing a date costs a microsecond, and most answers of a minute name the same one. */
function rfc3339(epochSeconds: number): string {
  if (epochSeconds !== printedSeconds) {
    printed = new Date(epochSeconds * 1_000).toISOString().replace('.000Z', 'Z');
    printedSeconds = epochSeconds;
  }
  return printed;
}
