// What a customer reads with its key agrees with the ledger to the nano and shows nothing of other customers or of our costs.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { newId } from '../../../services/platform/ids.ts';
import { type Answered, done, type ManagementApp, startManagementApp } from './management-app.ts';
import {
  answeredRequest,
  newKey,
  newPayingCustomer,
  openShop,
  type PayingCustomer,
  type Shop,
} from './paying-customer.ts';

let app: ManagementApp;
let shop: Shop;

beforeAll(async () => {
  app = await startManagementApp();
  shop = await openShop(app, 'std');
});
afterAll(async () => {
  await shop.gateway.close();
  await app.close();
});

function read(path: string, { credential }: PayingCustomer, headers = {}): Promise<Answered> {
  return app.call('get', path, { credential, headers });
}

/** 1,234 in and 567 out at $2.50 and $10.00 (M01). */
const M01 = { meters: { input: 1_234, output: 567 }, chargeNano: '8755000' };

test('credits, key and legacy billing agree with the ledger to the nano, in every shape', async () => {
  const customer = await newPayingCustomer(app);
  await answeredRequest(shop, customer, M01.meters);
  await answeredRequest(shop, customer, { input: 1 }); // 0.0000025, which a rounding to micro-dollars would lose

  const credits = await read('/v1/credits', customer);
  const ownKey = await read('/v1/key', customer);
  const subscription = await read('/v1/dashboard/billing/subscription', customer);
  const usage = await read('/v1/dashboard/billing/usage', customer);

  expect(credits.body).toMatchObject({ data: { balanceNano: '24991242500', usageNano: '8757500' } });
  expect(credits.text).toContain('"total_credits":25.000000000,"total_usage":0.008757500');
  expect(ownKey.body).toMatchObject({
    data: { usageNano: { total: '8757500', day: '8757500', month: '8757500' }, limit: null },
  });
  expect(ownKey.text).toContain('"usage":0.008757500');
  expect(subscription.text).toContain('"hard_limit_usd":25.000000000');
  expect(usage.text).toContain('"total_usage":0.875750000'); // cents
});

test('balance is available + reserved, and what a gateway holds is said beside it', async () => {
  const customer = await newPayingCustomer(app);
  await shop.gateway.hold(customer, '3.00'); // more than a tenth of the balance: the lease is for this request alone
  const { body } = await read('/v1/credits', customer);
  expect(body).toMatchObject({
    data: { balanceNano: '25000000000', reservedNano: '3000000000', availableNano: '22000000000', settlingNano: '0' },
  });
  const staff = done(await app.call('get', `/api/v1/organizations/${customer.orgId}/balance`));
  expect(staff.body).toEqual({
    balanceNano: '25000000000',
    availableNano: '22000000000',
    reservedNano: '3000000000',
    settlingNano: '0',
    lockedNano: '0',
  });
});

test('a capped key is shown its own limit, and legacy clients what it can really spend', async () => {
  const caps = [
    { period: 'total', amountNano: '10000000000' },
    { period: 'day', amountNano: '1000000000' },
  ];
  const customer = await newPayingCustomer(app, { caps });
  await answeredRequest(shop, customer, M01.meters);
  const ownKey = await read('/v1/key', customer);
  expect(ownKey.text).toContain('"limit":1.000000000,"limit_remaining":0.991245000,"limit_reset":"daily"');
  const { text } = await read('/v1/dashboard/billing/subscription', customer);
  expect(text).toContain('"hard_limit_usd":10.000000000');
});

test('legacy usage counts whole days, the last one included', async () => {
  const customer = await newPayingCustomer(app);
  await answeredRequest(shop, customer, M01.meters, { admitted_ms: Date.parse('2026-03-31T23:59:59.999Z') });
  const between = async (from: string, to: string) =>
    (await read(`/v1/dashboard/billing/usage?start_date=${from}&end_date=${to}`, customer)).text;
  expect(await between('2026-03-01', '2026-03-31')).toContain('"total_usage":0.875500000');
  expect(await between('2026-04-01', '2026-04-30')).toContain('"total_usage":0.000000000');
  expect((await read('/v1/dashboard/billing/usage?start_date=yesterday', customer)).status).toBe(400);
});

