import { expect, test } from '@jest/globals';
import type { Failure, FailureClass } from '../../../domain/failures.ts';
import { ChannelHealth, type Pick, type Tried } from '../../../services/channels/channel-health.ts';
import type { DialectId, RoutedModel } from '../../../services/channels/routing-table.ts';
import { modelOn } from './routed-models.ts';

const CHAT: DialectId = 'openai-chat';
const SECOND = 1_000;
const MINUTE = 60_000;
const HOUR = 3_600_000;

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

test('a key stays dead 60 s, doubling up to an hour, and comes back by one probe of its own (T48)', () => {
  const health = newHealth();
  const model = modelOn({ id: 'a' });
  let nowMs = 0;
  for (const waitMs of [60, 120, 240, 480, 960, 1920, 3600, 3600].map((seconds) => seconds * SECOND)) {
    const probe = pickOne(health, model, nowMs);
    expect(probe.isProbe).toBe(nowMs > 0);
    fail(health, probe, 'dead_key', nowMs);
    expect(health.retryAfterMs(model, CHAT, nowMs)).toBe(waitMs);
    expect(health.pick(model, CHAT, nothingTried(), nowMs + waitMs - 1)).toBeNull();
    nowMs += waitMs;
  }
  const probe = pickOne(health, model, nowMs);
  expect(probe.isProbe).toBe(true);
  expect(health.pick(model, CHAT, nothingTried(), nowMs)).toBeNull();

  health.succeeded(probe);

  expect(pickOne(health, model, nowMs).isProbe).toBe(false);
});

test('every key dead, then one paid for again: the channel recovers without a human (T48)', () => {
  const health = newHealth();
  const model = modelOn({ id: 'a', keys: ['k1', 'k2', 'k3'] });
  for (let key = 0; key < 3; key += 1) fail(health, pickOne(health, model), 'dead_key', 0);
  expect(health.pick(model, CHAT, nothingTried(), 1)).toBeNull();

  const probes = Array.from({ length: 100 }, () => health.pick(model, CHAT, nothingTried(), MINUTE)).filter(
    (pick) => pick !== null,
  );

  expect(probes.map(({ channelKey }) => channelKey.id).sort()).toEqual(['k1', 'k2', 'k3']);
  for (const probe of probes) {
    if (probe.channelKey.id === 'k2') health.succeeded(probe);
    else fail(health, probe, 'dead_key', MINUTE);
  }
  expect([...new Set(Array.from({ length: 50 }, () => pickOne(health, model, MINUTE + 1).channelKey.id))]).toEqual([
    'k2',
  ]);
});

test('a probe that ends without a word about the key lets the next request probe at once', () => {
  const health = newHealth();
  const model = modelOn({ id: 'a' });
  fail(health, pickOne(health, model), 'dead_key', 0);
  const probe = pickOne(health, model, MINUTE);
  expect(health.pick(model, CHAT, nothingTried(), MINUTE)).toBeNull();

  health.finished(probe);

  expect(pickOne(health, model, MINUTE)).toMatchObject({ isProbe: true });
});

test.each(['client_fault', 'misconfigured', 'rate_limited', 'empty'] as const)(
  'a dead key whose probe is answered %s is sound again: the upstream knows it',
  (failureClass) => {
    const health = newHealth();
    const model = modelOn({ id: 'a' });
    fail(health, pickOne(health, model), 'dead_key', 0);
    fail(health, pickOne(health, model, MINUTE), failureClass, MINUTE);
    expect(pickOne(health, model, 2 * MINUTE).isProbe).toBe(false);
  },
);

test('a rate-limited key rests as long as the upstream says, at most ten minutes, and two seconds without a word', () => {
  const waits: readonly (readonly [number | null, number])[] = [
    [null, 2 * SECOND],
    [7 * SECOND, 7 * SECOND],
    [0, 0],
    [HOUR, 10 * MINUTE],
  ];
  for (const [retryAfterMs, restMs] of waits) {
    const health = newHealth();
    const model = modelOn({ id: 'a' });
    fail(health, pickOne(health, model), 'rate_limited', 0, retryAfterMs);
    if (restMs > 0) expect(health.pick(model, CHAT, nothingTried(), restMs - 1)).toBeNull();
    expect(health.retryAfterMs(model, CHAT, 0)).toBe(restMs);
    expect(pickOne(health, model, restMs).isProbe).toBe(false);
  }
});

