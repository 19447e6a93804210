// OpenAI nests its counts: cached, written, audio and image tokens lie inside the prompt, reasoning and audio inside the
// completion. Ours are disjoint, so the parts are taken out, never added (T26, T29). Parts that exceed their whole are
// cut to it: the whole is what the provider bills.
import type { Usage } from '../../../domain/meters.ts';
import { isJsonObject, type JsonObject } from './json-values.ts';
import { readingOfNonObject, UsageCounts, type UsageReading } from './usage-counts.ts';

type Parts = { -readonly [M in keyof Usage]: Usage[M] };

export function readOpenaiUsage(raw: unknown): UsageReading {
  if (!isJsonObject(raw)) return readingOfNonObject(raw);
  const counts = new UsageCounts();
  const prompt = counts.count(raw, 'prompt_tokens') ?? counts.count(raw, 'input_tokens');
  const completion = counts.count(raw, 'completion_tokens') ?? counts.count(raw, 'output_tokens');
  const total = counts.count(raw, 'total_tokens');
  const usage: Parts = {};
  const input = prompt ?? difference(total, completion);
  const output = completion ?? difference(total, prompt);
  if (input !== null) splitInput(usage, input, raw, counts);
  if (output !== null) splitOutput(usage, output, total === null ? null : total - (input ?? 0), raw, counts);
  return counts.reading(input === null || output === null ? null : usage);
}

/** Embeddings report the prompt, and some servers only the total; there is no output to wait for. */
export function readEmbeddingsUsage(raw: unknown): UsageReading {
  if (!isJsonObject(raw)) return readingOfNonObject(raw);
  const counts = new UsageCounts();
  const input = counts.count(raw, 'prompt_tokens') ?? counts.count(raw, 'total_tokens');
  return counts.reading(input === null ? null : { input });
}

function difference(total: number | null, part: number | null): number | null {
  return total === null || part === null || part > total ? null : total - part;
}

function splitInput(usage: Parts, input: number, raw: JsonObject, counts: UsageCounts): void {
  const details = counts.details(raw, 'input_tokens' in raw ? 'input_tokens_details' : 'prompt_tokens_details');
  // DeepSeek and Moonshot report cache hits beside the details.
  const cached =
    counts.count(details, 'cached_tokens') ??
    counts.count(raw, 'prompt_cache_hit_tokens') ??
    counts.count(raw, 'cached_tokens');
  const written = counts.count(details, 'cache_write_tokens');
  const writtenLong = counts.count(counts.details(details, 'cache_write_tokens_details'), 'ttl_12h_tokens');
  let rest = input;
  const take = (meter: keyof Usage, part: number | null): void => {
    const taken = Math.min(counts.within(input, part ?? 0), rest);
    if (taken > 0) usage[meter] = taken;
    rest -= taken;
  };
  take('cachedInput', cached);
  take('cacheWrite1h', counts.within(written ?? 0, writtenLong ?? 0));
  take('cacheWrite5m', (written ?? 0) - (usage.cacheWrite1h ?? 0));
  take('inputAudio', counts.count(details, 'audio_tokens'));
  take('inputImage', counts.count(details, 'image_tokens'));
  usage.input = rest;
}

/**
 * xAI counts reasoning outside the completion, which shows in the total and nowhere else: 10,120 + 1,499 + 2,809 = 14,428
 * (Wei-Shaw/sub2api#5771). Taken as inside, two thirds of that answer would go unbilled.
 */
function splitOutput(
  usage: Parts,
  completion: number,
  totalOutput: number | null,
  raw: JsonObject,
  counts: UsageCounts,
): void {
  const details = counts.details(raw, 'output_tokens' in raw ? 'output_tokens_details' : 'completion_tokens_details');
  const reasoning = counts.count(details, 'reasoning_tokens') ?? 0;
  const isOutside = reasoning > 0 && totalOutput === completion + reasoning;
  const output = isOutside ? completion + reasoning : completion;
  const reasoningPart = counts.within(output, reasoning);
  const audioPart = Math.min(counts.within(output, counts.count(details, 'audio_tokens') ?? 0), output - reasoningPart);
  if (reasoningPart > 0) usage.reasoning = reasoningPart;
  if (audioPart > 0) usage.outputAudio = audioPart;
  usage.output = output - reasoningPart - audioPart;
}