test('a receipt says what was used, at which price, over which attempts, and no cost of ours', async () => {
  const customer = await newPayingCustomer(app);
  const lost = [
    { outcome: 'failed_over' as const, failure_class: 'overloaded' as const, status: 503, cost_nano: '250' },
  ];
  const { requestId } = await answeredRequest(shop, customer, M01.meters, {}, lost);

  const receipt = done(await read(`/v1/requests/${requestId}`, customer));

  expect(receipt.body).toEqual({
    ...{ requestId, model: 'std', dialect: 'openai-chat', streamed: false, outcome: 'complete' },
    ...{ chargeNano: M01.chargeNano, ratedNano: M01.chargeNano, tokens: M01.meters, usageSource: 'provider' },
    ...{ dueNano: M01.chargeNano, beyondIncludedNano: null, beyondIncludedPpm: null },
    ...{ deliveredBytes: 4, endSent: 'yes', priceVersion: shop.priceVersionId, price: shop.price },
    admittedAt: expect.stringMatching(/Z$/),
    settledAt: expect.stringMatching(/Z$/),
    attempts: [
      expect.objectContaining({
        n: 1,
        channel: 'the shop',
        outcome: 'failed_over',
        failureClass: 'overloaded',
        status: 503,
      }),
      expect.objectContaining({ n: 2, channel: 'the shop', outcome: 'won', firstByteMs: 1, durationMs: 2 }),
    ],
  });
  expect(receipt.text).not.toMatch(/cost|margin/i);
  const staff = done(await app.call('get', `/api/v1/requests/${requestId}`));
  expect(staff.body).toMatchObject({ costNano: '1250', marginNano: '8753750', orgId: customer.orgId, winner: 2 });
});

test('whether the end of an answer was sent is yes, no, or honestly unknown', async () => {
  const customer = await newPayingCustomer(app);
  const sent = await answeredRequest(shop, customer, M01.meters);
  const unsent = await answeredRequest(shop, customer, M01.meters);
  const gone = await answeredRequest(shop, customer, M01.meters, { outcome: 'client_gone' });
  await app.db.query('insert into unsent_ends (request_id) values ($1)', [unsent.requestId]);
  const endSent = async ({ requestId }: { requestId: string }) =>
    (await read(`/v1/requests/${requestId}`, customer)).field('endSent');
  expect([await endSent(sent), await endSent(unsent), await endSent(gone)]).toEqual(['yes', 'no', 'no']);

  // A gateway that died right after the commit left no note.
  const { id } = shop.gateway.incarnation;
  await app.db.query('update gateway_incarnations set fenced_at = clock_timestamp() where id = $1', [id]);
  expect([await endSent(sent), await endSent(unsent)]).toEqual(['unknown', 'no']);
  await app.db.query('update gateway_incarnations set fenced_at = null where id = $1', [id]);
});

test('an orphaned request is found through its attempts, costs nothing, and does not claim an end', async () => {
  const customer = await newPayingCustomer(app);
  const requestId = newId();
  await app.db.query(
    `insert into attempts (request_id, n, org_id, channel_id, channel_key_id, model_id, upstream_model, outcome, sent_at)
     values ($1, 1, $2, $3, $3, 'std', 'std', 'orphaned', now())`,
    [requestId, customer.orgId, shop.channelId],
  );
  const receipt = done(await read(`/v1/requests/${requestId}`, customer));
  expect(receipt.body).toMatchObject({ outcome: 'orphaned', chargeNano: '0', priceVersion: null, endSent: 'unknown' });
  expect(receipt.list('attempts')).toHaveLength(1);
  expect(done(await app.call('get', `/api/v1/requests/${requestId}`)).field('costNano')).toBeNull();
});

test('a foreign request and one that never was are answered alike', async () => {
  const [owner, stranger] = [await newPayingCustomer(app), await newPayingCustomer(app)];
  const { requestId } = await answeredRequest(shop, owner, M01.meters);
  const foreign = await read(`/v1/requests/${requestId}`, stranger);
  const unknown = await read(`/v1/requests/${newId()}`, stranger);
  const withoutIds = ({ text }: Answered) => text.replace(/[0-9a-f-]{36}/g, '<id>');
  expect([foreign.status, withoutIds(foreign)]).toEqual([404, withoutIds(unknown)]);
  expect((await read(`/v1/requests/${requestId}`, await newKey(app, owner.orgId))).status).toBe(200);
});

