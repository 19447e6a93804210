// What a request costs. Prices are whole micro-dollars per million tokens, which is pico-dollars per token, so a charge
// is an exact sum of products with one ceil to nano at its end. Nothing else rounds a charge (billing.md 2.1).
import { inputTokens, METERS, type Meter, type Usage } from './meters.ts';
import { type Nano, nano } from './nano.ts';

export interface PriceTier {
  readonly aboveInputTokens: number;
  readonly microUsdPerMillion: { readonly [M in Meter]?: number };
}

/** Tiers ascend and the first starts above 0 input tokens; the tier reached prices the whole request. */
export interface Price {
  readonly tiers: readonly PriceTier[];
  readonly perCallNano: number;
}

export interface PriceVersion {
  readonly id: string;
  readonly modelId: string;
  readonly effectiveAtMs: number;
  readonly price: Price;
}

const PICO_PER_NANO = 1000n;
const ONE_IN_PPM = 1_000_000n;

// A meter without a price of its own is sold as the plainer one that providers count it under.
const SOLD_AS: { readonly [M in Meter]?: Meter } = {
  cachedInput: 'input',
  cacheWrite1h: 'cacheWrite5m',
  cacheWrite5m: 'input',
  inputAudio: 'input',
  inputImage: 'input',
  reasoning: 'output',
  outputAudio: 'output',
};

export function charge(price: Price, usage: Usage): Nano {
  const tier = tierFor(price, inputTokens(usage));
  let pico = BigInt(price.perCallNano) * PICO_PER_NANO;
  for (const meter of METERS) {
    const quantity = usage[meter];
    if (quantity) pico += BigInt(quantity) * BigInt(unitPrice(tier, meter));
  }
  return nano(ceilDiv(pico, PICO_PER_NANO));
}

/** The last tier whose threshold the input is strictly above: 200,000 tokens are still "up to 200,000" (T28). */
export function tierFor(price: Price, tokensIn: number): PriceTier {
  let [reached] = price.tiers;
  if (reached === undefined) throw new RangeError('a price needs at least one tier');
  for (const tier of price.tiers) if (tokensIn > tier.aboveInputTokens) reached = tier;
  return reached;
}

/** Micro-dollars per million, which is pico-dollars per token; 0 where neither the meter nor its stand-in is priced. */
export function unitPrice(tier: PriceTier, meter: Meter): number {
  const own = tier.microUsdPerMillion[meter];
  if (own !== undefined) return own;
  const standIn = SOLD_AS[meter];
  return standIn === undefined ? 0 : unitPrice(tier, standIn);
}

export function sellingPrice(cost: Price, multiplierPpm: number): Price {
  if (!Number.isSafeInteger(multiplierPpm) || multiplierPpm <= 0) {
    throw new RangeError(`a multiplier is a positive whole number of millionths, not ${multiplierPpm}`);
  }
  return {
    tiers: cost.tiers.map((tier) => multipliedTier(tier, multiplierPpm)),
    perCallNano: multiplied(cost.perCallNano, multiplierPpm),
  };
}

function multipliedTier(tier: PriceTier, multiplierPpm: number): PriceTier {
  const microUsdPerMillion: { [M in Meter]?: number } = {};
  for (const meter of METERS) {
    const price = tier.microUsdPerMillion[meter];
    if (price !== undefined) microUsdPerMillion[meter] = multiplied(price, multiplierPpm);
  }
  return { aboveInputTokens: tier.aboveInputTokens, microUsdPerMillion };
}

function multiplied(price: number, multiplierPpm: number): number {
  const product = Number(ceilDiv(BigInt(price) * BigInt(multiplierPpm), ONE_IN_PPM));
  if (!Number.isSafeInteger(product)) throw new RangeError(`${price} x ${multiplierPpm} ppm is too large for a price`);
  return product;
}

/**
 * Millionths of the selling price that stay with us on the worst meter of any tier, rounded down.
 * What costs money and sells for nothing has a margin of -Infinity; a model that neither costs nor earns has 0.
 */
export function grossMarginPpm(selling: Price, cost: Price): number {
  const margins = [marginPpm(selling.perCallNano, cost.perCallNano)];
  for (const { aboveInputTokens } of [...selling.tiers, ...cost.tiers]) {
    const soldAt = tierFor(selling, aboveInputTokens + 1);
    const boughtAt = tierFor(cost, aboveInputTokens + 1);
    for (const meter of METERS) margins.push(marginPpm(unitPrice(soldAt, meter), unitPrice(boughtAt, meter)));
  }
  const known = margins.filter((margin) => margin !== null);
  return known.length === 0 ? 0 : Math.min(...known);
}

function marginPpm(selling: number, cost: number): number | null {
  if (selling === 0) return cost === 0 ? null : Number.NEGATIVE_INFINITY;
  return Number(ONE_IN_PPM - ceilDiv(BigInt(cost) * ONE_IN_PPM, BigInt(selling)));
}

/** Versions of one model and side, in any order. */
export function priceInForce(versions: readonly PriceVersion[], atMs: number): PriceVersion | null {
  let inForce: PriceVersion | null = null;
  for (const version of versions) {
    if (version.effectiveAtMs > atMs) continue;
    if (inForce === null || version.effectiveAtMs > inForce.effectiveAtMs) inForce = version;
  }
  return inForce;
}

/** Neither side is ever negative here: bigint division truncates towards zero, which is a floor only above it. */
function ceilDiv(dividend: bigint, divisor: bigint): bigint {
  return (dividend + divisor - 1n) / divisor;
}
