import { expect, test } from '@jest/globals';
import type { FailureClass } from '../../../domain/failures.ts';
import { ChannelHealth, type Pick } from '../../../services/channels/channel-health.ts';
import { breakDown, CHAT, fail, failure, newHealth, nothingTried, pickOne, seeded } from './picking.ts';
import { modelOn } from './routed-models.ts';

const SECOND = 1_000;
const MINUTE = 60_000;
const HOUR = 3_600_000;

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

test('requests that were under way when their key died neither lengthen its rest nor end it', () => {
  const health = newHealth();
  const model = modelOn({ id: 'a' });
  const [first, second, third] = [pickOne(health, model), pickOne(health, model), pickOne(health, model)];
  fail(health, first, 'dead_key', 0);
  fail(health, second, 'dead_key', 1);
  fail(health, third, 'client_fault', 2);
  expect(health.retryAfterMs(model, CHAT, 0)).toBe(MINUTE);
  expect(pickOne(health, model, MINUTE).isProbe).toBe(true);
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

test('a storm of 4xx and of empty answers that clients cause moves nothing, and neither does what the message says (T46, T49)', () => {
  const health = newHealth();
  const model = modelOn({ id: 'a' });
  const caused = ['client_fault', 'misconfigured', 'empty'] as const;
  for (let n = 0; n < 1_000; n += 1) {
    const pick = pickOne(health, model, n);
    const failureClass = caused[n % 3] ?? 'empty';
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
