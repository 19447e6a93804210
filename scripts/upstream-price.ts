// A price as the pinned list writes it, turned into ours: dollars per million tokens become whole micro-dollars, tiers per field
// become tiers per price. What it does not know it refuses: a price that is left out would be sold for nothing.
import type { Meter } from '../domain/meters.ts';
import type { PriceTier } from '../domain/prices.ts';

type UsdPerMillion = number | { readonly base: number; readonly tiers: readonly UpstreamTier[] };

/** In force where the input has more tokens than `start`. */
interface UpstreamTier {
  readonly start: number;
  readonly price: number;
}

type UpstreamPrice = Readonly<Record<string, UsdPerMillion>>;

interface DatedPrice {
  readonly constraint?: { readonly type: string; readonly start_date?: string };
  readonly prices: UpstreamPrice;
}

export type UpstreamPrices = UpstreamPrice | readonly DatedPrice[];

const METER_OF: Readonly<Record<string, Meter>> = {
  input_mtok: 'input',
  cache_read_mtok: 'cachedInput',
  cache_write_mtok: 'cacheWrite5m',
  cache_write_1h_mtok: 'cacheWrite1h',
  output_mtok: 'output',
  input_audio_mtok: 'inputAudio',
  input_image_mtok: 'inputImage',
  output_audio_mtok: 'outputAudio',
};

/** Tools that providers run on their side and video: nothing of it is sold. Cached audio is counted as cached input. */
const NOT_SOLD: ReadonlySet<string> = new Set([
  'web_searches_kcount',
  'storage_searches_kcount',
  'input_video_mtok',
  'cache_audio_read_mtok',
]);

/** Tiers of the price in force on that day (2026-11-23). @throws RangeError for a field or a condition that it does not know */
export function tiersOf(upstream: UpstreamPrices, onDate: string): PriceTier[] {
  const price = isDated(upstream) ? inForce(upstream, onDate) : upstream;
  const fields = Object.entries(price).filter(([field]) => !NOT_SOLD.has(field));
  const starts = fields.flatMap(([, value]) =>
    typeof value === 'number' ? [] : value.tiers.map(({ start }) => start),
  );
  return [...new Set([0, ...starts])]
    .sort((a, b) => a - b)
    .map((aboveInputTokens) => ({
      aboveInputTokens,
      microUsdPerMillion: Object.fromEntries(
        fields.map(([field, value]) => [meterOf(field), microUsd(at(value, aboveInputTokens))]),
      ),
    }));
}

function isDated(upstream: UpstreamPrices): upstream is readonly DatedPrice[] {
  return Array.isArray(upstream);
}

/** The list gives them in the order of their start; the first has none. */
function inForce(dated: readonly DatedPrice[], onDate: string): UpstreamPrice {
  const begun = dated.filter(({ constraint }) => {
    if (constraint === undefined) return true;
    if (constraint.type !== 'start_date' || constraint.start_date === undefined)
      throw new RangeError(`a price under the condition ${JSON.stringify(constraint)}`);
    return constraint.start_date <= onDate;
  });
  const latest = begun.at(-1);
  if (latest === undefined) throw new RangeError(`no price on ${onDate}`);
  return latest.prices;
}

function meterOf(field: string): Meter {
  const meter = METER_OF[field];
  if (meter === undefined) throw new RangeError(`a price for ${field}`);
  return meter;
}

function at(value: UsdPerMillion, aboveInputTokens: number): number {
  if (typeof value === 'number') return value;
  return value.tiers.findLast(({ start }) => start <= aboveInputTokens)?.price ?? value.base;
}

/** The list has at most six decimals; more would be rounded money. */
function microUsd(usdPerMillion: number): number {
  const micro = Math.round(usdPerMillion * 1_000_000);
  if (micro <= 0 || micro / 1_000_000 !== usdPerMillion) throw new RangeError(`a price of $${usdPerMillion}`);
  return micro;
}
