// A charge is one ceil of meters times prices, to the nano: the figures of the money tests, and what a meter costs that has no
// price of its own.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { METERS, type Usage } from '../../domain/meters.ts';
import { formatUsd, nano, ZERO } from '../../domain/nano.ts';
import {
  charge,
  grossMarginPpm,
  type Price,
  type PriceTier,
  type PriceVersion,
  priceInForce,
  sellingPrice,
} from '../../domain/prices.ts';

type TierPrices = PriceTier['microUsdPerMillion'];

function flat(microUsdPerMillion: TierPrices, perCallNano = 0): Price {
  return { tiers: [{ aboveInputTokens: 0, microUsdPerMillion }], perCallNano };
}

const std = flat({ input: 2_500_000, output: 10_000_000 });
const emb = flat({ input: 20_000 });

const meterRecord = (values: fc.Arbitrary<number>) =>
  fc.record(Object.fromEntries(METERS.map((meter) => [meter, values])), { requiredKeys: [] });
const usages: fc.Arbitrary<Usage> = meterRecord(fc.integer({ min: 0, max: 2_000_000 }));
const flatPrices = fc
  .tuple(meterRecord(fc.integer({ min: 0, max: 200_000_000 })), fc.integer({ min: 0, max: 10_000_000 }))
  .map(([prices, perCallNano]) => flat(prices, perCallNano));
const meters = fc.constantFrom(...METERS);

describe('the money tests of billing.md', () => {
  // By a price version; what a plan makes of a charge is overage.test.ts's.
  const discounted = (price: Price) => sellingPrice(price, 900_000);

  test('M01: 1,234 in and 567 out of std cost 0.008755000, and 0.007879500 with the discount', () => {
    const usage = { input: 1_234, output: 567 };

    expect(formatUsd(charge(std, usage))).toBe('0.008755000');
    expect(formatUsd(charge(discounted(std), usage))).toBe('0.007879500');
  });

  test('M02: a million embeddings of 7 tokens cost 0.14, not the dollar that rounding up to micros would make; discounted 0.126', () => {
    const [one, cheaper] = [charge(emb, { input: 7 }), charge(discounted(emb), { input: 7 })];

    expect(formatUsd(one)).toBe('0.000000140');
    expect(formatUsd(nano(one * 1_000_000n))).toBe('0.140000000');
    expect(formatUsd(nano(cheaper * 1_000_000n))).toBe('0.126000000');
  });
});

describe('meters', () => {
  const claude = flat({
    input: 3_000_000,
    cachedInput: 300_000,
    cacheWrite5m: 3_750_000,
    cacheWrite1h: 6_000_000,
    output: 15_000_000,
  });

  test('cache reads and both cache writes have prices of their own (T26, T27)', () => {
    const usage = { input: 21, cachedInput: 188_086, cacheWrite5m: 456, cacheWrite1h: 248, output: 393 };

    // 63 + 56,425.8 + 1,710 + 1,488 + 5,895 micro-dollars, by hand
    expect(formatUsd(charge(claude, usage))).toBe('0.065581800');
  });

  test('audio and image tokens cost what they are priced at, and the parts add up to the whole (T30)', () => {
    const price = flat({ input: 2_500_000, inputAudio: 40_000_000, inputImage: 5_000_000, outputAudio: 80_000_000 });

    expect(charge(price, { input: 100, inputAudio: 30, inputImage: 85, outputAudio: 12 })).toBe(
      charge(price, { input: 100 }) +
        charge(price, { inputAudio: 30 }) +
        charge(price, { inputImage: 85 }) +
        charge(price, { outputAudio: 12 }),
    );
  });

  test.each([
    ['reasoning', 'output'],
    ['outputAudio', 'output'],
    ['cachedInput', 'input'],
    ['cacheWrite5m', 'input'],
    ['cacheWrite1h', 'input'],
    ['inputAudio', 'input'],
    ['inputImage', 'input'],
  ] as const)('%s without a price of its own is sold as %s', (meter, standIn) => {
    expect(charge(std, { [meter]: 1_000 })).toBe(charge(std, { [standIn]: 1_000 }));
  });

  test('a one-hour cache write is sold as a five-minute one before it is sold as input', () => {
    const price = flat({ input: 3_000_000, cacheWrite5m: 3_750_000 });

    expect(charge(price, { cacheWrite1h: 1_000 })).toBe(3_750_000n);
  });

  test('an explicit price of zero is a price: cached input given away is not sold as input', () => {
    expect(charge(flat({ input: 3_000_000, cachedInput: 0 }), { cachedInput: 9_999 })).toBe(ZERO);
  });

  test('the fee for a call is due whatever was counted', () => {
    expect(charge(flat({}, 2_000_000), {})).toBe(2_000_000n);
  });
});

