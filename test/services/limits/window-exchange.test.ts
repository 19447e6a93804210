// Gateways that share one real Redis. Rates are judged at one frozen instant, so that no count fades while a test waits.
import { spawn } from 'node:child_process';
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
let redis: Redis;
let closers: (() => Promise<void>)[] = [];
let gatewaysStarted = 0;

beforeAll(async () => {
  server = await startThrowawayRedis();
  redis = new Redis(server.url);
  redis.on('error', () => {}); // tests kill the server
});
afterEach(async () => {
  for (const close of closers) await close();
  closers = [];
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

interface Gateway {
  readonly name: string;
  readonly limiter: RateLimiter;
  close(): Promise<void>;
}

/** They have heard each other already. */
async function gateways(count: number): Promise<Gateway[]> {
  const started = Array.from({ length: count }, () => {
    gatewaysStarted += 1;
    const name = `gateway-${gatewaysStarted}`;
    const link = createRedis(server.url, 'test', log);
    const exchange = new WindowExchange(link, name);
    const close = async () => {
      await exchange.close();
      link.close();
    };
    closers.push(close);
    return { name, limiter: new RateLimiter(exchange), close };
  });
  await untilAllHear(started);
  return started;
}

async function pair(): Promise<{ here: Gateway; there: Gateway }> {
  const [here, there] = await gateways(2);
  if (here === undefined || there === undefined) throw new Error('two gateways were asked for');
  return { here, there };
}

let greetings = 0;

/** Each counts one request of a scope that nobody else uses, and waits until all know of all. */
async function untilAllHear(all: readonly Gateway[]): Promise<void> {
  greetings += 1;
  const greeting = scope(`key:greeting-${greetings}`, { requestsPerMinute: 1_000 });
  for (const { limiter } of all) finished(limiter, greeting);
  for (const { limiter } of all) await untilLeft(limiter, greeting, 1_000 - all.length);
}

function scope(id: string, rates: Partial<Omit<RateScope, 'id'>>): readonly RateScope[] {
  return [{ id, requestsPerMinute: null, tokensPerMinute: null, concurrentRequests: null, ...rates }];
}

function take(limiter: RateLimiter, scopes: readonly RateScope[], count: number, tokens = 0): RateTicket[] {
  const decisions = Array.from({ length: count }, () => limiter.admit(scopes, tokens, NOW_MS));
  return decisions.flatMap((decision) => (decision.allowed ? [decision.ticket] : []));
}

function finished(limiter: RateLimiter, scopes: readonly RateScope[]): boolean {
  const [ticket] = take(limiter, scopes, 1);
  if (ticket !== undefined) limiter.release(ticket, 0, NOW_MS);
  return ticket !== undefined;
}

/** Until a gateway knows what all others did. It asks about scopes that it is asked for; this question is always refused. */
async function untilLeft(limiter: RateLimiter, scopes: readonly RateScope[], remaining: number): Promise<void> {
  const probe = scopes.map((one) => ({ ...one, concurrentRequests: 0 }));
  await until(() => {
    limiter.admit(probe, 0, NOW_MS);
    return left(limiter, scopes) === remaining;
  });
}

function left(limiter: RateLimiter, scopes: readonly RateScope[]): number | undefined {
  return limiter.state(scopes, NOW_MS).requests?.remaining;
}

test('requests that come one exchange after the other pass as often as the rate says, whichever gateway they meet', async () => {
  const three = await gateways(3);
  const key = scope('key:paced', { requestsPerMinute: 5 });
  const passed: boolean[] = [];
  for (let sent = 0; sent < 8; sent += 1) {
    const limiter = three[sent % 3]?.limiter;
    if (limiter === undefined) throw new Error('three gateways were asked for');
    passed.push(finished(limiter, key));
    for (const other of three) await untilLeft(other.limiter, key, Math.max(4 - sent, 0));
  }

  expect(passed).toEqual([true, true, true, true, true, false, false, false]);
});

test('a burst that meets three gateways within one exchange passes at most once at each, and then nobody lets more through (T73)', async () => {
  const three = await gateways(3);
  const key = scope('key:burst', { requestsPerMinute: 60 });

  const passed = three.map(({ limiter }, index) => take(limiter, key, [60, 40, 100][index] ?? 0).length);
  for (const { limiter } of three) await untilLeft(limiter, key, 0);

  expect(passed).toEqual([60, 40, 60]);
  for (const { limiter } of three) expect(limiter.admit(key, 0, NOW_MS)).toMatchObject({ allowed: false });
  const decision = three[0]?.limiter.admit(key, 0, NOW_MS);
  expect(decision?.allowed === false && decision.retryAfterMs).toBeGreaterThan(MINUTE_MS);
});

test('a burst that comes to one of three gateways gets all of the rate at once while the others are idle', async () => {
  const [busy, ...idle] = await gateways(3);
  const key = scope('key:pinned', { requestsPerMinute: 60 });
  if (busy === undefined) throw new Error('three gateways were asked for');

  expect(take(busy.limiter, key, 70)).toHaveLength(60);

  for (const { limiter } of idle) await untilLeft(limiter, key, 0);
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

test('slots and tokens that one gateway frees are free at the other without anybody asking for them first', async () => {
  const { here, there } = await pair();
  const key = scope('key:slots', { requestsPerMinute: 100, tokensPerMinute: 1_000, concurrentRequests: 2 });
  const tickets = take(here.limiter, key, 2, 500);
  await until(() => !finished(there.limiter, key));
  expect(there.limiter.state(key, NOW_MS).tokens?.remaining).toBe(0);

  for (const ticket of tickets) here.limiter.release(ticket, 0, NOW_MS);

  await until(() => there.limiter.state(key, NOW_MS).tokens?.remaining === 1_000);
  expect(take(there.limiter, key, 2)).toHaveLength(2);
});

test('the slots of a gateway that was killed are free again within its lease, those of a drained one at once (T75)', async () => {
  const { here, there } = await pair();
  const key = scope('key:crash', { concurrentRequests: 5 });
  const program = fileURLToPath(new URL('slot-holder.ts', import.meta.url));
  const holder = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', program, server.url, 'key:crash', '5'],
    {
      stdio: ['pipe', 'ignore', 'inherit'],
    },
  );
  try {
    await until(() => !finished(here.limiter, key));
  } finally {
    holder.kill('SIGKILL');
  }
  await until(() => take(here.limiter, key, 5).length === 5);

  const rest = scope('key:drain', { concurrentRequests: 1 });
  take(here.limiter, rest, 1);
  await until(() => !finished(there.limiter, rest));
  await here.close();
  await until(() => finished(there.limiter, rest));
});

test('without Redis nothing is refused that this gateway did not count itself, and afterwards nothing counts twice', async () => {
  const { here, there } = await pair();
  const key = scope('key:outage', { requestsPerMinute: 60 });
  take(there.limiter, key, 30);
  await untilLeft(there.limiter, key, 30);
  await untilLeft(here.limiter, key, 30);

  server.kill('SIGKILL');
  await until(() => left(here.limiter, key) === 60);
  expect(take(here.limiter, key, 20)).toHaveLength(20);

  await server.restart();
  await untilAllHear([here, there]);
  await untilLeft(here.limiter, key, 10);
  await untilLeft(there.limiter, key, 10);
  await untilAllHear([here, there]);
  expect([left(here.limiter, key), left(there.limiter, key)]).toEqual([10, 10]);
});

test('a Redis that hangs is like none, and what was told to it in doubt is not counted twice', async () => {
  const { here, there } = await pair();
  const key = scope('key:hang', { requestsPerMinute: 60 });
  take(there.limiter, key, 30);
  await untilLeft(here.limiter, key, 30);

  server.kill('SIGSTOP');
  try {
    take(there.limiter, key, 10);
    finished(here.limiter, key);
    await until(() => left(here.limiter, key) === 59 && left(there.limiter, key) === 20);
    expect(take(there.limiter, key, 19)).toHaveLength(19);
  } finally {
    server.kill('SIGCONT');
  }
  await untilLeft(here.limiter, key, 0);
  await untilAllHear([here, there]);
  expect([left(here.limiter, key), left(there.limiter, key)]).toEqual([0, 0]);
});

test('a gateway whose counts are gone from Redis tells all of them again, without a request that touches them', async () => {
  const { here, there } = await pair();
  const key = scope('key:told-again', { requestsPerMinute: 60 });
  take(there.limiter, key, 25);
  await untilLeft(here.limiter, key, 35);

  await redis.flushall();
  await until(async () => (await redis.hexists(`tollgate:gateway:${there.name}`, 'key:told-again')) === 1);
  await untilLeft(here.limiter, key, 35);
});

test('scopes that nobody uses any more leave Redis, and those with a request in flight stay', async () => {
  const { here } = await pair();
  const told = () => redis.hkeys(`tollgate:gateway:${here.name}`);
  finished(here.limiter, scope('key:finished', { requestsPerMinute: 5 }));
  take(here.limiter, scope('key:in-flight', { requestsPerMinute: 5 }), 1);
  await until(async () => (await told()).includes('key:finished'));

  const laterMs = NOW_MS + 2 * MINUTE_MS;
  await until(async () => {
    here.limiter.admit(scope(`key:new-${performance.now()}`, {}), 0, laterMs);
    return !(await told()).includes('key:finished');
  });

  expect(await told()).toContain('key:in-flight');
});
