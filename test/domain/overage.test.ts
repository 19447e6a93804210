// Where included credit ends, the plan's own rate begins: at the exact nano, in either direction.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { formatUsd, type Nano, nano, ZERO } from '../../domain/nano.ts';
import { highestPrice, splitCharge } from '../../domain/overage.ts';
import { charge, type Price } from '../../domain/prices.ts';

const std: Price = {
  tiers: [{ aboveInputTokens: 0, microUsdPerMillion: { input: 2_500_000, output: 10_000_000 } }],
  perCallNano: 0,
};
const emb: Price = { tiers: [{ aboveInputTokens: 0, microUsdPerMillion: { input: 20_000 } }], perCallNano: 0 };
const TEAM = 900_000;
const request = charge(std, { input: 1_234, output: 567 });

const inUsd = ({ includedNano, beyondNano }: { includedNano: Nano; beyondNano: Nano }) => [
  formatUsd(includedNano),
  formatUsd(beyondNano),
];

test('M01: overage of Team costs nine tenths', () => {
  expect(inUsd(splitCharge(request, ZERO, TEAM))).toEqual(['0.000000000', '0.007879500']);
});

test('M02: a million discounted calls of 7 tokens cost 0.126', () => {
  const { beyondNano } = splitCharge(charge(emb, { input: 7 }), ZERO, TEAM);

  expect(formatUsd(nano(beyondNano * 1_000_000n))).toBe('0.126000000');
});

test('M05: a request that straddles pays list price from what is included and nine tenths of the rest', () => {
  const split = splitCharge(request, nano('3000000'), TEAM);

  expect(inUsd(split)).toEqual(['0.003000000', '0.005179500']);
  expect(formatUsd(nano(split.includedNano + split.beyondNano))).toBe('0.008179500');
});

test('pay-as-you-go costs a twentieth more than list, rounded up once', () => {
  expect(splitCharge(nano(1_001), ZERO, 1_050_000).beyondNano).toBe(1_052n);
});

const amounts = fc.bigInt({ min: 0n, max: 10n ** 13n }).map(nano);
const rates = fc.constantFrom(900_000, 1_000_000, 1_050_000);

test('included credit is used to the last nano before anything else, and never beyond the request', () => {
  fc.assert(
    fc.property(amounts, amounts, rates, (list, included, ppm) => {
      const { includedNano, beyondNano } = splitCharge(list, included, ppm);

      expect(includedNano).toBe(list < included ? list : included);
      const exact = (list - includedNano) * BigInt(ppm);
      expect(beyondNano * 1_000_000n - exact).toBeGreaterThanOrEqual(0n);
      expect(beyondNano * 1_000_000n - exact).toBeLessThan(1_000_000n);
    }),
  );
});

test('what is set aside at the highest price pays for the charge, whatever credit it comes from, but for two roundings', () => {
  const tokens = fc.integer({ min: 0, max: 200_000 });
  fc.assert(
    fc.property(tokens, tokens, amounts, rates, (input, output, included, ppm) => {
      const usage = { input, output };
      const { includedNano, beyondNano } = splitCharge(charge(std, usage), included, ppm);

      expect(includedNano + beyondNano).toBeLessThanOrEqual(charge(highestPrice(std, ppm), usage) + 2n);
    }),
  );
});
