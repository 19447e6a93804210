// Rates as customers meet them: two installations of the product, one Redis, one API key.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startThrowawayRedis, type ThrowawayRedis } from '../../support/throwaway-redis.ts';
import { until } from '../../support/until.ts';
import { type Customer, newApiKey, newCustomer, stock } from '../reliability/customers.ts';
import { ask, type Heard } from '../reliability/requests.ts';
import { openSite, type Site } from '../reliability/site.ts';

let site: Site;
let redis: ThrowawayRedis;
let customer: Customer;
let here: { readonly url: string };
let there: { readonly url: string };

beforeAll(async () => {
  [site, redis] = await Promise.all([openSite(), startThrowawayRedis()]);
  here = site;
  await site.start({ REDIS_URL: redis.url });
  there = await site.startBeside({ REDIS_URL: redis.url });
  await stock(site);
  customer = await newCustomer(site, { usd: '10' });
});
afterAll(async () => {
  await site.close();
  await redis.stop();
});

async function keyWith(rates: object): Promise<string> {
  return (await newApiKey(site, customer.orgId, customer.projectId, rates)).credential;
}

function burst(place: { readonly url: string }, credential: string, count: number): Promise<Heard[]> {
  return Promise.all(Array.from({ length: count }, () => ask(place, { credential })));
}

function bodyOfBytes(bytes: number): string {
  const content = 'word '.repeat(bytes / 5);
  return JSON.stringify({ model: 'std', max_tokens: 5, messages: [{ role: 'user', content }] });
}

test('with two gateways a burst at one of them gets the whole rate, and then both refuse until it fades', async () => {
  const credential = await keyWith({ requestsPerMinute: 40 });

  const heard = await burst(here, credential, 45);

  expect(heard.filter(({ status }) => status === 200)).toHaveLength(40);
  const refused = heard.filter(({ status }) => status === 429);
  expect(refused).toHaveLength(5);
  for (const { code, headers } of refused) {
    expect(code).toBe('rate_limit_exceeded');
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
  }
  await until(async () => (await ask(there, { credential })).status === 429);
});

test('with Redis gone a gateway refuses nothing but what it counted itself, and nobody waits', async () => {
  const credential = await keyWith({ requestsPerMinute: 100 });
  await burst(here, credential, 100);
  await until(async () => (await ask(there, { credential })).status === 429);

  redis.kill('SIGKILL');
  await until(async () => (await ask(there, { credential })).status === 200);
  expect((await ask(here, { credential })).status).toBe(429);

  await redis.restart();
  await until(async () => (await ask(there, { credential })).status === 429);
});

test('what could not fit into a minute by any count is refused for good, and says so (D9)', async () => {
  const credential = await keyWith({ tokensPerMinute: 1_000 });

  const refused = await ask(here, { credential, body: bodyOfBytes(8_100) });

  expect(refused).toMatchObject({ status: 429, code: 'rate_limit_exceeded' });
  expect(refused.headers).toMatchObject({ 'x-should-retry': 'false' });
  expect(refused.headers['retry-after']).toBeUndefined();
  expect(refused.text).toContain('1000 tokens a minute: waiting does not help');
});

test('what may fit by a kinder count has an empty minute to itself, and keeps the next waiting', async () => {
  const credential = await keyWith({ tokensPerMinute: 1_000 });

  expect((await ask(here, { credential, body: bodyOfBytes(6_000) })).status).toBe(200);

  const next = await ask(here, { credential });
  expect(next).toMatchObject({ status: 429, code: 'rate_limit_exceeded' });
  expect(Number(next.headers['retry-after'])).toBeGreaterThan(0);
});
