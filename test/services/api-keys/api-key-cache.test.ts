// The cache may answer late with a change it was not told of, but never calls a good key unknown and never overloads the database.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Pool } from 'pg';
import { ApiKeyCache } from '../../../services/api-keys/api-key-cache.ts';
import { digestOf, newCredential } from '../../../services/api-keys/credential.ts';
import { createPool } from '../../../services/platform/postgres.ts';
import { PAY_LINK, payUrlOf, putUnder } from '../../support/overdue.ts';
import { startThrowawayPostgres, type ThrowawayPostgres } from '../../support/throwaway-postgres.ts';
import { until } from '../../support/until.ts';
import { newApiKey, newCustomer } from './customers.ts';

const MINUTE_MS = 60_000;

let server: ThrowawayPostgres;
let staff: Pool;
let gateway: Pool;
let gatewayUrl: string;

beforeAll(async () => {
  server = await startThrowawayPostgres();
  const database = await server.createDatabase();
  const settings = { name: 'cache test', maxConnections: 4, statementTimeoutMs: 1_000 };
  staff = createPool(database.url, settings);
  gatewayUrl = database.urlFor('gateway');
  gateway = createPool(gatewayUrl, settings);
});
afterAll(async () => {
  await Promise.all([staff.end(), gateway.end()]);
  await server.stop();
});

function cacheAt(nowMs = 0) {
  const clock = { nowMs };
  return { clock, cache: new ApiKeyCache(gateway, () => clock.nowMs, payUrlOf) };
}

test('a key is loaded once and then answered from memory with all that the hot path asks', async () => {
  const customer = await newCustomer(staff);
  const { id, digest } = await newApiKey(staff, customer);
  await staff.query(
    `update api_keys set allowed_models = '{gpt-4o,claude}', allowed_addresses = '{203.0.113.0/24,2001:db8::/32}',
            expires_at = '2030-01-02T03:04:05.678Z', tokens_per_minute = 5000000000 where id = $1`,
    [id],
  );
  const { cache } = cacheAt();

  expect(cache.cached(digest)).toBeUndefined();
  const entry = await cache.load(digest);

  expect(entry).toBe(cache.cached(digest));
  expect(entry).toMatchObject({
    ...customer,
    id,
    memberId: null,
    name: 'ci',
    disabled: null,
    enforcement: 'active',
    enforcementSeq: 0,
    restriction: null,
    expiresAtMs: Date.parse('2030-01-02T03:04:05.678Z'),
    allowedModels: new Set(['gpt-4o', 'claude']),
    rateScopes: [
      { id: `key:${id}`, requestsPerMinute: null, tokensPerMinute: 5_000_000_000, concurrentRequests: null },
      { id: `org:${customer.orgId}`, requestsPerMinute: 600, tokensPerMinute: 1_000_000, concurrentRequests: 50 },
    ],
  });
  const [list, ...others] = entry === 'unknown' ? [] : (entry.addressLists ?? []);
  expect([list?.owner, others]).toEqual(['key', []]);
  expect(['203.0.113.9', '203.0.114.9'].map((address) => list?.addresses.matches(address))).toEqual([true, false]);
});

test('a key without rates of its own is limited by its organization alone', async () => {
  const { digest } = await newApiKey(staff, await newCustomer(staff));

  expect(await cacheAt().cache.load(digest)).toMatchObject({
    rateScopes: [{ requestsPerMinute: 600 }],
    allowedModels: null,
    addressLists: null,
    expiresAtMs: null,
  });
});

test('while an organization is limited it and each of its keys have a tenth of their requests a minute, and one at least', async () => {
  const customer = await newCustomer(staff);
  const { id, digest } = await newApiKey(staff, customer);
  await staff.query('update api_keys set requests_per_minute = 9, tokens_per_minute = 1000 where id = $1', [id]);
  await putUnder(staff, customer.orgId, 'limited');

  expect(await cacheAt().cache.load(digest)).toMatchObject({
    enforcementSeq: 1,
    restriction: { stage: 'limited', payLink: PAY_LINK },
    rateScopes: [
      { id: `key:${id}`, requestsPerMinute: 1, tokensPerMinute: 1_000 },
      { id: `org:${customer.orgId}`, requestsPerMinute: 60, tokensPerMinute: 1_000_000, concurrentRequests: 50 },
    ],
  });
});