describe('tiers', () => {
  const tiered: Price = {
    tiers: [
      { aboveInputTokens: 0, microUsdPerMillion: { input: 1_250_000, output: 10_000_000 } },
      { aboveInputTokens: 200_000, microUsdPerMillion: { input: 2_500_000, output: 15_000_000 } },
    ],
    perCallNano: 0,
  };

  test('the dearer tier begins strictly above its threshold and then prices the whole request (T28)', () => {
    expect(formatUsd(charge(tiered, { input: 199_999, output: 1 }))).toBe('0.250008750');
    expect(formatUsd(charge(tiered, { input: 200_000, output: 1 }))).toBe('0.250010000');
    expect(formatUsd(charge(tiered, { input: 200_001, output: 1 }))).toBe('0.500017500');
  });

  test('tokens read from and written to a cache fill the context like any others', () => {
    expect(charge(tiered, { input: 1, cachedInput: 150_000, cacheWrite5m: 50_000 })).toBe(
      charge(tiered, { input: 200_001 }),
    );
  });

  test('output does not lift a request into the dearer tier', () => {
    expect(charge(tiered, { output: 300_000 })).toBe(3_000_000_000n);
  });

  test('a price without tiers is refused, not read as free', () => {
    expect(() => charge({ tiers: [], perCallNano: 0 }, { input: 1 })).toThrow(RangeError);
  });
});

describe('whatever the price and the usage', () => {
  test('a charge is never negative and is at most one nano above the exact sum', () => {
    fc.assert(
      fc.property(flatPrices, usages, (price, usage) => {
        const whole = charge(price, usage);
        const thousandfold = charge({ ...price, perCallNano: price.perCallNano * 1_000 }, timesThousand(usage));

        expect(whole).toBeGreaterThanOrEqual(0n);
        expect(whole * 1_000n - thousandfold).toBeGreaterThanOrEqual(0n);
        expect(whole * 1_000n - thousandfold).toBeLessThan(1_000n);
      }),
    );
  });

  test('one more token of any meter never makes a request cheaper', () => {
    fc.assert(
      fc.property(flatPrices, usages, meters, (price, usage, meter) => {
        const more = { ...usage, [meter]: (usage[meter] ?? 0) + 1 };

        expect(charge(price, more)).toBeGreaterThanOrEqual(charge(price, usage));
      }),
    );
  });

  test('splitting a request costs at most one nano per split', () => {
    fc.assert(
      fc.property(flatPrices, fc.array(usages, { minLength: 1, maxLength: 6 }), (price, parts) => {
        const free = { ...price, perCallNano: 0 };
        const apart = parts.reduce((total, part) => total + charge(free, part), 0n);
        const together = charge(free, parts.reduce(merged));

        expect(apart).toBeGreaterThanOrEqual(together);
        expect(apart - together).toBeLessThanOrEqual(BigInt(parts.length - 1));
      }),
    );
  });
});

