// Which price versions stand behind a model and behind each of its routes. A model or route with one unsound version is
// withdrawn whole: falling back to the version before it would quietly charge a price that nobody set.
import { METERS } from '../../domain/meters.ts';
import type { Price, PriceVersion } from '../../domain/prices.ts';
import type { PriceRow } from './routing-rows.ts';

const METER_NAMES: ReadonlySet<string> = new Set(METERS);

export class RoutePrices {
  readonly #byLine: ReadonlyMap<string, PriceRow[]>;

  constructor(rows: readonly PriceRow[]) {
    this.#byLine = Map.groupBy(rows, ({ modelId, side, channelId }) => lineOf(modelId, side, channelId));
  }

  selling(modelId: string): readonly PriceVersion[] {
    return this.#versions(modelId, 'selling', null);
  }

  /** What the channel itself charges, and before the first such version what the model costs anywhere. */
  cost(modelId: string, channelId: string): readonly PriceVersion[] {
    const own = this.#versions(modelId, 'cost', channelId);
    const everywhere = this.#versions(modelId, 'cost', null);
    const ownFromMs = own[0]?.effectiveAtMs ?? Number.POSITIVE_INFINITY;
    return [...everywhere.filter(({ effectiveAtMs }) => effectiveAtMs < ownFromMs), ...own];
  }

  #versions(modelId: string, side: PriceRow['side'], channelId: string | null): readonly PriceVersion[] {
    const rows = this.#byLine.get(lineOf(modelId, side, channelId)) ?? [];
    return rows.map(({ id, effectiveAtMs, price }) => {
      if (!isSoundPrice(price))
        throw new RangeError(`price version ${id} is not made of whole numbers in ascending tiers`);
      return { id, modelId, effectiveAtMs, price };
    });
  }
}

function lineOf(modelId: string, side: PriceRow['side'], channelId: string | null): string {
  return JSON.stringify([modelId, side, channelId]);
}

function isSoundPrice(price: unknown): price is Price {
  if (!isRecord(price) || !isWhole(price.perCallNano) || !Array.isArray(price.tiers)) return false;
  const tiers: unknown[] = price.tiers;
  let above = -1;
  for (const tier of tiers) {
    if (!isRecord(tier) || !isWhole(tier.aboveInputTokens) || !isRecord(tier.microUsdPerMillion)) return false;
    if (above === -1 ? tier.aboveInputTokens !== 0 : tier.aboveInputTokens <= above) return false;
    above = tier.aboveInputTokens;
    const meters = Object.entries(tier.microUsdPerMillion);
    if (!meters.every(([meter, price]) => METER_NAMES.has(meter) && isWhole(price))) return false;
  }
  return tiers.length > 0;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isWhole(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
