// A gateway and its customers when the clock of billing jumps ahead, through HTTP: money goes by the new time at once, and what is no
// money, rates and what upstreams are told, does not notice.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { z } from 'zod';
import { oneRow } from '../../support/bare-gateway.ts';
import { nightsProven } from '../../support/nights-proven.ts';
import { type StripeProcess, startStripeProcess } from '../../support/stripe-process.ts';
import { until } from '../../support/until.ts';
import { type Customer, manage, newCustomer, stock } from './customers.ts';
import { ask, begin } from './requests.ts';
import { openSite, type Site } from './site.ts';

const DAY_MS = 86_400_000;

let site: Site;
let stripe: StripeProcess;

beforeAll(async () => {
  stripe = await startStripeProcess();
  site = await openSite();
  await site.start({
    GATEWAY_PROCESSES: '2',
    STRIPE_API_BASE: stripe.url,
    STRIPE_SECRET_KEY: 'sk_test_moved_clock',
    STRIPE_WEBHOOK_SECRET: 'whsec_moved_clock',
    TOLLGATE_DEMO_CLOCK: '1',
  });
  await stock(site);
  await nightsProven(site.admin);
});
afterAll(async () => {
  await site.close();
  await stripe.close();
});

const Moved = z.object({
  from: z.string(),
  to: z.string(),
  stops: z.array(z.object({ at: z.string(), due: z.array(z.string()) })),
});

async function advance(span: string): Promise<z.infer<typeof Moved>> {
  return Moved.parse(await manage(site, 'POST', '/demo/clock', { advance: span }));
}

async function billingInDays(days: number): Promise<string> {
  const { now } = await manage(site, 'GET', '/demo/clock');
  return new Date(Date.parse(String(now)) + days * DAY_MS).toISOString();
}

async function give(customer: Customer, source: string, usd: number, expiresAt: string | null): Promise<string> {
  const { orgId } = customer;
  const amountNano = String(usd * 1_000_000_000);
  return String((await manage(site, 'POST', '/grants', { orgId, source, amountNano, expiresAt })).id);
}

/** Of one grant, in USD: what came in, what was spent on usage and what was lost by its expiry. */
async function lifeOf(grantId: string): Promise<{ available: string; leased: string; lost: string }> {
  return await oneRow(
    site.admin,
    `select (select available_nano / 1e9 from grant_balances where grant_id = $1)::numeric(20, 6)::text as available,
            (select coalesce(sum(s.amount_nano), 0) / 1e9 from lease_slices s join leases l on l.id = s.lease_id
              where s.grant_id = $1 and l.closed_at is null)::numeric(20, 6)::text as leased,
            (select coalesce(-sum(b.amount_nano), 0) / 1e9
               from ledger_entries b
              where b.account = 'breakage' and b.org_id = (select org_id from credit_grants where id = $1))::numeric(20, 6)::text as lost`,
    [grantId],
  );
}

test('an included grant that ended on the way is spent by nobody afterwards, and what a lease held of it is lost with the rest', async () => {
  const customer = await newCustomer(site, { usd: '0' });
  const included = await give(customer, 'included', 10, await billingInDays(3));
  const pack = await give(customer, 'pack', 10, null);
  const asked = { credential: customer.credential };
  const before = await ask(site, asked);
  const stream = begin(site, { ...asked, streamed: true, demo: 'tokens=200,drip=20' });
  await stream.begun;

  const { from, to, stops } = await advance('7 days');

  const after = await ask(site, asked);
  expect([before.status, after.status, (await stream.heard).ended]).toEqual([200, 200, true]);
  expect([Math.round((Date.parse(to) - Date.parse(from)) / DAY_MS), stops.map(({ due }) => due)]).toEqual([
    7,
    [['grants']],
  ]);
  expect(Math.round((Date.parse(stops[0]?.at ?? '') - Date.parse(from)) / DAY_MS)).toBe(3);
  const charges = await chargesOf(customer, 3);
  await until(async () => (await lifeOf(included)).leased === '0.000000' && (await lifeOf(pack)).leased === '0.000000');
  const ofPack = charges.filter(({ admittedAt }) => admittedAt > Date.parse(stops[0]?.at ?? ''));
  const ofIncluded = charges.filter((charge) => !ofPack.includes(charge));
  expect([ofIncluded.length, ofPack.length]).toEqual([2, 1]);
  expect(await lifeOf(included)).toEqual({
    available: '0.000000',
    leased: '0.000000',
    lost: usd(10 - total(ofIncluded)),
  });
  expect((await lifeOf(pack)).available).toBe(usd(10 - total(ofPack)));
  await expectProvenBooks();
});