test('models come in the four shapes that clients ask for, and only those that the key may use', async () => {
  done(await app.call('post', '/api/v1/models', { body: { id: 'acme/other', price: shop.price } }));
  const channel = {
    provider: 'anthropic',
    baseUrl: 'https://api.example.com',
    keys: ['key-of-anthropic'],
    models: ['acme/other'],
  };
  done(await app.call('post', '/api/v1/channels', { body: channel }));
  done(await app.call('post', '/api/v1/models', { body: { id: 'nowhere-to-buy', price: shop.price } }));
  await app.refresh();
  const customer = await newPayingCustomer(app);

  const openai = await read('/v1/models', customer);
  const anthropic = await read('/v1/models?limit=1', customer, { 'anthropic-version': '2023-06-01' });
  const gemini = await app.call('get', '/v1/models', {
    credential: null,
    headers: { 'x-goog-api-key': customer.credential },
  });
  const codex = await read('/v1/models?client_version=1', customer);

  expect(openai.body).toMatchObject({
    object: 'list',
    data: [
      { id: 'acme/other', object: 'model', supported_endpoint_types: ['anthropic'] },
      {
        id: 'std',
        supported_endpoint_types: ['openai', 'openai-response'],
        pricing: { prompt: '0.000002500000', completion: '0.000010000000' },
      },
    ],
  });
  expect(anthropic.body).toMatchObject({
    data: [{ type: 'model', id: 'acme/other', lifecycle: 'active', max_tokens: 16_384 }],
    has_more: true,
    last_id: 'acme/other',
  });
  expect(gemini.body).toEqual({
    models: [expect.objectContaining({ name: 'models/acme/other' }), expect.objectContaining({ name: 'models/std' })],
  });
  expect(codex.body).toMatchObject({ models: [{ id: 'acme/other' }, { id: 'std' }] });
  const byPath = await read('/v1beta/models?pageSize=1', customer);
  expect(byPath.body).toEqual({
    models: [
      {
        ...{ name: 'models/acme/other', displayName: 'acme/other', supportedGenerationMethods: [] },
        ...{ inputTokenLimit: 128_000, outputTokenLimit: 16_384 },
      },
    ],
    nextPageToken: 'acme/other',
  });
  expect((await read('/v1beta/models?pageToken=acme/other', customer)).body).toEqual({
    models: [expect.objectContaining({ name: 'models/std' })],
  });
  expect((await read('/v1beta/models/acme/other', customer)).string('name')).toBe('models/acme/other');
  expect((await read('/v1beta/models/nobody', customer)).field('error.status')).toBe('NOT_FOUND');
  const bound = await newKey(app, customer.orgId, { allowedModels: ['std'] });
  expect((await read('/v1/models', bound)).list('data')).toHaveLength(1);
  expect((await read('/v1/models/acme%2Fother', bound)).status).toBe(404);
});

test('base URLs of every spelling lead to the same answers', async () => {
  const customer = await newPayingCustomer(app);
  for (const prefix of ['/v1', '', '/v1/v1', '/api/v1', '//v1']) {
    for (const path of [
      '/models',
      '/models/',
      '/models/acme/other',
      '/models/acme%2Fother',
      '/key',
      '/credits',
      '/dashboard/billing/usage',
    ]) {
      const { status } = await read(prefix + path, customer);
      expect([prefix + path, status]).toEqual([prefix + path, 200]);
    }
  }
});

test('a key works in each of the three headers, and one that must not work says why', async () => {
  const customer = await newPayingCustomer(app);
  for (const header of ['x-api-key', 'x-goog-api-key']) {
    const { status } = await app.call('get', '/v1/key', {
      credential: null,
      headers: { [header]: customer.credential },
    });
    expect([header, status]).toEqual([header, 200]);
  }
  const elsewhere = await newKey(app, customer.orgId, { allowedAddresses: ['203.0.113.0/24'] });
  const disabled = await newKey(app, customer.orgId);
  done(
    await app.call('post', `/api/v1/api-keys/${disabled.id}/disable`, {
      body: { reason: 'lost' },
      headers: { 'if-match': '*' },
    }),
  );
  const refusals = [
    await app.call('get', '/v1/key', { credential: null }),
    await app.call('get', '/v1/key', { credential: 'sk-tg-nonsense' }),
    await app.call('get', `/v1/key?key=${customer.credential}`, { credential: null }),
    await read('/v1/key', elsewhere),
    await read('/v1/key', disabled),
  ];
  expect(
    refusals.map(({ status, ...answer }) => [
      status,
      new Map(Object.entries(Object(Object(answer.body).error))).get('code'),
    ]),
  ).toEqual([
    [401, 'missing_api_key'],
    [401, 'invalid_api_key'],
    [401, 'api_key_in_wrong_header'],
    [403, 'ip_not_allowed'],
    [401, 'api_key_disabled'],
  ]);
});
