import { expect, test } from '@jest/globals';
import { breakDown, CHAT, countPicks, fail, newHealth, nothingTried, pickOne } from './picking.ts';
import { modelOn } from './routed-models.ts';

const SECOND = 1_000;
const MINUTE = 60_000;

test('weights of 9 to 1 show within three sigma in 10,000 picks', () => {
  const health = newHealth();
  const model = modelOn({ id: 'big', weight: 9 }, { id: 'small', weight: 1 });

  const drawn = countPicks(health, model, 10_000);

  const sigma = Math.sqrt(10_000 * 0.9 * 0.1);
  expect(Math.abs((drawn.get('big') ?? 0) - 9_000)).toBeLessThan(3 * sigma);
  expect((drawn.get('big') ?? 0) + (drawn.get('small') ?? 0)).toBe(10_000);
});

test('a weight of 0 is never drawn, not even when nobody else is left', () => {
  const health = newHealth();
  const beside = modelOn({ id: 'idle', weight: 0 }, { id: 'busy' });
  expect(countPicks(health, beside, 1_000).has('idle')).toBe(false);
  expect(health.pick(modelOn({ id: 'idle', weight: 0 }), CHAT, nothingTried(), 0)).toBeNull();
});

test('tier 2 is untouched while tier 1 is healthy, serves when it is not, and is left again when it is back', () => {
  const health = newHealth();
  const model = modelOn({ id: 'spare', priority: 2, weight: 100 }, { id: 'main', priority: 1 });
  expect([...countPicks(health, model, 1_000).keys()]).toEqual(['main']);

  breakDown(health, model, 0);
  expect(health.pick(model, CHAT, nothingTried(), 1)?.route.channel.id).toBe('spare');

  const probe = pickOne(health, model, MINUTE);
  expect(probe).toMatchObject({ isProbe: true, route: { channel: { id: 'main' } } });
  health.succeeded(probe);
  expect([...countPicks(health, model, 1_000, MINUTE).keys()]).toEqual(['main']);
});

test('a dialect goes only to providers that speak it', () => {
  const health = newHealth();
  const model = modelOn(
    { id: 'openai', provider: 'openai' },
    { id: 'anthropic', provider: 'anthropic' },
    { id: 'compatible', provider: 'openai-compatible' },
  );
  expect([...countPicks(health, model, 200, 0, 'anthropic-messages').keys()]).toEqual(['anthropic']);
  expect([...countPicks(health, model, 200, 0, 'openai-responses').keys()]).toEqual(['openai']);
  expect([...countPicks(health, model, 200).keys()].sort()).toEqual(['compatible', 'openai']);
});

test('the keys of a channel take turns', () => {
  const health = newHealth();
  const model = modelOn({ id: 'a', keys: ['k1', 'k2', 'k3'] });
  const drawn = Array.from({ length: 6 }, () => pickOne(health, model).channelKey.id);
  expect(drawn).toEqual(['k1', 'k2', 'k3', 'k1', 'k2', 'k3']);
});

test('a dead key of three is out for this request and the next ones; the other two serve (T38)', () => {
  const health = newHealth();
  const model = modelOn({ id: 'a', keys: ['k1', 'k2', 'k3'] }, { id: 'spare', priority: 2 });
  const tried = nothingTried();
  const first = pickOne(health, model);
  fail(health, first, 'dead_key', 0);
  tried.channelKeys.add(first.channelKey.id);

  const next = health.pick(model, CHAT, tried, 1);
  expect(next?.route.channel.id).toBe('a');
  expect(next?.channelKey.id).not.toBe(first.channelKey.id);

  const later = Array.from({ length: 100 }, () => pickOne(health, model, 2).channelKey.id);
  expect(new Set(later)).toEqual(new Set(['k2', 'k3']));
});

test('one request draws no channel twice, not even by another key of it, when all have failed (T41)', () => {
  const health = newHealth();
  const model = modelOn({ id: 'a' }, { id: 'b', keys: ['b1', 'b2'] }, { id: 'c', priority: 2 });
  const tried = nothingTried();
  const drawn: string[] = [];
  for (let n = 0; n < 10; n += 1) {
    const pick = health.pick(model, CHAT, tried, n);
    if (pick === null) break;
    health.started(pick, n);
    fail(health, pick, 'overloaded', n);
    tried.channelKeys.add(pick.channelKey.id);
    tried.channels.add(pick.route.channel.id);
    drawn.push(pick.route.channel.id);
  }
  expect(drawn.slice(0, 2).sort()).toEqual(['a', 'b']);
  expect(drawn.slice(2)).toEqual(['c']);
});

