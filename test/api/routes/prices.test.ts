// Prices are published ahead and never below their cost by accident: a wrong one would be charged until somebody saw it.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Answered, done, type ManagementApp, startManagementApp } from './management-app.ts';

const SELLING = { tiers: [{ microUsdPerMillion: { input: 2_500_000, output: 10_000_000 } }] };
const COST = { tiers: [{ microUsdPerMillion: { input: 2_000_000, output: 8_000_000 } }] };
const MINUTE_MS = 60_000;

let app: ManagementApp;
let models = 0;

beforeAll(async () => {
  app = await startManagementApp();
});
afterAll(() => app.close());

async function newModel(body: object): Promise<string> {
  models += 1;
  return done(await app.call('post', '/api/v1/models', { body: { id: `model-${models}`, ...body } })).string('id');
}

function publish(modelId: string, body: object): Promise<Answered> {
  return app.call('post', `/api/v1/models/${modelId}/prices`, { body });
}

const inMs = (ms: number) => new Date(Date.now() + ms).toISOString();

test('a model is sold at cost times a multiplier, each price rounded up once', async () => {
  const costPrice = { tiers: [{ microUsdPerMillion: { input: 150_001, output: 600_000 } }], perCallNano: 7 };
  const id = await newModel({ costPrice, multiplierPpm: 1_400_000 });
  const { body } = await app.call('get', `/api/v1/models/${id}`);
  expect(body).toMatchObject({
    price: {
      tiers: [{ aboveInputTokens: 0, microUsdPerMillion: { input: 210_002, output: 840_000 } }],
      perCallNano: 10,
    },
  });
});

test('a price that would take effect in less than 60 s is refused, because a gateway could miss it', async () => {
  const id = await newModel({ price: SELLING });
  for (const effectiveAt of [inMs(-MINUTE_MS), inMs(0), inMs(59_000)]) {
    const refused = await publish(id, { price: SELLING, effectiveAt });
    expect([refused.status, refused.field('errors.0.field')]).toEqual([422, 'effectiveAt']);
  }
  const scheduled = done(await publish(id, { price: SELLING, effectiveAt: inMs(2 * MINUTE_MS) }));
  expect(scheduled.field('state')).toBe('scheduled');
  const soonest = done(await publish(id, { price: SELLING }));
  const { rows } = await app.db.query<{ notice: number }>(
    'select extract(epoch from effective_at - created_at)::float8 as notice from price_versions where id = $1',
    [soonest.string('id')],
  );
  expect(rows[0]?.notice).toBeCloseTo(60, 2);
});

test('the price in force stays until its successor takes effect', async () => {
  const id = await newModel({ price: SELLING });
  const dearer = { tiers: [{ microUsdPerMillion: { input: 9_000_000, output: 9_000_000 } }] };
  done(await publish(id, { price: dearer, effectiveAt: inMs(2 * MINUTE_MS) }));
  const { body } = await app.call('get', `/api/v1/models/${id}`);
  expect(body).toMatchObject({ price: { tiers: [SELLING.tiers[0]] } });
  const list = done(await app.call('get', `/api/v1/models/${id}/prices`));
  expect([list.field('data.0.state'), list.field('data.1.state')]).toEqual(['scheduled', 'in_force']);
});

test('nothing is sold below a gross margin of 5 % on its worst meter by accident', async () => {
  const id = await newModel({ price: SELLING, costPrice: COST });
  const thin = { tiers: [{ microUsdPerMillion: { input: 2_105_000, output: 99_000_000 } }] }; // 4.9881 % on input
  const thick = { tiers: [{ microUsdPerMillion: { input: 2_105_264, output: 8_421_053 } }] }; // 5.0000 %

  const refused = await publish(id, { price: thin });
  expect([refused.status, refused.field('errors.0.field')]).toEqual([422, 'belowMargin']);
  expect(refused.string('detail')).toContain('4.9881 %');
  expect((await publish(id, { multiplierPpm: 1_000_000, effectiveAt: inMs(3 * MINUTE_MS) })).status).toBe(422);
  expect((await publish(id, { price: thin, belowMargin: true })).field('errors.0.message')).toContain('reason');
  expect(done(await publish(id, { price: thick })).field('grossMarginPpm')).toBe(50_000);

  const explained = { price: thin, belowMargin: true, reason: 'launch week', effectiveAt: inMs(5 * MINUTE_MS) };
  const published = done(await publish(id, explained));
  const { rows } = await app.db.query('select action, reason from audit_log where target_id = $1', [
    published.string('id'),
  ]);
  expect(rows).toEqual([{ action: 'price.published', reason: 'launch week' }]);
});

