// Usage whose parts do not add up to its whole is charged by the rule for it, and says so, because somebody should look at that
// provider (gateways.md T27).
import { expect, test } from '@jest/globals';
import { readAnthropicUsage } from '../../../../api/proxy/dialects/anthropic-usage.ts';
import { readOpenaiUsage } from '../../../../api/proxy/dialects/openai-usage.ts';

const WRITES: readonly (readonly [string, object, object, boolean])[] = [
  ['a total alone', { cache_creation_input_tokens: 500 }, { cacheWrite5m: 500 }, false],
  [
    'a split alone',
    { cache_creation: { ephemeral_5m_input_tokens: 200, ephemeral_1h_input_tokens: 300 } },
    { cacheWrite5m: 200, cacheWrite1h: 300 },
    false,
  ],
  [
    'a total and the split that makes it up',
    {
      cache_creation_input_tokens: 500,
      cache_creation: { ephemeral_5m_input_tokens: 200, ephemeral_1h_input_tokens: 300 },
    },
    { cacheWrite5m: 200, cacheWrite1h: 300 },
    false,
  ],
  [
    'a total beyond its split',
    { cache_creation_input_tokens: 500, cache_creation: { ephemeral_1h_input_tokens: 300 } },
    { cacheWrite5m: 200, cacheWrite1h: 300 },
    true,
  ],
  [
    'a split beyond its total',
    {
      cache_creation_input_tokens: 400,
      cache_creation: { ephemeral_5m_input_tokens: 200, ephemeral_1h_input_tokens: 300 },
    },
    { cacheWrite5m: 200, cacheWrite1h: 300 },
    true,
  ],
];

test.each(WRITES)('Anthropic: %s', (_, stated, meters, repaired) => {
  const reading = readAnthropicUsage({ input_tokens: 10, output_tokens: 5, ...stated });

  expect(reading).toEqual({ usage: { input: 10, output: 5, ...meters }, implausible: false, repaired });
});

const PARTS: readonly (readonly [string, object, object, boolean])[] = [
  [
    'parts within their wholes',
    { prompt_tokens_details: { cached_tokens: 80 }, completion_tokens_details: { reasoning_tokens: 15 } },
    { input: 20, cachedInput: 80, output: 5, reasoning: 15 },
    false,
  ],
  // Audio may have been cached, too.
  [
    'parts that overlap',
    { prompt_tokens_details: { cached_tokens: 80, audio_tokens: 50 } },
    { input: 0, cachedInput: 80, inputAudio: 20, output: 20 },
    false,
  ],
  [
    'more cached than there was',
    { prompt_tokens_details: { cached_tokens: 101 } },
    { input: 0, cachedInput: 100, output: 20 },
    true,
  ],
  [
    'more reasoning than output',
    { completion_tokens_details: { reasoning_tokens: 21 } },
    { input: 100, output: 0, reasoning: 20 },
    true,
  ],
];

test.each(PARTS)('OpenAI: %s', (_, stated, usage, repaired) => {
  const reading = readOpenaiUsage({ prompt_tokens: 100, completion_tokens: 20, total_tokens: 120, ...stated });

  expect(reading).toEqual({ usage, implausible: false, repaired });
});