test.each(['disabled', 'draining'] as const)('a %s channel gets no request', (status) => {
  const health = newHealth();
  expect(health.pick(modelOn({ id: 'a', status }), CHAT, nothingTried(), 0)).toBeNull();
  expect(health.retryAfterMs(modelOn({ id: 'a', status }), CHAT, 0)).toBeNull();
});

test('a channel disabled while a request is between two attempts is not tried by it, in any dialect (T41)', () => {
  const health = newHealth();
  const before = modelOn({ id: 'a' }, { id: 'b' });
  const tried = nothingTried();
  tried.channels.add('b');
  expect(health.pick(before, CHAT, tried, 0)?.route.channel.id).toBe('a');

  const after = modelOn({ id: 'a', status: 'disabled' }, { id: 'b' });
  health.pick(after, CHAT, nothingTried(), 1);

  tried.channelKeys.add('b-key');
  expect(health.pick(before, CHAT, tried, 2)).toBeNull();
  expect(health.pick(before, 'openai-completions', tried, 2)).toBeNull();
});

test('a channel enabled again by a newer table serves again', () => {
  const health = newHealth();
  expect(health.pick(modelOn({ id: 'a', status: 'disabled' }), CHAT, nothingTried(), 0)).toBeNull();
  expect(health.pick(modelOn({ id: 'a' }), CHAT, nothingTried(), 1)).not.toBeNull();
});

test('what was learnt of a channel outlives a new routing table; what was learnt of a key that is gone does not', () => {
  const health = newHealth();
  const before = modelOn({ id: 'a', keys: ['k1', 'k2'] });
  for (let n = 0; n < 2; n += 1) fail(health, pickOne(health, before), 'dead_key', 0);

  const after = modelOn({ id: 'a', keys: ['k2', 'k3'] });

  expect(pickOne(health, after, 1).channelKey.id).toBe('k3');
  expect(health.snapshot()).toMatchObject([{ channelId: 'a', deadKeys: ['k2'] }]);
});

test('a channel at its number in flight is passed over until one finishes', () => {
  const health = newHealth();
  const model = modelOn({ id: 'a', maxInFlight: 3 }, { id: 'spare', priority: 2 });
  const running = Array.from({ length: 3 }, () => pickOne(health, model));
  expect(health.pick(model, CHAT, nothingTried(), 0)?.route.channel.id).toBe('spare');
  expect(health.snapshot()).toContainEqual(expect.objectContaining({ channelId: 'a', inFlight: 3 }));

  for (const pick of running.slice(0, 1)) health.finished(pick);

  expect(health.pick(model, CHAT, nothingTried(), 0)?.route.channel.id).toBe('a');
});

test('a channel at its requests per minute is passed over until the minute has moved on', () => {
  const health = newHealth();
  const model = modelOn({ id: 'a', requestsPerMinute: 10 });
  for (let n = 0; n < 10; n += 1) health.finished(pickOne(health, model));
  expect(health.pick(model, CHAT, nothingTried(), 0)).toBeNull();

  const waitMs = health.retryAfterMs(model, CHAT, 0) ?? 0;

  expect(health.pick(model, CHAT, nothingTried(), waitMs - 1)).toBeNull();
  expect(health.pick(model, CHAT, nothingTried(), waitMs)).not.toBeNull();
});

test('the wait that a refused caller is told is that of the first one to come back', () => {
  const health = newHealth();
  const model = modelOn({ id: 'a' }, { id: 'b', priority: 2 }, { id: 'c', priority: 3 });
  expect(health.retryAfterMs(model, CHAT, 0)).toBe(0);
  fail(health, pickOne(health, model), 'dead_key', 0);
  fail(health, pickOne(health, model), 'rate_limited', 0, 9 * SECOND);
  fail(health, pickOne(health, model), 'overloaded', 0, 30 * SECOND);

  expect(health.retryAfterMs(model, CHAT, SECOND)).toBe(8 * SECOND);
  expect(health.retryAfterMs(model, 'anthropic-messages', 0)).toBeNull();
});
