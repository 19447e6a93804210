// What a provider counts and we bill. The classes are disjoint: a cached input token is in cachedInput and not in
// input, a reasoning token is in reasoning and not in output. Dialects split what their providers nest (gateways.md
// T26, T29).

export const METERS = [
  'input',
  'cachedInput',
  'cacheWrite5m',
  'cacheWrite1h',
  'inputAudio',
  'inputImage',
  'output',
  'reasoning',
  'outputAudio',
] as const;

export type Meter = (typeof METERS)[number];

export type Usage = { readonly [M in Meter]?: number };

// A thousand times the largest context sold today. More is a broken provider and goes to quarantine (T7).
export const MAX_METER = 1_000_000_000;

export function isPlausibleUsage(usage: Usage): boolean {
  return METERS.every((meter) => {
    const quantity = usage[meter];
    return quantity === undefined || (Number.isInteger(quantity) && quantity >= 0 && quantity <= MAX_METER);
  });
}

export function inputTokens(usage: Usage): number {
  return (
    (usage.input ?? 0) +
    (usage.cachedInput ?? 0) +
    (usage.cacheWrite5m ?? 0) +
    (usage.cacheWrite1h ?? 0) +
    (usage.inputAudio ?? 0) +
    (usage.inputImage ?? 0)
  );
}

export function outputTokens(usage: Usage): number {
  return (usage.output ?? 0) + (usage.reasoning ?? 0) + (usage.outputAudio ?? 0);
}

export function totalTokens(usage: Usage): number {
  return inputTokens(usage) + outputTokens(usage);
}

export function sameUsage(a: Usage, b: Usage): boolean {
  return METERS.every((meter) => (a[meter] ?? 0) === (b[meter] ?? 0));
}