test('a model is made below the floor only by who says why, and the audit log keeps it', async () => {
  const make = (more: object) =>
    app.call('post', '/api/v1/models', { body: { id: 'loss-leader', price: SELLING, costPrice: SELLING, ...more } });

  expect((await make({})).field('errors.0.field')).toBe('belowMargin');
  expect((await make({ belowMargin: true })).field('errors.0.message')).toContain('reason');
  expect((await make({ belowMargin: true, reason: 'brings customers' })).status).toBe(201);

  const { rows } = await app.db.query(`select action, reason from audit_log where target_id = 'loss-leader'`);
  expect(rows).toEqual([{ action: 'model.created', reason: 'brings customers' }]);
});

test('a cost that rises under a price already sold is refused in the same way, and a cheaper meter hides nothing', async () => {
  const id = await newModel({ price: SELLING, costPrice: COST });
  const rise = { side: 'cost', price: { tiers: [{ microUsdPerMillion: { input: 1, output: 9_900_000 } }] } };
  expect((await publish(id, rise)).status).toBe(422);
  expect((await publish(id, { ...rise, belowMargin: true, reason: 'they raised it' })).status).toBe(201);
});

test('a tier of its own is judged by the cost of that tier', async () => {
  const costPrice = {
    tiers: [COST.tiers[0], { aboveInputTokens: 200_000, microUsdPerMillion: { input: 4_000_000, output: 12_000_000 } }],
  };
  const flat = await app.call('post', '/api/v1/models', { body: { id: 'tiered', price: SELLING, costPrice } });
  expect([flat.status, flat.field('errors.0.field')]).toEqual([422, 'belowMargin']);
  const price = {
    tiers: [
      SELLING.tiers[0],
      { aboveInputTokens: 200_000, microUsdPerMillion: { input: 5_000_000, output: 15_000_000 } },
    ],
  };
  expect((await app.call('post', '/api/v1/models', { body: { id: 'tiered', price, costPrice } })).status).toBe(201);
});

test.each([
  ['a fraction', { tiers: [{ microUsdPerMillion: { input: 0.5 } }] }],
  ['a negative price', { tiers: [{ microUsdPerMillion: { input: -1 } }] }],
  ['a price as text', { tiers: [{ microUsdPerMillion: { input: '2500000' } }] }],
  ['an unknown meter', { tiers: [{ microUsdPerMillion: { inputs: 1 } }] }],
  ['no tier', { tiers: [] }],
  ['a first tier above 0', { tiers: [{ aboveInputTokens: 5, microUsdPerMillion: { input: 1 } }] }],
  [
    'tiers that descend',
    { tiers: [{ microUsdPerMillion: { input: 1 } }, { aboveInputTokens: 0, microUsdPerMillion: { input: 2 } }] },
  ],
])('a price with %s is refused', async (_, price) => {
  const answer = await app.call('post', '/api/v1/models', { body: { id: 'never', price } });
  expect(answer.status).toBe(422);
  expect((await app.call('get', '/api/v1/models/never')).status).toBe(404);
});

test('a model needs exactly one way to its price, and a cost of a channel a channel that exists', async () => {
  const make = (body: object) => app.call('post', '/api/v1/models', { body: { id: 'never', ...body } });
  expect((await make({})).status).toBe(422);
  expect((await make({ price: SELLING, multiplierPpm: 1_250_000, costPrice: COST })).status).toBe(422);
  expect((await make({ multiplierPpm: 1_250_000 })).status).toBe(422);
  const id = await newModel({ price: SELLING });
  const nowhere = { side: 'cost', channelId: '0193f000-0000-7000-8000-000000000001', price: COST };
  expect((await publish(id, nowhere)).field('errors.0.field')).toBe('channelId');
  expect((await publish(id, { side: 'selling', channelId: nowhere.channelId, price: SELLING })).status).toBe(422);
  expect((await publish('never', { price: SELLING })).status).toBe(404);
});

test('two people who publish for the same instant do not both succeed', async () => {
  const id = await newModel({ price: SELLING });
  const effectiveAt = inMs(3 * MINUTE_MS);
  const answers = await Promise.all([1, 2, 3].map(() => publish(id, { price: SELLING, effectiveAt })));
  expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
});