test('an earlier and shorter word about the rate does not shorten the rest', () => {
  const health = newHealth();
  const model = modelOn({ id: 'a' });
  const [first, second] = [pickOne(health, model), pickOne(health, model)];
  fail(health, first, 'rate_limited', 0, MINUTE);
  fail(health, second, 'rate_limited', 1, SECOND);
  expect(health.pick(model, CHAT, nothingTried(), MINUTE - 1)).toBeNull();
});

test.each(['overloaded', 'timeout', 'unreachable', 'protocol'] as const)(
  'five times %s in ten seconds close the channel to everybody but one probe of a hundred requests (T47)',
  (failureClass) => {
    const health = newHealth();
    const model = modelOn({ id: 'a', keys: ['k1', 'k2'] });
    for (let n = 0; n < 4; n += 1) fail(health, pickOne(health, model, n), failureClass, n);
    expect(health.pick(model, CHAT, nothingTried(), 4)).not.toBeNull();
    fail(health, pickOne(health, model, 5), failureClass, 5);
    expect(health.pick(model, CHAT, nothingTried(), 6)).toBeNull();

    const openAgainMs = 5 + (health.retryAfterMs(model, CHAT, 5) ?? 0);
    expect(openAgainMs).toBeGreaterThan(5);
    expect(health.pick(model, CHAT, nothingTried(), openAgainMs - 1)).toBeNull();

    const through = Array.from({ length: 100 }, () => health.pick(model, CHAT, nothingTried(), openAgainMs));
    expect(through.filter((pick) => pick !== null)).toEqual([expect.objectContaining({ isProbe: true })]);
  },
);

test('a probe that fails doubles the wait, one that succeeds ends it (T47)', () => {
  const health = newHealth();
  const model = modelOn({ id: 'a' });
  breakDown(health, model, 0);
  const firstWaitMs = health.retryAfterMs(model, CHAT, 0) ?? 0;
  fail(health, pickOne(health, model, firstWaitMs), 'timeout', firstWaitMs);
  expect(health.retryAfterMs(model, CHAT, firstWaitMs)).toBe(2 * firstWaitMs);

  health.succeeded(pickOne(health, model, 3 * firstWaitMs));

  expect(pickOne(health, model, 3 * firstWaitMs).isProbe).toBe(false);
  expect(health.retryAfterMs(model, CHAT, 3 * firstWaitMs)).toBe(0);
});

test.each(['client_fault', 'dead_key', null] as const)(
  'a channel whose probe ended without a verdict (%s) is probed by the next request, not by the whole crowd',
  (failureClass) => {
    const health = newHealth();
    const model = modelOn({ id: 'a', keys: ['k1', 'k2'] });
    breakDown(health, model, 0);
    const probe = pickOne(health, model, MINUTE);
    if (failureClass === null) health.finished(probe);
    else fail(health, probe, failureClass, MINUTE);

    expect(pickOne(health, model, MINUTE).isProbe).toBe(true);
    expect(health.pick(model, CHAT, nothingTried(), MINUTE)).toBeNull();
  },
);

test('a probe that never reports back does not close the channel for good', () => {
  const health = newHealth();
  const model = modelOn({ id: 'a' });
  breakDown(health, model, 0);
  pickOne(health, model, MINUTE);
  expect(health.pick(model, CHAT, nothingTried(), MINUTE + 29_999)).toBeNull();
  expect(pickOne(health, model, MINUTE + 30_000).isProbe).toBe(true);
});

test('the end of a probe that was given up says nothing about the probe that followed it', () => {
  const health = newHealth();
  const model = modelOn({ id: 'a' });
  breakDown(health, model, 0);
  const lost = pickOne(health, model, MINUTE);
  pickOne(health, model, 2 * MINUTE);
  health.finished(lost);
  expect(health.pick(model, CHAT, nothingTried(), 2 * MINUTE)).toBeNull();
});

test('a storm of 4xx that clients cause moves nothing, and neither does what the message says (T46, T49)', () => {
  const health = newHealth();
  const model = modelOn({ id: 'a' });
  for (let n = 0; n < 1_000; n += 1) {
    const pick = pickOne(health, model, n);
    const failureClass = n % 2 === 0 ? 'client_fault' : 'misconfigured';
    health.failed(pick, { ...failure(failureClass), message: 'insufficient balance: permission denied, credit 0' }, n);
    health.finished(pick);
  }
  expect(pickOne(health, model, 1_000).isProbe).toBe(false);
  expect(health.snapshot()).toEqual([
    { channelId: 'a', inFlight: 1, breaker: 'closed', coolsUntilMs: null, deadKeys: [] },
  ]);
});

