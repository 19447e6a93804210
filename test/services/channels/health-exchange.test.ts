// Gateways that share one real Redis: what one of them finds out about an upstream, the others need not find out again (T51).
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { ChannelHealth } from '../../../services/channels/channel-health.ts';
import { HealthExchange } from '../../../services/channels/health-exchange.ts';
import type { RoutedModel } from '../../../services/channels/routing-table.ts';
import { createLog } from '../../../services/platform/log.ts';
import { createRedis } from '../../../services/platform/redis.ts';
import { startThrowawayRedis, type ThrowawayRedis } from '../../support/throwaway-redis.ts';
import { until } from '../../support/until.ts';
import { breakDown, CHAT, fail, nothingTried, pickOne, seeded } from './picking.ts';
import { modelOn } from './routed-models.ts';

const MINUTE_MS = 60_000;
const model: RoutedModel = modelOn({ id: 'a', keys: ['k1'] });
const log = createLog({ name: 'test', level: 'silent' });

let server: ThrowawayRedis;
let closers: (() => Promise<void>)[] = [];

beforeAll(async () => {
  server = await startThrowawayRedis();
});
afterEach(async () => {
  for (const close of closers) await close();
  closers = [];
  const redis = new Redis(server.url);
  await redis.flushall();
  redis.disconnect();
});
afterAll(() => server.stop());

interface Gateway {
  readonly health: ChannelHealth;
  /** Its own monotonic clock, which began at another moment than the others'. */
  nowMs: number;
  close(): Promise<void>;
}

/** The clock of PostgreSQL stands still, unless the test moves it, and each gateway's with it. */
let databaseMs = 1_700_000_000_000;

function newGateway(startedAtMs: number): Gateway {
  const link = createRedis(server.url, 'test', log);
  const health = new ChannelHealth(seeded(7));
  const gateway = {
    health,
    get nowMs() {
      return databaseMs - startedAtMs;
    },
    async close() {
      await exchange.close();
      link.close();
    },
  };
  const exchange = new HealthExchange(link, health, { timeMs: () => databaseMs, nowMs: () => gateway.nowMs });
  closers.push(() => gateway.close());
  return gateway;
}

function three(): readonly [Gateway, Gateway, Gateway] {
  return [newGateway(1_600_000_000_000), newGateway(1_650_000_000_000), newGateway(1_699_999_000_000)];
}

function serves({ health, nowMs }: Gateway): boolean {
  return health.pick(model, CHAT, nothingTried(), nowMs) !== null;
}

function stateAt({ health }: Gateway): { breaker: string; deadKeys: readonly string[] } | undefined {
  return health.snapshot().find(({ channelId }) => channelId === 'a');
}

test('a breaker that opens in one of three gateways opens in all, until the same moment, and closes in all (T51)', async () => {
  const all = three();
  const [first, second, third] = all;
  breakDown(first.health, model, first.nowMs);

  await until(() => all.every((gateway) => stateAt(gateway)?.breaker === 'open'));
  expect(all.map(serves)).toEqual([false, false, false]);
  const waits = all.map(({ health, nowMs }) => health.retryAfterMs(model, CHAT, nowMs));
  expect(new Set(waits)).toEqual(new Set([5_000]));

  databaseMs += 5_000;
  const probe = pickOne(second.health, model, second.nowMs);
  expect(probe.isProbe).toBe(true);
  second.health.succeeded(probe);
  second.health.finished(probe);

  await until(() => all.every((gateway) => stateAt(gateway)?.breaker === 'closed'));
  expect(serves(third)).toBe(true);
});

test('a probe that fails at one gateway keeps the others away twice as long, too (T51)', async () => {
  const all = three();
  const [first, second] = all;
  breakDown(first.health, model, first.nowMs);
  await until(() => all.every((gateway) => stateAt(gateway)?.breaker === 'open'));

  databaseMs += 5_000;
  fail(second.health, pickOne(second.health, model, second.nowMs), 'unreachable', second.nowMs);

  await until(() => all.every(({ health, nowMs }) => health.retryAfterMs(model, CHAT, nowMs) === 10_000));
});

test('a gateway that starts knows the dead keys and open breakers of those before it, and finds out when they are back (T51)', async () => {
  const before = newGateway(1_600_000_000_000);
  fail(before.health, pickOne(before.health, model, before.nowMs), 'dead_key', before.nowMs);
  const witness = newGateway(1_650_000_000_000);
  await until(() => stateAt(witness)?.deadKeys.length === 1);
  await before.close();
  await witness.close();

  const after = newGateway(1_699_000_000_000);
  await until(() => stateAt(after)?.deadKeys.length === 1);
  expect(serves(after)).toBe(false);

  databaseMs += MINUTE_MS;
  expect(pickOne(after.health, model, after.nowMs).isProbe).toBe(true);
});

test('without Redis each gateway keeps what it knows, and tells it again to a Redis that came back empty', async () => {
  const [first, second] = three();
  breakDown(first.health, model, first.nowMs);
  await until(() => stateAt(second)?.breaker === 'open');

  server.kill('SIGKILL');
  await server.restart();

  const third = newGateway(1_699_999_000_000);
  await until(() => stateAt(third)?.breaker === 'open');
  expect([first, second].map((gateway) => stateAt(gateway)?.breaker)).toEqual(['open', 'open']);
});
