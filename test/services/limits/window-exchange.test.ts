import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { RateLimiter, type RateScope, type RateTicket } from '../../../services/limits/rate-limiter.ts';
import { WindowExchange } from '../../../services/limits/window-exchange.ts';
import { createLog } from '../../../services/platform/log.ts';
import { createRedis } from '../../../services/platform/redis.ts';
import { startThrowawayRedis, type ThrowawayRedis } from '../../support/throwaway-redis.ts';
import { until } from '../../support/until.ts';

const MINUTE_MS = 60_000;
const NOW_MS = 30_000_000 * MINUTE_MS;
const log = createLog({ name: 'test', level: 'silent' });

let server: ThrowawayRedis;
let closers: (() => Promise<void>)[] = [];
let gatewaysStarted = 0;

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

/** Gateways that share one Redis and have already heard of each other. */
async function gateways(count: number) {
  const started = Array.from({ length: count }, () => {
    const redis = createRedis(server.url, 'test', log);
    gatewaysStarted += 1;
    const exchange = new WindowExchange(redis, `gateway-${gatewaysStarted}`);
    const limiter = new RateLimiter(exchange);
    const close = async () => {
      await exchange.close();
      redis.close();
    };
    closers.push(close);
    return { redis, exchange, limiter, close };
  });
  await until(() => started.every(({ exchange }) => exchange.gateways === count));
  return started;
}

async function pair() {
  const [here, there] = await gateways(2);
  if (here === undefined || there === undefined) throw new Error('two gateways were asked for');
  return { here, there };
}

function scope(id: string, rates: Partial<Omit<RateScope, 'id'>>): readonly RateScope[] {
  return [{ id, requestsPerMinute: null, tokensPerMinute: null, concurrentRequests: null, ...rates }];
}

function take(limiter: RateLimiter, scopes: readonly RateScope[], count: number, tokens = 0): RateTicket[] {
  const decisions = Array.from({ length: count }, () => limiter.admit(scopes, tokens, NOW_MS));
  return decisions.flatMap((decision) => (decision.allowed ? [decision.ticket] : []));
}

/** Until a gateway knows what all others did. It learns about scopes that it is asked for; the question is always refused. */
async function untilLeft(limiter: RateLimiter, scopes: readonly RateScope[], remaining: number): Promise<void> {
  const probe = scopes.map((one) => ({ ...one, concurrentRequests: 0 }));
  await until(() => {
    limiter.admit(probe, 0, NOW_MS);
    return limiter.state(scopes, NOW_MS).requests?.remaining === remaining;
  });
}

test('of a burst of 200 against three gateways 60 pass when 60 a minute are allowed', async () => {
  const three = await gateways(3);
  const key = scope('key:burst', { requestsPerMinute: 60 });

  const bursts = three.map(async ({ limiter }, index) => {
    const sent = Array.from({ length: [60, 40, 100][index] ?? 0 }, () => limiter.admit(key, 0, NOW_MS));
    const known = sent.map((decision) =>
      !decision.allowed && decision.contended ? limiter.admitWhenKnown(key, 0, () => NOW_MS) : decision,
    );
    return Promise.all(known);
  });
  const decisions = (await Promise.all(bursts)).flat();

  expect(decisions.filter(({ allowed }) => allowed)).toHaveLength(60);
  for (const decision of decisions) if (!decision.allowed) expect(decision.retryAfterMs).toBeGreaterThan(MINUTE_MS);
  for (const { limiter } of three) await untilLeft(limiter, key, 0);
});

test('a burst that comes to one of three gateways gets all of the rate while the others are idle', async () => {
  const [busy] = await gateways(3);
  const key = scope('key:pinned', { requestsPerMinute: 60 });

  const burst = Array.from({ length: 70 }, () => busy?.limiter.admitWhenKnown(key, 0, () => NOW_MS));
  const decisions = await Promise.all(burst);

  expect(decisions.filter((decision) => decision?.allowed)).toHaveLength(60);
  expect(decisions.filter((decision) => decision?.allowed === false && decision.contended)).toHaveLength(0);
});

test('requests and tokens that one gateway counts are missing at the other, given back ones are not', async () => {
  const { here, there } = await pair();
  const org = scope('org:shared', { requestsPerMinute: 100, tokensPerMinute: 10_000 });
  const [ticket] = take(here.limiter, org, 1, 4_000);
  await untilLeft(there.limiter, org, 99);
  expect(there.limiter.state(org, NOW_MS).tokens?.remaining).toBe(6_000);

  if (ticket !== undefined) here.limiter.release(ticket, 1_500, NOW_MS);
  take(here.limiter, org, 1);

  await untilLeft(there.limiter, org, 98);
  expect(there.limiter.state(org, NOW_MS).tokens?.remaining).toBe(8_500);
});

