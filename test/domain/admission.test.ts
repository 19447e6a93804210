// What a request sets aside before it is sent: too much and a trial dollar admits nobody, too little and the answer is not paid.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  estimateInputTokens,
  estimateUsage,
  expectedOutputTokens,
  plainOutputCap,
  reserveFor,
  wantedOutputTokens,
} from '../../domain/admission.ts';
import { formatUsd, nano } from '../../domain/nano.ts';
import type { Price } from '../../domain/prices.ts';

function priced(input: number, output: number, perCallNano = 0): Price {
  return { tiers: [{ aboveInputTokens: 0, microUsdPerMillion: { input, output } }], perCallNano };
}

const opus = priced(5_000_000, 25_000_000);
const dollar = nano(1_000_000_000);

const prices = fc
  .tuple(fc.nat(30_000_000), fc.nat(120_000_000), fc.nat(5_000_000))
  .map(([input, output, perCallNano]) => priced(input, output, perCallNano));
const tokens = fc.nat(200_000);
const money = fc.integer({ min: -1_000_000, max: 5_000_000_000 }).map(nano);

describe('input', () => {
  test('an estimate counts a begun token as a whole one', () => {
    expect(estimateInputTokens(8, 4)).toBe(2);
    expect(estimateInputTokens(9, 4)).toBe(3);
    expect(estimateInputTokens(0, 4)).toBe(0);
  });
});

describe('a streamed answer', () => {
  test('a trial dollar admits an agent that asks for 128,000 tokens of a dear model', () => {
    const outputTokens = expectedOutputTokens({ asked: 128_000, modelMaximum: 128_000, p95: null });

    expect(formatUsd(reserveFor({ price: opus, inputTokens: 12_000, outputTokens }))).toBe('0.085000000');
  });

  test('expects what the key usually gets, never more than was asked for or the model can give', () => {
    expect(expectedOutputTokens({ asked: null, modelMaximum: 8_192, p95: 700 })).toBe(700);
    expect(expectedOutputTokens({ asked: 16, modelMaximum: 8_192, p95: 700 })).toBe(16);
    expect(expectedOutputTokens({ asked: 64_000, modelMaximum: 512, p95: null })).toBe(512);
  });

  test('an embedding expects no output', () => {
    expect(expectedOutputTokens({ asked: null, modelMaximum: 0, p95: null })).toBe(0);
  });
});

describe('a plain answer asks for', () => {
  const wish = { asked: 128_000, modelMaximum: 128_000, p95: 700, leftNano: dollar, price: opus, inputTokens: 12_000 };

  test('as much output as a tenth of what is left pays', () => {
    expect(wantedOutputTokens(wish)).toBe(4_000);
  });

  test('what the key usually gets, when a tenth pays less', () => {
    expect(wantedOutputTokens({ ...wish, leftNano: nano(100_000_000) })).toBe(700);
    expect(wantedOutputTokens({ ...wish, leftNano: nano(-40_000_000), p95: null })).toBe(1_000);
  });

  test('never more than was asked for or the model can give', () => {
    expect(wantedOutputTokens({ ...wish, asked: 50 })).toBe(50);
    expect(wantedOutputTokens({ ...wish, asked: null, modelMaximum: 2_048 })).toBe(2_048);
  });

  test('everything, when output is free', () => {
    expect(wantedOutputTokens({ ...wish, price: priced(5_000_000, 0), leftNano: nano(0) })).toBe(128_000);
  });

  test('the output price of the tier that its input reaches', () => {
    const price: Price = {
      tiers: [
        { aboveInputTokens: 0, microUsdPerMillion: { output: 10_000_000 } },
        { aboveInputTokens: 200_000, microUsdPerMillion: { output: 20_000_000 } },
      ],
      perCallNano: 0,
    };

    expect(wantedOutputTokens({ ...wish, price, inputTokens: 200_000 })).toBe(10_000);
    expect(wantedOutputTokens({ ...wish, price, inputTokens: 200_001 })).toBe(5_000);
  });
});

describe('the cap of a plain answer', () => {
  const wish = {
    asked: 4_096,
    modelMaximum: 8_192,
    minimum: 1,
    reservedNano: nano(85_000_000),
    price: opus,
    inputTokens: 12_000,
  };

  test('is what the reserve pays beside the input', () => {
    expect(plainOutputCap(wish)).toBe(1_000);
    expect(plainOutputCap({ ...wish, reservedNano: nano(84_999_999) })).toBe(999);
  });

  test('is the asked one when the reserve pays that', () => {
    expect(plainOutputCap({ ...wish, asked: 300 })).toBe(300);
    expect(plainOutputCap({ ...wish, asked: null, reservedNano: dollar })).toBe(8_192);
  });

  test('never undercuts a thinking budget', () => {
    expect(plainOutputCap({ ...wish, minimum: 1_000 })).toBe(1_000);
    expect(plainOutputCap({ ...wish, minimum: 1_001 })).toBeNull();
  });

  test('is refused when the reserve does not even pay the input', () => {
    expect(plainOutputCap({ ...wish, minimum: 0, reservedNano: nano(60_000_000) })).toBe(0);
    expect(plainOutputCap({ ...wish, minimum: 0, reservedNano: nano(59_999_999) })).toBeNull();
  });

  test('lets an embedding through on the price of its input alone', () => {
    const price = priced(20_000, 0);
    const reservedNano = reserveFor({ price, inputTokens: 7, outputTokens: 0 });

    expect(plainOutputCap({ asked: null, modelMaximum: 0, minimum: 0, reservedNano, price, inputTokens: 7 })).toBe(0);
  });

  test('a reserve made for some output pays at least that output', () => {
    fc.assert(
      fc.property(prices, tokens, tokens, (price, inputTokens, outputTokens) => {
        const reservedNano = reserveFor({ price, inputTokens, outputTokens });

        expect(
          plainOutputCap({ asked: outputTokens, modelMaximum: 200_000, minimum: 0, reservedNano, price, inputTokens }),
        ).toBe(outputTokens);
      }),
    );
  });

  test('a lowered cap is exactly the largest whose charge the reserve covers', () => {
    fc.assert(
      fc.property(prices, tokens, tokens, money, (price, inputTokens, asked, reservedNano) => {
        const cap = plainOutputCap({ asked, modelMaximum: 200_000, minimum: 0, reservedNano, price, inputTokens });

        const first = cap === null ? 0 : cap + 1;
        if (cap !== null) expect(reserveFor({ price, inputTokens, outputTokens: cap }) <= reservedNano).toBe(true);
        if (cap !== asked) expect(reserveFor({ price, inputTokens, outputTokens: first }) > reservedNano).toBe(true);
      }),
    );
  });
});

describe('an answer without usage', () => {
  test('is charged from bytes: whole tokens of input, begun tokens of output', () => {
    expect(estimateUsage(11, 11, 4)).toEqual({ input: 2, output: 3 });
  });

  test('that delivered nothing has no output', () => {
    expect(estimateUsage(11, 0, 4)).toEqual({ input: 2, output: 0 });
  });
});
