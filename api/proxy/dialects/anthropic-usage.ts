// Anthropic's counts are disjoint already: cache reads and writes lie outside input_tokens. Writes come as a total, as a
// split by lifetime, or as both; where both do not agree, the split is charged and what it leaves of the total as 5 min
// (T27). output_tokens holds the thinking and is what Anthropic bills.
import type { Usage } from '../../../domain/meters.ts';
import { isJsonObject } from './json-values.ts';
import { readingOfNonObject, UsageCounts, type UsageReading } from './usage-counts.ts';

export function readAnthropicUsage(raw: unknown): UsageReading {
  if (!isJsonObject(raw)) return readingOfNonObject(raw);
  const counts = new UsageCounts();
  const input = counts.count(raw, 'input_tokens');
  const output = counts.count(raw, 'output_tokens');
  const cachedInput = counts.count(raw, 'cache_read_input_tokens') ?? 0;
  const written = counts.count(raw, 'cache_creation_input_tokens');
  const split = counts.details(raw, 'cache_creation');
  const written5m = counts.count(split, 'ephemeral_5m_input_tokens');
  const written1h = counts.count(split, 'ephemeral_1h_input_tokens');
  const cacheWrite1h = written1h ?? 0;
  const cacheWrite5m = Math.max(written5m ?? 0, (written ?? 0) - cacheWrite1h);
  if (written !== null && (written5m ?? written1h) !== null && (written5m ?? 0) + cacheWrite1h !== written)
    counts.disagree();
  if (input === null || output === null) return counts.reading(null);
  const usage: Usage = {
    input,
    ...(cachedInput > 0 && { cachedInput }),
    ...(cacheWrite5m > 0 && { cacheWrite5m }),
    ...(cacheWrite1h > 0 && { cacheWrite1h }),
    output,
  };
  return counts.reading(usage);
}