test('what was counted last minute fades out at the other gateway, too', async () => {
  const { here, there } = await pair();
  const org = scope('org:fading', { requestsPerMinute: 100 });
  take(here.limiter, org, 40);
  await untilLeft(there.limiter, org, 60);

  expect(there.limiter.state(org, NOW_MS + 1.5 * MINUTE_MS).requests?.remaining).toBe(80);
  expect(there.limiter.state(org, NOW_MS + 2 * MINUTE_MS).requests?.remaining).toBe(100);
});

test('slots are shared, and a slot that one gateway frees can be taken at the other', async () => {
  const { here, there } = await pair();
  const key = scope('key:slots', { concurrentRequests: 2 });
  const [first] = take(here.limiter, key, 1);
  expect(take(there.limiter, key, 1)).toHaveLength(1);
  await until(() => {
    const decision = there.limiter.admit(key, 0, NOW_MS);
    if (decision.allowed) there.limiter.release(decision.ticket, null, NOW_MS);
    return !decision.allowed && !decision.contended;
  });

  if (first !== undefined) here.limiter.release(first, null, NOW_MS);

  await until(() => take(there.limiter, key, 1).length === 1);
});

test('the slots of a gateway that was killed are free again within its lease, those of a drained one at once', async () => {
  const { here, there } = await pair();
  const key = scope('key:crash', { concurrentRequests: 5 });
  const program = fileURLToPath(new URL('slot-holder.ts', import.meta.url));
  const holder = spawn(process.execPath, [program, server.url, 'key:crash', '5'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await once(holder.stdout, 'data');
  await until(() => here.exchange.gateways === 3);
  await until(() => take(here.limiter, key, 1).length === 0);

  holder.kill('SIGKILL');
  await until(() => take(here.limiter, key, 1).length === 1);
  await until(() => here.exchange.gateways === 2);

  const rest = scope('key:drain', { concurrentRequests: 1 });
  take(here.limiter, rest, 1);
  await until(() => take(there.limiter, rest, 1).length === 0);
  await here.close();
  await until(() => take(there.limiter, rest, 1).length === 1);
}, 20_000);

test('without Redis nothing is refused that this gateway did not count itself, and afterwards nothing counts twice', async () => {
  const { here, there } = await pair();
  const key = scope('key:outage', { requestsPerMinute: 60 });
  take(there.limiter, key, 30);
  await untilLeft(there.limiter, key, 30);
  await untilLeft(here.limiter, key, 30);

  server.kill('SIGKILL');
  await until(() => here.limiter.state(key, NOW_MS).requests?.remaining === 60);
  expect(take(here.limiter, key, 20)).toHaveLength(20);
  expect(here.exchange.gateways).toBe(1);

  await server.restart();
  await until(() => here.exchange.gateways === 2 && there.exchange.gateways === 2);
  await untilLeft(here.limiter, key, 10);
  await untilLeft(there.limiter, key, 10);
  for (let round = 0; round < 5; round += 1) await here.exchange.exchanged();
  expect(here.limiter.state(key, NOW_MS).requests?.remaining).toBe(10);
}, 20_000);

test('a Redis that hangs is like none, and what was told to it in doubt is not counted twice', async () => {
  const { here, there } = await pair();
  const key = scope('key:hang', { requestsPerMinute: 60 });
  take(there.limiter, key, 30);
  await untilLeft(here.limiter, key, 30);

  server.kill('SIGSTOP');
  expect(take(there.limiter, key, 10)).toHaveLength(10);
  await until(() => here.limiter.state(key, NOW_MS).requests?.remaining === 60);

  server.kill('SIGCONT');
  await until(() => here.exchange.gateways === 2 && there.exchange.gateways === 2);
  await untilLeft(here.limiter, key, 20);
}, 20_000);

test('scopes that nobody uses any more leave memory and Redis', async () => {
  const { here } = await pair();
  const redis = new Redis(server.url);
  const names = async () =>
    (await Promise.all((await redis.keys('tollgate:gateway:*')).map((key) => redis.hkeys(key)))).flat();
  for (let index = 0; index < 50; index += 1)
    take(here.limiter, scope(`key:old-${index}`, { requestsPerMinute: 5 }), 1);
  for (const ticket of take(here.limiter, scope('key:old-0', {}), 1)) here.limiter.release(ticket, null, NOW_MS);
  await here.exchange.exchanged();
  await here.exchange.exchanged();
  expect((await names()).filter((name) => name.startsWith('key:old-'))).toHaveLength(50);
  redis.disconnect();
});
