import { expect, test } from '@jest/globals';
import { priceInForce } from '../../../domain/prices.ts';
import { RoutePrices } from '../../../services/channels/route-prices.ts';
import type { PriceRow } from '../../../services/channels/routing-rows.ts';
import { priceOf } from './catalogue.ts';

test.each<[string, unknown]>([
  ['a fraction', { ...priceOf({ input: 0.5 }) }],
  ['a negative price', { ...priceOf({ input: -1 }) }],
  ['a price in text', { tiers: [{ aboveInputTokens: 0, microUsdPerMillion: { input: '2500000' } }], perCallNano: 0 }],
  ['an unknown meter', { tiers: [{ aboveInputTokens: 0, microUsdPerMillion: { tokens: 1 } }], perCallNano: 0 }],
  ['no tier', { tiers: [], perCallNano: 0 }],
  ['a first tier that does not start at 0', { tiers: [tierFrom(1)], perCallNano: 0 }],
  ['tiers that descend', { tiers: [tierFrom(0), tierFrom(200_000), tierFrom(100_000)], perCallNano: 0 }],
  ['no price per call', { tiers: [tierFrom(0)] }],
  ['a fraction per call', { tiers: [tierFrom(0)], perCallNano: 1.5 }],
  ['more than a double holds', { tiers: [tierFrom(0)], perCallNano: 1e20 }],
  ['null', null],
  ['a number', 5],
])('a price version that is %s is never used and names itself', (_, price) => {
  const prices = new RoutePrices([row({ id: 'sound' }), row({ id: 'faulty', effectiveAtMs: 2, price })]);
  expect(() => prices.selling('gpt-x')).toThrow(/^price version faulty is not/);
});

test.each<[string, unknown]>([
  ['free of charge', priceOf({ input: 0 })],
  ['only a price per call', { tiers: [{ aboveInputTokens: 0, microUsdPerMillion: {} }], perCallNano: 40_000_000 }],
  ['tiers that ascend', { tiers: [tierFrom(0), tierFrom(200_000), tierFrom(500_000)], perCallNano: 0 }],
])('a price version that is %s is sound', (_, price) => {
  expect(new RoutePrices([row({ price })]).selling('gpt-x')).toMatchObject([{ price }]);
});

test('a faulty price of one model, side or channel leaves all others alone', () => {
  const prices = new RoutePrices([
    row({ id: 'faulty', price: null }),
    row({ id: 'other model', modelId: 'gpt-y' }),
    row({ id: 'cost', side: 'cost' }),
  ]);
  expect(prices.selling('gpt-y')).toMatchObject([{ id: 'other model' }]);
  expect(prices.cost('gpt-x', 'a')).toMatchObject([{ id: 'cost' }]);
});

test('names with separators in them do not meet', () => {
  const prices = new RoutePrices([row({ modelId: 'a","cost', side: 'selling' })]);
  expect(prices.cost('a', 'selling')).toEqual([]);
});

test('a channel’s own cost takes over at its first version and hides the later ones of the model', () => {
  const prices = new RoutePrices([
    row({ id: 'model 1', side: 'cost', effectiveAtMs: 1 }),
    row({ id: 'own 5', side: 'cost', channelId: 'a', effectiveAtMs: 5 }),
    row({ id: 'model 9', side: 'cost', effectiveAtMs: 9 }),
  ]);
  const costAt = (channelId: string, atMs: number) => priceInForce(prices.cost('gpt-x', channelId), atMs)?.id;
  expect([0, 4, 5, 9].map((atMs) => costAt('a', atMs))).toEqual([undefined, 'model 1', 'own 5', 'own 5']);
  expect([0, 4, 5, 9].map((atMs) => costAt('b', atMs))).toEqual([undefined, 'model 1', 'model 1', 'model 9']);
});

function row(traits: Partial<PriceRow>): PriceRow {
  return {
    id: 'a price',
    modelId: 'gpt-x',
    side: 'selling',
    channelId: null,
    effectiveAtMs: 1,
    price: priceOf({ input: 1 }),
    ...traits,
  };
}

function tierFrom(aboveInputTokens: number) {
  return { aboveInputTokens, microUsdPerMillion: { input: 1 } };
}