describe('selling prices', () => {
  const multipliers = fc.integer({ min: 1_000_000, max: 5_000_000 });

  test('nothing is sold below cost by a multiplier of one or more', () => {
    fc.assert(
      fc.property(flatPrices, multipliers, usages, (cost, multiplierPpm, usage) => {
        expect(charge(sellingPrice(cost, multiplierPpm), usage)).toBeGreaterThanOrEqual(charge(cost, usage));
      }),
    );
  });

  test('each price is rounded up once and keeps its tier', () => {
    const cost: Price = {
      tiers: [
        { aboveInputTokens: 0, microUsdPerMillion: { input: 1 } },
        { aboveInputTokens: 128_000, microUsdPerMillion: { input: 3, output: 1_000_000 } },
      ],
      perCallNano: 7,
    };

    expect(sellingPrice(cost, 1_300_001)).toEqual({
      tiers: [
        { aboveInputTokens: 0, microUsdPerMillion: { input: 2 } },
        { aboveInputTokens: 128_000, microUsdPerMillion: { input: 4, output: 1_300_001 } },
      ],
      perCallNano: 10,
    });
  });

  test.each([0, -1_000_000, 1.3, Number.NaN])('a multiplier of %p millionths is refused', (multiplierPpm) => {
    expect(() => sellingPrice(std, multiplierPpm)).toThrow(RangeError);
  });

  test('a price that a double would blur is refused', () => {
    expect(() => sellingPrice(flat({ input: Number.MAX_SAFE_INTEGER }), 2_000_000)).toThrow(RangeError);
  });
});

describe('gross margin', () => {
  test('a multiplier of 1.25 leaves a fifth', () => {
    expect(grossMarginPpm(sellingPrice(std, 1_250_000), std)).toBe(200_000);
  });

  test('the worst meter of the worst tier decides, also where only the cost has that tier', () => {
    const cost: Price = {
      tiers: [
        { aboveInputTokens: 0, microUsdPerMillion: { input: 1_000_000, output: 1_000_000 } },
        { aboveInputTokens: 200_000, microUsdPerMillion: { input: 2_000_000, output: 3_000_000 } },
      ],
      perCallNano: 0,
    };

    expect(grossMarginPpm(flat({ input: 4_000_000, output: 2_000_000 }), cost)).toBe(-500_000);
  });

  test('a meter that costs more than its stand-in sells for is found', () => {
    const selling = flat({ input: 4_000_000, output: 20_000_000 });

    expect(grossMarginPpm(selling, flat({ input: 2_000_000, cacheWrite1h: 5_000_000 }))).toBe(-250_000);
  });

  test('a margin is rounded down, so that a guard never passes what is a hair below it', () => {
    expect(grossMarginPpm(flat({ input: 3 }), flat({ input: 2 }))).toBe(333_333);
    expect(grossMarginPpm(flat({ input: 3 }), flat({ input: 4 }))).toBe(-333_334);
  });

  test('giving away what we pay for is below every floor; what neither costs nor earns is level', () => {
    expect(grossMarginPpm(flat({ input: 4, output: 0 }), flat({ input: 2, output: 2 }))).toBe(-Infinity);
    expect(grossMarginPpm(flat({}), flat({}))).toBe(0);
  });

  test('the margin of a multiplied price holds for every usage', () => {
    fc.assert(
      fc.property(flatPrices, fc.integer({ min: 500_000, max: 3_000_000 }), usages, (cost, multiplierPpm, usage) => {
        const selling = sellingPrice(cost, multiplierPpm);
        const margin = grossMarginPpm(selling, cost);
        const earned = charge(selling, usage) - charge(cost, usage);

        // the charge of the cost is itself rounded up by less than a nano
        expect((earned + 1n) * 1_000_000n).toBeGreaterThanOrEqual(charge(selling, usage) * BigInt(margin));
      }),
    );
  });
});

describe('price versions', () => {
  const version = (id: string, effectiveAtMs: number): PriceVersion => ({
    id,
    modelId: 'std',
    effectiveAtMs,
    price: std,
  });
  const versions = [version('second', 2_000), version('third', 3_000), version('first', 1_000)];

  test('a version is in force from its very instant until the next one is', () => {
    expect(priceInForce(versions, 1_999)?.id).toBe('first');
    expect(priceInForce(versions, 2_000)?.id).toBe('second');
    expect(priceInForce(versions, 9_999)?.id).toBe('third');
  });

  test('before the first version nothing is sold', () => {
    expect(priceInForce(versions, 999)).toBeNull();
  });
});

function timesThousand(usage: Usage): Usage {
  return Object.fromEntries(METERS.map((meter) => [meter, (usage[meter] ?? 0) * 1_000]));
}

function merged(a: Usage, b: Usage): Usage {
  return Object.fromEntries(METERS.map((meter) => [meter, (a[meter] ?? 0) + (b[meter] ?? 0)]));
}