test('an older read does not undo the stage that a newer one of the same organization brought, and a newer one does', async () => {
  const customer = await newCustomer(staff);
  const [first, second, third] = await Promise.all([1, 2, 3].map(() => newApiKey(staff, customer)));
  const { cache } = cacheAt();
  const stageOf = async (apiKey = first) => {
    const entry = await cache.load(apiKey?.digest ?? '');
    return entry === 'unknown'
      ? entry
      : [entry.enforcementSeq, entry.restriction?.stage, entry.rateScopes[0]?.requestsPerMinute];
  };
  await putUnder(staff, customer.orgId, 'limited');
  expect(await stageOf(first)).toEqual([1, 'limited', 60]);

  // As a standby has it that lags behind.
  await staff.query(`update organizations set overdue_stage = 'none', enforcement_seq = 0 where id = $1`, [
    customer.orgId,
  ]);
  expect(await stageOf(second)).toEqual([1, 'limited', 60]);

  await staff.query(`update organizations set overdue_stage = 'stopped', enforcement_seq = 2 where id = $1`, [
    customer.orgId,
  ]);
  expect(await stageOf(third)).toEqual([2, 'stopped', 60]);
  await staff.query('update organizations set enforcement_seq = 1 where id = $1', [customer.orgId]);
  expect(await stageOf(second)).toEqual([2, 'stopped', 60]);
});

test('any number of requests for a cold key ask the database once', async () => {
  const { digest } = await newApiKey(staff, await newCustomer(staff));
  const { cache } = cacheAt();

  const first = cache.load(digest);

  expect(cache.load(digest)).toBe(first);
  await first;
  expect(cache.load(digest)).not.toBe(first);
});

test('an unknown key is remembered for five seconds and no longer', async () => {
  const { cache, clock } = cacheAt();
  const digest = digestOf(newCredential().credential);

  expect(await cache.load(digest)).toBe('unknown');
  clock.nowMs = 4_999;
  expect(cache.cached(digest)).toBe('unknown');
  clock.nowMs = 5_000;
  expect(cache.cached(digest)).toBeUndefined();
});

test('a key that is made while its digest counts as unknown works as soon as its creation is told', async () => {
  const customer = await newCustomer(staff);
  const { cache } = cacheAt();
  const { id, digest } = await newApiKey(staff, customer);
  await staff.query('update api_keys set digest = sha256(digest) where id = $1', [id]);
  expect(await cache.load(digest)).toBe('unknown');

  await staff.query(`update api_keys set digest = decode($2, 'hex') where id = $1`, [id, digest]);
  cache.forget('api_key', id);

  expect(cache.cached(digest)).toBeUndefined();
  expect(await cache.load(digest)).toMatchObject({ id });
});

test('a change of the key, its organization or its rate tier is seen by the next request, and no other key is asked for', async () => {
  const [mine, theirs] = [await newCustomer(staff), await newCustomer(staff)];
  const { id, digest } = await newApiKey(staff, mine);
  const other = await newApiKey(staff, theirs);
  await staff.query(`update organizations set rate_tier = 'high' where id = $1`, [mine.orgId]);
  const { cache } = cacheAt();
  await cache.load(other.digest);

  for (const [kind, target, change] of [
    ['api_key', id, `update api_keys set disabled_at = now() where id = '${id}'`],
    ['organization', mine.orgId, `update organizations set enforcement = 'stopped' where id = '${mine.orgId}'`],
    ['routing', 'high', `update rate_tiers set requests_per_minute = 4000 where id = 'high'`],
  ] as const) {
    await cache.load(digest);
    await staff.query(change);
    cache.forget(kind, target);
    expect(cache.cached(digest)).toBeUndefined();
    expect(cache.cached(other.digest)).toMatchObject({ id: other.id });
  }
  expect(await cache.load(digest)).toMatchObject({
    disabled: 'key',
    enforcement: 'stopped',
    rateScopes: [{ requestsPerMinute: 4_000 }],
  });
});

