// The rows of the money table (billing.md 5) in which processes die, with its figures, through real gateways and HTTP. Buying and
// selling price are those of its price book: 12 tokens of input and 607 of output are 0.006100 on either side.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { oneRow } from '../../support/bare-gateway.ts';
import { startThrowawayRedis } from '../../support/throwaway-redis.ts';
import { underLoad } from '../../support/under-load.ts';
import { until } from '../../support/until.ts';
import { expectBalancedBooks, recordsOf } from './books.ts';
import { type Customer, newCustomer, stock } from './customers.ts';
import { ask, type Heard } from './requests.ts';
import { type Installation, openSite, type Site } from './site.ts';

const PRICE_BOOK = { input: 2_500_000, cachedInput: 2_500_000, output: 10_000_000 };
const COST_NANO = '6100000';
const AN_ANSWER = { streamed: true, demo: 'tokens=607' };

let site: Site;
let customer: Customer;

beforeEach(async () => {
  site = await openSite();
});
afterEach(() => site.close());

/** A gateway that dies when its first request passes the point, and a customer with 10.00. */
async function openShop(crashPoint: string): Promise<Installation> {
  const installation = await site.start({ TOLLGATE_CRASH_POINTS: JSON.stringify({ [crashPoint]: 1 }) });
  await stock(site, { costMicroUsdPerMillion: PRICE_BOOK });
  customer = await newCustomer(site, { usd: '10.00' });
  return installation;
}

async function expectAllBack(): Promise<void> {
  const held = `select from leases where org_id = $1 and closed_at is null`;
  await until(async () => (await site.admin.query(held, [customer.orgId])).rowCount === 0);
  expect(await balance()).toEqual({ available: '10.000000', held: '0' });
}

async function balance(): Promise<{ available: string; held: string }> {
  return await oneRow(
    site.admin,
    `select (available_nano / 1e9)::numeric(20, 6)::text as available, (reserved_nano + settling_nano)::text as held
       from balance_of($1)`,
    [customer.orgId],
  );
}

function attempts(): Promise<{ outcome: string; cost: string | null; loss: string | null }[]> {
  const read = `select a.outcome, a.cost_nano as cost, l.amount_nano as loss
                  from attempts a left join ops_losses l using (request_id, n) where a.org_id = $1`;
  return site.admin.query(read, [customer.orgId]).then(({ rows }) => rows);
}

test('M07: killed after the hold and before the upstream answers, held is 0, available 10.000000 and the attempt an orphan', async () => {
  const installation = await openShop('before-send');

  const heard = await ask(site, { credential: customer.credential, ...AN_ANSWER });

  expect([heard.status, heard.ended]).toEqual([0, false]);
  await until(() => installation.said('gateway_died') === 1);
  const leased = `select from ledger_transactions where kind = 'lease' and source_id in (select id::text from leases where org_id = $1)`;
  expect((await site.admin.query(leased, [customer.orgId])).rowCount).toBe(1);
  await expectAllBack();
  expect((await attempts()).map(({ outcome, loss }) => [outcome, loss])).toEqual([['orphaned', null]]);
  await expectBalancedBooks(site);
});

test('M08: killed between the usage and the commit, the customer pays 0, we lose 0.006100, and no [DONE] was seen', async () => {
  await openShop('before-commit');

  const heard = await ask(site, { credential: customer.credential, ...AN_ANSWER });

  expect([heard.status, heard.ended]).toEqual([200, false]);
  expect(heard.text).not.toMatch(/^data: \[DONE\]/m);
  await expectAllBack();
  await until(async () => (await attempts())[0]?.cost === COST_NANO);
  expect(await attempts()).toEqual([{ outcome: 'orphaned', cost: COST_NANO, loss: COST_NANO }]);
  expect(await recordsOf(site, customer.orgId)).toEqual([]);
  await expectBalancedBooks(site);
});

test('M09: killed between the commit and the last chunk, a repetition with its Idempotency-Key adds no charge, one without adds its own', async () => {
  const dying = await openShop('before-last-byte');
  const sent = { credential: customer.credential, ...AN_ANSWER };
  const first = await ask(site, { ...sent, idempotencyKey: 'order-1' });
  expect([first.status, first.ended]).toEqual([200, false]);
  await dying.stop();
  await site.start();

  const repeated = await ask(site, { ...sent, idempotencyKey: 'order-1' });
  expect([repeated.status, repeated.code]).toEqual([409, 'already_charged']);
  expect(repeated.text).toContain(String(first.requestId));
  expect(await charges()).toEqual([COST_NANO]);

  const another = await ask(site, sent);
  expect([another.status, another.ended]).toEqual([200, true]);
  expect(await charges()).toEqual([COST_NANO, COST_NANO]);
  await expectBalancedBooks(site);
});

/** A repetition that was refused has a record too: it cost nothing. */
async function charges(): Promise<string[]> {
  const records = await recordsOf(site, customer.orgId);
  return records.map(({ charge_nano }) => charge_nano).filter((charge) => charge !== '0');
}

test('M11: with Redis emptied and killed under load every request is served, and charged once', async () => {
  const redis = await startThrowawayRedis();
  try {
    await site.start({ REDIS_URL: redis.url, GATEWAY_PROCESSES: '2' });
    await stock(site, { costMicroUsdPerMillion: PRICE_BOOK });
    customer = await newCustomer(site, { usd: '10.00' });
    const heard: Heard[] = [];
    const request = async (client: number): Promise<void> => {
      heard.push(await ask(site, { credential: customer.credential, streamed: client % 2 === 0, maxTokens: 50 }));
    };
    const moreOf = (count: number) => until(() => heard.length >= count);

    await underLoad(16, request, async () => {
      await moreOf(100);
      const connection = new Redis(redis.url);
      await connection.flushall();
      connection.disconnect();
      await moreOf(heard.length + 100);
      redis.kill('SIGKILL');
      await moreOf(heard.length + 100);
    });

    expect(heard.filter(({ status, ended }) => status !== 200 || !ended)).toEqual([]);
    await until(async () => (await recordsOf(site, customer.orgId)).length === heard.length);
    await expectBalancedBooks(site);
  } finally {
    await redis.stop();
  }
});
