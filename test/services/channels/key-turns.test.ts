// How the keys of a channel take turns while one of them is changed for another: each its share, exactly, and the old one behind the new one as long as it
// is there.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { CHAT, failure, newHealth, nothingTried, pickOne } from './picking.ts';
import { type ChannelTraits, modelOn } from './routed-models.ts';

function picked(keys: NonNullable<ChannelTraits['keys']>, times: number): Map<string, number> {
  const health = newHealth();
  const model = modelOn({ id: 'a', keys });
  const drawn = new Map<string, number>();
  for (let n = 0; n < times; n += 1) {
    const pick = pickOne(health, model);
    health.finished(pick);
    drawn.set(pick.channelKey.id, (drawn.get(pick.channelKey.id) ?? 0) + 1);
  }
  return drawn;
}

const pair = (share: number) => [
  { id: 'old', slotId: 'place', share: 100 - share },
  { id: 'new', slotId: 'place', share },
];

test.each([5, 25])('of 100 requests the new key gets %i, whatever else the channel has', (share) => {
  const drawn = picked([...pair(share), 'other'], 200);

  expect(drawn).toEqual(
    new Map([
      ['old', 100 - share],
      ['other', 100],
      ['new', share],
    ]),
  );
});

test('keys in places of their own have the same turns as ever, and one that is alone has its place whatever its share', () => {
  expect(picked(['one', 'two', 'three'], 9)).toEqual(
    new Map([
      ['one', 3],
      ['two', 3],
      ['three', 3],
    ]),
  );
  expect(picked([{ id: 'left', slotId: 'place', share: 5 }, 'other'], 4)).toEqual(
    new Map([
      ['left', 2],
      ['other', 2],
    ]),
  );
});

test('the shares are exact over a round, of any share', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 100 }), (share) => {
      const drawn = picked(pair(share), 100);
      expect([drawn.get('new') ?? 0, drawn.get('old') ?? 0]).toEqual([share, 100 - share]);
    }),
  );
});

test('a request whose new key is refused goes to the old one, also where that has no turn any more', () => {
  const served = [5, 25, 100].map((share) => {
    const health = newHealth();
    const model = modelOn({ id: 'a', keys: pair(share) });
    let pick = pickOne(health, model);
    while (pick.channelKey.id !== 'new') pick = pickOne(health, model);
    health.failed(pick, failure('dead_key'), 0);
    health.finished(pick);
    const tried = { ...nothingTried(), channelKeys: new Set(['new']) };
    return [
      health.pick(model, CHAT, tried, 0)?.channelKey.id,
      health.pick(model, CHAT, nothingTried(), 0)?.channelKey.id,
    ];
  });

  expect(served).toEqual([
    ['old', 'old'],
    ['old', 'old'],
    ['old', 'old'],
  ]);
});