test('a key is out of use with its member and in use with him again, and a key of nobody is not asked for', async () => {
  const customer = await newCustomer(staff);
  const [{ id, digest }, other] = [await newApiKey(staff, customer), await newApiKey(staff, customer)];
  const memberId = randomUUID();
  await staff.query(`insert into persons (id, email, name) values ($1, 'ada@example.com', 'Ada')`, [memberId]);
  await staff.query(`insert into memberships (org_id, person_id, role) values ($1, $2, 'owner')`, [
    customer.orgId,
    memberId,
  ]);
  await staff.query('update api_keys set member_id = $1 where id = $2', [memberId, id]);
  const { cache } = cacheAt();
  await cache.load(other.digest);

  for (const [status, disabled] of [
    ['suspended', 'member'],
    ['active', null],
    ['removed', 'member'],
  ]) {
    await cache.load(digest);
    await staff.query('update memberships set status = $1 where person_id = $2', [status, memberId]);
    cache.forget('member', memberId);
    expect(cache.cached(digest)).toBeUndefined();
    expect(await cache.load(digest)).toMatchObject({ memberId, disabled });
    expect(cache.cached(other.digest)).toMatchObject({ disabled: null });
  }
});

test('what was read before a change is not kept after it', async () => {
  const { id, digest } = await newApiKey(staff, await newCustomer(staff));
  const { cache } = cacheAt();

  const loading = cache.load(digest);
  cache.forget('api_key', id);
  await loading;

  expect(cache.cached(digest)).toBeUndefined();
  await cache.load(digest);
  expect(cache.cached(digest)).toMatchObject({ id });
});

test('while the database is away a known key works for five minutes, and an unknown one is never called unknown', async () => {
  const { id, digest } = await newApiKey(staff, await newCustomer(staff));
  const { cache, clock } = cacheAt();
  await cache.load(digest);
  clock.nowMs = MINUTE_MS;
  cache.confirm();

  server.kill('SIGKILL');
  try {
    await expect(cache.load(digestOf(newCredential().credential))).rejects.toMatchObject({
      code: 'service_unavailable',
      details: { retryAfterMs: 1_000 },
    });
    clock.nowMs = 6 * MINUTE_MS;
    expect(cache.cached(digest)).toMatchObject({ id });

    clock.nowMs += 1;
    expect(cache.cached(digest)).toBeUndefined();
    await expect(cache.load(digest)).rejects.toMatchObject({ code: 'service_unavailable' });
  } finally {
    await server.restart();
  }
  expect(await cache.load(digest)).toMatchObject({ id });
});

test('after missed changes every key is asked for again, and an old answer serves only if there is no other', async () => {
  const { id, digest } = await newApiKey(staff, await newCustomer(staff));
  const { cache, clock } = cacheAt();
  await cache.load(digest);

  cache.suspectAll();
  expect(cache.cached(digest)).toBeUndefined();
  server.kill('SIGKILL');
  try {
    expect(await cache.load(digest)).toMatchObject({ id });
    // Confirmations of the new watch say nothing about what was loaded before it.
    clock.nowMs = 4 * MINUTE_MS;
    cache.confirm();
    clock.nowMs = 5 * MINUTE_MS + 1;
    await expect(cache.load(digest)).rejects.toMatchObject({ code: 'service_unavailable' });
  } finally {
    await server.restart();
  }
  await cache.load(digest);
  expect(cache.cached(digest)).toMatchObject({ id });
});

test('a key is looked up to the end for the next request, when the first has given up (D16)', async () => {
  const { id, digest } = await newApiKey(staff, await newCustomer(staff));
  const patient = createPool(gatewayUrl, { name: 'patient', maxConnections: 1, statementTimeoutMs: 5_000 });
  const cache = new ApiKeyCache(patient, () => 0, payUrlOf);
  const slow = await staff.connect();
  await slow.query('begin');
  await slow.query('lock table api_keys in access exclusive mode');

  await expect(cache.load(digest)).rejects.toMatchObject({ code: 'service_unavailable' });
  await slow.query('commit');
  slow.release();

  await until(() => cache.cached(digest) !== undefined);
  expect(cache.cached(digest)).toMatchObject({ id });
});
