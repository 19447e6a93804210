// The bounds of a key that there is, as they are entered when they are changed: what nobody touches is sent as it was.
import { expect, test } from '@jest/globals';
import {
  bodyOf,
  enteredBounds,
  problemsOf,
  UNBOUNDED,
  unknownModels,
  withModel,
} from '../../console/src/key-bounds.ts';

const FREE = {
  ...{ caps: [], expiresAt: null, allowedModels: null, allowedAddresses: null },
  ...{ requestsPerMinute: null, tokensPerMinute: null, concurrentRequests: null },
};
const BOUNDED = {
  caps: [
    { period: 'day', amountNano: '12500000001' },
    { period: 'total', amountNano: '0' },
  ],
  expiresAt: new Date('2099-12-31T23:59:59').toISOString(),
  allowedModels: ['demo-chat', 'demo-embed'],
  allowedAddresses: ['203.0.113.0/24'],
  ...{ requestsPerMinute: 60, tokensPerMinute: 1_000_000_000, concurrentRequests: 1 },
};

test('a key without bounds has empty fields, and stays without', () => {
  expect(enteredBounds(apiKey(FREE))).toEqual(UNBOUNDED);
  expect(bodyOf(enteredBounds(apiKey(FREE)))).toEqual(FREE);
});

test('each bound is entered as it is, to the last nano and to its last day', () => {
  const entered = enteredBounds(apiKey(BOUNDED));

  expect(entered).toMatchObject({
    capDay: '12.500000001',
    expiresOn: '2099-12-31',
    allowedModels: 'demo-chat, demo-embed',
  });
  expect(problemsOf(entered)).toEqual([]);
  expect(bodyOf(entered)).toEqual(BOUNDED);
});

test('a model that is not offered is named, and one that is chosen stands there once', () => {
  const offered = [{ id: 'demo-chat' }, { id: 'demo-embed' }];

  expect(unknownModels('demo-chat, gpt-99、none', offered)).toEqual(['gpt-99', 'none']);
  expect(unknownModels('gpt-99', undefined)).toEqual([]);
  expect([withModel('', 'demo-chat'), withModel('demo-embed demo-chat', 'demo-chat')]).toEqual([
    'demo-chat',
    'demo-embed, demo-chat',
  ]);
});

function apiKey(bounds: object): Parameters<typeof enteredBounds>[0] {
  return bounds as Parameters<typeof enteredBounds>[0];
}