test('an overloaded channel that says when to come back is left alone until then', () => {
  const health = newHealth();
  const model = modelOn({ id: 'a' });
  fail(health, pickOne(health, model), 'overloaded', 0, 20 * SECOND);
  expect(health.pick(model, CHAT, nothingTried(), 20 * SECOND - 1)).toBeNull();
  expect(health.retryAfterMs(model, CHAT, 0)).toBe(20 * SECOND);
  expect(pickOne(health, model, 20 * SECOND).isProbe).toBe(false);
});

test('one request draws no channel twice, and when all have failed the other keys of one that failed (T41)', () => {
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
  expect(drawn.slice(2)).toEqual(['c', 'b']);
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

test('whatever happens, in-flight counts return to 0 and everything works again after an hour of quiet', () => {
  const classes: readonly FailureClass[] = [
    ...(['dead_key', 'rate_limited', 'overloaded', 'client_fault', 'misconfigured', 'timeout'] as const),
    ...(['unreachable', 'protocol', 'empty'] as const),
  ];
  for (let seed = 1; seed <= 50; seed += 1) {
    const random = seeded(seed);
    const health = new ChannelHealth(random);
    const model = modelOn({ id: 'a', keys: ['k1', 'k2'] }, { id: 'b', weight: 3 }, { id: 'c', priority: 2 });
    const open: Pick[] = [];
    let nowMs = 0;
    for (let step = 0; step < 500; step += 1) {
      nowMs += Math.floor(random() * 3_000);
      const pick = health.pick(model, CHAT, nothingTried(), nowMs);
      if (pick !== null) {
        health.started(pick, nowMs);
        open.push(pick);
      }
      const ending = random() < 0.7 ? open.splice(Math.floor(random() * open.length), 1) : [];
      for (const ended of ending) {
        const failureClass = classes[Math.floor(random() * (classes.length + 3))];
        if (failureClass === undefined) health.succeeded(ended);
        else health.failed(ended, failure(failureClass, random() < 0.5 ? null : 5_000), nowMs);
        health.finished(ended);
      }
    }
    for (const pick of open) health.finished(pick);
    nowMs += HOUR;
    const { channels, channelKeys } = nothingTried();
    for (const id of ['a', 'b', 'c']) {
      expect(health.snapshot()).toContainEqual(expect.objectContaining({ channelId: id, inFlight: 0 }));
      const pick = health.pick(model, CHAT, { channels, channelKeys }, nowMs);
      expect(pick).not.toBeNull();
      if (pick !== null) channels.add(pick.route.channel.id);
    }
  }
});

function newHealth(): ChannelHealth {
  return new ChannelHealth(seeded(7));
}

/** mulberry32 */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function nothingTried(): Tried {
  return { channelKeys: new Set(), channels: new Set() };
}

/** Picked and started. */
function pickOne(health: ChannelHealth, model: RoutedModel, nowMs = 0): Pick {
  const pick = health.pick(model, CHAT, nothingTried(), nowMs);
  if (pick === null) throw new Error('nobody was picked');
  health.started(pick, nowMs);
  return pick;
}

function countPicks(
  health: ChannelHealth,
  model: RoutedModel,
  times: number,
  nowMs = 0,
  dialectId = CHAT,
): Map<string, number> {
  const drawn = new Map<string, number>();
  for (let n = 0; n < times; n += 1) {
    const id = health.pick(model, dialectId, nothingTried(), nowMs)?.route.channel.id ?? 'nobody';
    drawn.set(id, (drawn.get(id) ?? 0) + 1);
  }
  return drawn;
}

function failure(failureClass: FailureClass, retryAfterMs: number | null = null): Failure {
  return { class: failureClass, status: null, retryAfterMs, message: failureClass };
}

function fail(
  health: ChannelHealth,
  pick: Pick,
  failureClass: FailureClass,
  nowMs: number,
  retryAfterMs?: number | null,
) {
  health.failed(pick, failure(failureClass, retryAfterMs ?? null), nowMs);
  health.finished(pick);
}

/** Opens the breaker of the first channel that is picked. */
function breakDown(health: ChannelHealth, model: RoutedModel, nowMs: number): void {
  const picks = Array.from({ length: 5 }, () => pickOne(health, model, nowMs));
  for (const pick of picks) fail(health, pick, 'unreachable', nowMs);
}
