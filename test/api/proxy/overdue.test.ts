// A customer whose invoice is overdue, at real gateways: how it is refused in each format, what it may go on spending, and that gateways
// learn of the change by the push alone, or by the poll alone when the push is lost.
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { Pool } from 'pg';
import { createPool } from '../../../services/platform/postgres.ts';
import { putUnder } from '../../support/overdue.ts';
import { until } from '../../support/until.ts';
import { expectBalancedBooks, recordsOf } from '../reliability/books.ts';
import { type Customer, manage, newApiKey, newCustomer, stock } from '../reliability/customers.ts';
import { ask, begin, type Heard } from '../reliability/requests.ts';
import { openSite, type Site } from '../reliability/site.ts';

let site: Site;
let worker: Pool;
let customer: Customer;
let gateways: readonly Pick<Site, 'url'>[];

beforeAll(async () => {
  site = await openSite();
  worker = createPool(site.database.urlFor('worker'), { name: 'test', maxConnections: 2, statementTimeoutMs: 10_000 });
  await site.start();
  gateways = [site, await site.startBeside()];
  await stock(site);
});
afterAll(async () => {
  await expectBalancedBooks(site);
  await worker.end();
  await site.close();
});

beforeEach(async () => {
  customer = await newCustomer(site, { usd: '0' });
});

type Source = 'included' | 'pack';

async function give(source: Source, amountNano = '1000000000'): Promise<void> {
  const expiresAt = source === 'included' ? new Date(Date.now() + 30 * 86_400_000).toISOString() : null;
  await manage(site, 'POST', '/grants', { orgId: customer.orgId, source, amountNano, expiresAt });
}

const chat = (gateway: Pick<Site, 'url'> = site, credential = customer.credential) => ask(gateway, { credential });

const MESSAGES = {
  path: '/v1/messages',
  headers: { 'anthropic-version': '2023-06-01' },
  body: JSON.stringify({ model: 'std', max_tokens: 20, messages: [{ role: 'user', content: 'Say something.' }] }),
};
const RESPONSES = { path: '/v1/responses', body: JSON.stringify({ model: 'std', input: 'Say something.' }) };

const errorOf = ({ text }: Heard) => JSON.parse(text).error as Readonly<Record<string, unknown>>;

/** Each gateway makes the link, of the invoice that its row names. */
function paying(why: string): RegExp {
  return new RegExp(`${why.replaceAll('.', '[.]')} Pay it at http://127[.]0[.]0[.]1:\\d+/pay/[\\w-]{64}`);
}

/** At every gateway; what it was answered last. */
async function untilAnswered(status: number): Promise<Heard[]> {
  return Promise.all(
    gateways.map(async (gateway) => {
      let heard = await chat(gateway);
      await until(async () => {
        heard = await chat(gateway);
        return heard.status === status;
      });
      return heard;
    }),
  );
}

/** Of what was settled, by the source that the leases were cut from. */
async function spentOf(source: Source): Promise<bigint> {
  await expectBalancedBooks(site);
  const { rows } = await site.admin.query<{ spent: string }>(
    `select sum(g.amount_nano - b.available_nano) as spent from credit_grants g join grant_balances b on b.grant_id = g.id
      where g.org_id = $1 and g.source = $2`,
    [customer.orgId, source],
  );
  return BigInt(rows[0]?.spent ?? 0);
}

test('a limited API key is told to wait in the format of its client, why, and where to pay', async () => {
  await give('pack');
  const { credential } = await newApiKey(site, customer.orgId, customer.projectId, { requestsPerMinute: 19 });
  await putUnder(worker, customer.orgId, 'limited');
  const first = await chat(site, credential);

  const openai = await chat(site, credential);
  const anthropic = await ask(site, { credential, ...MESSAGES });

  expect([first.status, openai.status, anthropic.status]).toEqual([200, 429, 429]);
  expect(first.headers['x-ratelimit-limit-requests']).toBe('1');
  expect(errorOf(openai)).toMatchObject({ type: 'rate_limit_error', code: 'rate_limit_exceeded' });
  expect(errorOf(anthropic)).toMatchObject({ type: 'rate_limit_error' });
  for (const { headers, text } of [openai, anthropic]) {
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    expect(text).toMatch(
      paying('An invoice of this organization is overdue: until it is paid the API key may use 1 requests a minute.'),
    );
  }
});

test('a limited organization has a tenth of its requests in all', async () => {
  await give('pack');
  await manage(site, 'PATCH', `/organizations/${customer.orgId}`, { requestsPerMinute: 30 });
  await putUnder(worker, customer.orgId, 'limited');
  await until(async () => (await readKey()).overdueStage === 'limited');

  const heard = await Promise.all(Array.from({ length: 5 }, () => chat()));

  expect(heard.map(({ status }) => status).sort()).toEqual([200, 200, 200, 429, 429]);
  expect(heard.find(({ status }) => status === 429)?.text).toContain('the organization may use 3 requests a minute');
});