test('a cap of the day begins again with the day that the clock came to', async () => {
  const customer = await newCustomer(site, { usd: '10' });
  await manage(site, 'PATCH', `/organizations/${customer.orgId}`, { caps: [{ period: 'day', amountNano: '1' }] });
  const refused = await ask(site, { credential: customer.credential });
  await manage(site, 'PATCH', `/organizations/${customer.orgId}`, { caps: [{ period: 'day', amountNano: '2000000' }] });
  await until(
    async () => (await ask(site, { credential: customer.credential, maxTokens: 20 })).code === 'insufficient_quota',
  );

  await advance('24 hours');

  const served = await ask(site, { credential: customer.credential, maxTokens: 20 });
  expect([refused.code, served.status]).toEqual(['insufficient_quota', 200]);
});

test('an API key that ended on the way is refused at once', async () => {
  const customer = await newCustomer(site, { usd: '10' });
  await manage(site, 'PATCH', `/api-keys/${customer.apiKeyId}`, { expiresAt: await billingInDays(1) });
  const before = await ask(site, { credential: customer.credential });

  await advance('2 days');

  const after = await ask(site, { credential: customer.credential });
  expect([before.status, after.status, after.code]).toEqual([200, 401, 'api_key_expired']);
});

test('a rate that was used up is used up still: a minute of it is a minute', async () => {
  const customer = await newCustomer(site, { usd: '10' });
  await manage(site, 'PATCH', `/organizations/${customer.orgId}`, { requestsPerMinute: 1 });
  const asked = { credential: customer.credential };
  // Each gateway counts for itself here, and the port is both's.
  await until(async () => String(await statuses(asked, 8)) === '429');

  await advance('36 hours');

  expect(await statuses(asked, 8)).toEqual([429]);
});

test('usage is dated by billing, what was sent upstream by the time that it was, and its cost is known as soon as ever', async () => {
  const customer = await newCustomer(site, { usd: '10' });
  await advance('3 days');

  await ask(site, { credential: customer.credential });

  await chargesOf(customer, 1);
  const dated = await oneRow<{ admitted: number; sent: number }>(
    site.admin,
    `select extract(epoch from billing_now() - u.admitted_at)::float8 as admitted, extract(epoch from now() - a.sent_at)::float8 as sent
       from usage_records u join attempts a using (request_id) where u.org_id = $1`,
    [customer.orgId],
  );
  for (const seconds of [dated.admitted, dated.sent]) expect(Math.abs(seconds)).toBeLessThan(60);
  await until(async () => {
    const { rowCount } = await site.admin.query('select from attempts where reconciled_at is null');
    return rowCount === 0;
  });
  await expectProvenBooks();
});

test('a price that was to be in force in a week is charged after the week, and not a request earlier', async () => {
  const customer = await newCustomer(site, { usd: '100' });
  const asked = { credential: customer.credential };
  const microUsdPerMillion = { input: 25_000_000, cachedInput: 25_000_000, output: 100_000_000 };
  const dearer = { side: 'selling', price: { tiers: [{ aboveInputTokens: 0, microUsdPerMillion }] } };
  await manage(site, 'POST', '/models/std/prices', { ...dearer, effectiveAt: await billingInDays(7) });
  await advance('6 days');
  const before = await ask(site, asked);

  await advance('2 days');

  const after = await ask(site, asked);
  expect([before.text, after.text]).toEqual([
    expect.stringContaining('"choices"'),
    expect.stringContaining('"choices"'),
  ]);
  const [cheap, dear] = await chargesOf(customer, 2);
  expect(dear?.nano).toBe((cheap?.nano ?? 0) * 10);
});

async function statuses(asked: { credential: string }, times: number): Promise<number[]> {
  const heard = await Promise.all(Array.from({ length: times }, () => ask(site, asked)));
  return [...new Set(heard.map(({ status }) => status))];
}

/** Also those that are in the journal first. */
async function chargesOf({ orgId }: Customer, count: number): Promise<{ nano: number; admittedAt: number }[]> {
  const read =
    'select charge_nano as nano, admitted_at as "admittedAt" from usage_records where org_id = $1 order by admitted_at';
  const settled = () => site.admin.query<{ nano: string; admittedAt: Date }>(read, [orgId]);
  await until(async () => (await settled()).rowCount === count);
  return (await settled()).rows.map(({ nano, admittedAt }) => ({
    nano: Number(nano),
    admittedAt: admittedAt.getTime(),
  }));
}

function total(charges: readonly { nano: number }[]): number {
  return charges.reduce((sum, { nano }) => sum + nano, 0) / 1e9;
}

function usd(amount: number): string {
  return amount.toFixed(6);
}

async function expectProvenBooks(): Promise<void> {
  const { ok, checks } = await manage(site, 'GET', '/ledger/verification');
  expect([ok, checks]).toEqual([true, expect.anything()]);
}
