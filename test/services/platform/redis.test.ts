// Redis is a convenience: whatever happens to it costs an answer of null and nothing else.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createLog } from '../../../services/platform/log.ts';
import { createRedis } from '../../../services/platform/redis.ts';
import { startThrowawayRedis, type ThrowawayRedis } from '../../support/throwaway-redis.ts';
import { until } from '../../support/until.ts';

const log = createLog({ name: 'test', level: 'silent' });
let server: ThrowawayRedis;

beforeAll(async () => {
  server = await startThrowawayRedis();
});
afterAll(() => server.stop());

const PING = [
  ['set', 'greeting', 'hello'],
  ['get', 'greeting'],
] as const;

test('a Redis that was never there costs an answer of null, not an error', async () => {
  const redis = createRedis('redis://127.0.0.1:1', 'test', log);

  expect(await redis.run(PING)).toBeNull();
  expect(redis.isUp()).toBe(false);
  redis.close();
});

test('the link finds Redis again after a kill and a restart, and says at once that it was lost', async () => {
  const redis = createRedis(server.url, 'test', log);
  await until(async () => (await redis.run(PING)) !== null);
  const lost = new Promise<void>((resolve) => redis.onLost(resolve));

  server.kill('SIGKILL');
  await lost;
  expect(redis.isUp()).toBe(false);
  expect(await redis.run(PING)).toBeNull();

  await server.restart();
  await until(async () => (await redis.run(PING)) !== null);
  expect(await redis.run(PING)).toEqual(['OK', 'hello']);
  redis.close();
});

test('a Redis that is silent is given up for this time, and answers again when it wakes', async () => {
  const redis = createRedis(server.url, 'test', log);
  await until(async () => (await redis.run(PING)) !== null);

  server.kill('SIGSTOP');
  expect(await redis.run(PING)).toBeNull();

  server.kill('SIGCONT');
  await until(async () => (await redis.run(PING)) !== null);
  redis.close();
});

test('one failed command makes the whole answer null: nobody has to look into its parts', async () => {
  const redis = createRedis(server.url, 'test', log);
  await until(async () => (await redis.run(PING)) !== null);

  expect(
    await redis.run([
      ['get', 'greeting'],
      ['hget', 'greeting', 'field'],
    ]),
  ).toBeNull();
  redis.close();
});
