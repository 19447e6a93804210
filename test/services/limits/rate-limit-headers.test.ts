import { expect, test } from '@jest/globals';
import { rateLimitHeaders } from '../../../services/limits/rate-limit-headers.ts';

const NOW_MS = Date.parse('2026-05-01T12:00:00.000Z');
const state = {
  requests: { limit: 600, remaining: 599, resetMs: 360_000 },
  tokens: { limit: 1_000_000, remaining: 0, resetMs: 1 },
};

test('an OpenAI client reads its rates in its own names and durations', () => {
  expect(rateLimitHeaders('openai', state, NOW_MS)).toEqual([
    ...['x-ratelimit-limit-requests', '600', 'x-ratelimit-remaining-requests', '599'],
    ...['x-ratelimit-reset-requests', '6m0s'],
    ...['x-ratelimit-limit-tokens', '1000000', 'x-ratelimit-remaining-tokens', '0', 'x-ratelimit-reset-tokens', '1s'],
  ]);
});

test('an Anthropic client reads its rates in its own names and instants', () => {
  expect(rateLimitHeaders('anthropic', state, NOW_MS)).toEqual([
    ...['anthropic-ratelimit-requests-limit', '600', 'anthropic-ratelimit-requests-remaining', '599'],
    ...['anthropic-ratelimit-requests-reset', '2026-05-01T12:06:00Z'],
    ...['tokens', 'input-tokens', 'output-tokens'].flatMap((what) => [
      ...[`anthropic-ratelimit-${what}-limit`, '1000000', `anthropic-ratelimit-${what}-remaining`, '0'],
      ...[`anthropic-ratelimit-${what}-reset`, '2026-05-01T12:00:01Z'],
    ]),
  ]);
});

test('what is not limited has no header', () => {
  expect(rateLimitHeaders('openai', { requests: null, tokens: null }, NOW_MS)).toEqual([]);
  expect(rateLimitHeaders('anthropic', { ...state, requests: null }, NOW_MS)).toHaveLength(18);
});