test('while limited the credit that was bought is spent, and included credit not before the invoice is paid', async () => {
  await give('included');
  await putUnder(worker, customer.orgId, 'limited');
  for (const { text, headers } of await untilAnswered(402)) {
    expect(text).toMatch(paying('Included credit is locked until the overdue invoice of this organization is paid.'));
    expect(headers['x-should-retry']).toBe('false');
  }

  await give('pack');
  await untilAnswered(200);
  expect([await spentOf('included'), (await spentOf('pack')) > 0n]).toEqual([0n, true]);

  await putUnder(worker, customer.orgId, 'none');
  await until(async () => (await chat()).status === 200 && (await spentOf('included')) > 0n);
});

test('a stopped organization is refused at every gateway, with all its keys, in each format, and learns where to pay', async () => {
  await give('pack');
  const other = await newApiKey(site, customer.orgId, customer.projectId);
  await putUnder(worker, customer.orgId, 'stopped');
  const [openai] = await untilAnswered(402);

  const answers = await Promise.all(
    gateways.flatMap((gateway) => [
      chat(gateway, other.credential),
      ask(gateway, { credential: other.credential, ...MESSAGES }),
      ask(gateway, { credential: other.credential, ...RESPONSES }),
    ]),
  );

  expect(answers.map(({ status }) => status)).toEqual([402, 402, 429, 402, 402, 429]);
  for (const { text, headers } of [...answers, ...(openai === undefined ? [] : [openai])]) {
    expect(text).toMatch(paying('This organization is stopped because an invoice is overdue.'));
    expect(headers['x-should-retry']).toBe('false');
  }
  expect(answers.map((heard) => errorOf(heard).type)).toEqual([
    ...['insufficient_quota', 'billing_error', 'insufficient_quota'],
    ...['insufficient_quota', 'billing_error', 'insufficient_quota'],
  ]);
});

test('what a gateway leased before the stop is not spent after it, but by a request that was under way', async () => {
  await give('included');
  await Promise.all(Array.from({ length: 10 }, () => chat()));
  const running = begin(site, { credential: customer.credential, streamed: true, demo: 'tokens=10,drip=100' });
  await running.begun;
  await putUnder(worker, customer.orgId, 'stopped');
  await untilAnswered(402);
  const settledAtStop = (await recordsOf(site, customer.orgId)).length;

  const after = await Promise.all(Array.from({ length: 10 }, () => chat()));

  expect(new Set(after.map(({ status }) => status))).toEqual(new Set([402]));
  expect(await running.heard).toMatchObject({ status: 200, ended: true });
  expect(await recordsOf(site, customer.orgId)).toHaveLength(settledAtStop + 1);
});

test('a key can be asked how its organization stands, also while it is stopped', async () => {
  await putUnder(worker, customer.orgId, 'stopped');
  await until(async () => (await readKey()).overdueStage === 'stopped');

  for (const path of ['/v1/key', '/v1/credits'])
    expect(await readKey(path)).toMatchObject({
      overdueStage: 'stopped',
      payLink: expect.stringMatching(/\/pay\/[\w-]{64}$/),
    });
  expect(await manage(site, 'GET', `/organizations/${customer.orgId}`)).toMatchObject({
    ...{ overdueStage: 'stopped', enforcementSeq: 1, enforcement: 'active', version: 1 },
  });
});

async function readKey(path = '/v1/key'): Promise<Readonly<Record<string, unknown>>> {
  const answer = await fetch(`${site.url}${path}`, { headers: { authorization: `Bearer ${customer.credential}` } });
  return ((await answer.json()) as { data: Readonly<Record<string, unknown>> }).data;
}

/** What the triggers of migrations/0001 do: a row for the poll, and the push. */
const TOLD_BY = {
  poll: 'insert into config_changes (kind, target_id) values (tg_argv[0], to_jsonb(new) ->> tg_argv[1]);',
  push: `perform pg_notify('tollgate_config', tg_argv[0] || ':' || (to_jsonb(new) ->> tg_argv[1]));`,
};

test.each(['push', 'poll'] as const)(
  'by the %s alone a gateway learns of the stop, and of the payment',
  async (way) => {
    await give('included');
    await untilAnswered(200);
    const { rows } = await site.admin.query<{ text: string }>(
      `select pg_get_functiondef('announce_change'::regproc) as text`,
    );
    await site.admin.query(
      `create or replace function announce_change() returns trigger language plpgsql security definer as $$
     begin ${TOLD_BY[way]} return null; end $$`,
    );
    try {
      await putUnder(worker, customer.orgId, 'stopped');
      await untilAnswered(402);

      await putUnder(worker, customer.orgId, 'none');
      await untilAnswered(200);
    } finally {
      await site.admin.query(rows[0]?.text ?? '');
    }
  },
);
