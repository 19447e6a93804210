// How each family states what the meter counted, and how a fault makes it lie. OpenAI's cached and reasoning tokens lie inside
// prompt and completion; Anthropic's cache reads and writes lie outside input_tokens, and thinking is plain output there.
import { draw } from './chance.ts';
import type { AbsurdKind, Fault } from './fault-grammar.ts';
import { type JsonObject, objectOf } from './json-body.ts';
import type { MeteredUsage } from './meter-file.ts';

export function chatUsage(usage: MeteredUsage): JsonObject {
  const prompt = usage.input + usage.cachedInput;
  const completion = usage.output + usage.reasoning;
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: usage.cachedInput, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: usage.reasoning,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}

export function responsesUsage(usage: MeteredUsage): JsonObject {
  const input = usage.input + usage.cachedInput;
  const output = usage.output + usage.reasoning;
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: usage.cachedInput },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: usage.reasoning },
    total_tokens: input + output,
  };
}

/** Writes that are all for five minutes come now with, now without the split; older versions of the API had none. */
export function messagesUsage(usage: MeteredUsage, attemptId: string): JsonObject {
  const split = usage.cacheWrite1h > 0 || draw(attemptId, 'cache-split') % 2 === 0;
  return {
    input_tokens: usage.input,
    cache_creation_input_tokens: usage.cacheWrite5m + usage.cacheWrite1h,
    cache_read_input_tokens: usage.cachedInput,
    ...(split
      ? {
          cache_creation: {
            ephemeral_5m_input_tokens: usage.cacheWrite5m,
            ephemeral_1h_input_tokens: usage.cacheWrite1h,
          },
        }
      : {}),
    output_tokens: usage.output,
    service_tier: 'standard',
  };
}

/** The member `usage` as it is sent: an object without it, with null, or with figures that the fault has bent. */
export function usageMember(usage: JsonObject, fault: Fault): JsonObject {
  if (fault.usage === null) return { usage };
  if (fault.usage === 'none') return {};
  if (fault.usage === 'null') return { usage: null };
  if (fault.usage === 'zero') return { usage: bent(usage, () => 0) };
  return { usage: bent(usage, ABSURD[fault.usage]) };
}

const ABSURD: Readonly<Record<AbsurdKind, (value: number) => number | string>> = {
  huge: () => 1e15,
  negative: (value) => -value - 1,
  fraction: (value) => value + 0.5,
  string: (value) => String(value),
};

function bent(usage: JsonObject, bend: (value: number) => number | string): JsonObject {
  const members = Object.entries(usage).map(([name, value]) => {
    const inner = objectOf(value);
    return [name, inner === null ? (typeof value === 'number' ? bend(value) : value) : bent(inner, bend)];
  });
  return Object.fromEntries(members);
}
