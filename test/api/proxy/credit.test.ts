// Who is served when credit is short, over two gateways and HTTP: the last cent is sold once, the tightest cap wins, plan credit goes
// before bought credit, and what an administrator changes counts from the next request (gateways.md T1 to T3, T79).
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { oneRow } from '../../support/bare-gateway.ts';
import { until } from '../../support/until.ts';
import { expectBalancedBooks, recordsOf } from '../reliability/books.ts';
import { type Customer, manage, newApiKey, newCustomer, stock } from '../reliability/customers.ts';
import { ask, begin, type Heard } from '../reliability/requests.ts';
import { openSite, type Site } from '../reliability/site.ts';

type Place = Pick<Site, 'url'>;

let site: Site;
let gateways: readonly [Place, Place];

beforeAll(async () => {
  site = await openSite();
  await site.start();
  gateways = [site, await site.startBeside()];
  await stock(site);
});
afterAll(async () => {
  await expectBalancedBooks(site);
  await site.close();
});

/** 100 tokens of output and 12 of input, of which the gateway expects 9. */
const CALL_NANO = 1_030_000n;
const A_CALL = { maxTokens: 100, demo: 'tokens=100' };
/** It lasts until its client hangs up. */
const A_LONG_ONE = { streamed: true, maxTokens: 100, demo: 'tokens=100,drip=500' };

/** As an SDK does: what is merely held is waited for, what is spent is not. */
async function persist(place: Place, credential: string, call: object = A_CALL): Promise<Heard> {
  for (;;) {
    const heard = await ask(place, { ...call, credential });
    if (heard.code !== 'credit_in_use') return heard;
    expect([heard.status, heard.headers['retry-after']]).toEqual([429, '1']);
  }
}

function everywhere(count: number, credential: string, call?: object): Promise<Heard[]> {
  return Promise.all(Array.from({ length: count }, (_, n) => persist(gateways[n % 2] ?? site, credential, call)));
}

function countOf(heard: readonly Heard[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const { status } of heard) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

test('T1: of 100 calls at once over two gateways a balance for one admits exactly one, and never falls below zero', async () => {
  const customer = await newCustomer(site, { usd: '0.0015' });

  const heard = await everywhere(100, customer.credential, { maxTokens: 100, demo: 'tokens=100,latency=200' });

  expect(countOf(heard)).toEqual({ 200: 1, 402: 99 });
  const charges = (await recordsOf(site, customer.orgId)).map(({ charge_nano }) => BigInt(charge_nano));
  expect(charges).toEqual([CALL_NANO + 7_500n]); // what the upstream is told to do is input as well
  const overdrawn = `select from ledger_entries where org_id = $1 and (account = 'overdraft' or balance_after_nano < 0)`;
  expect((await site.admin.query(overdrawn, [customer.orgId])).rowCount).toBe(0);
  expect(await booksOf(customer)).toEqual({ balance: 1_500_000n - CALL_NANO - 7_500n, held: 0n });
});

const SCOPES = ['organization', 'project', 'member', 'api_key'] as const;

test.each(SCOPES)(
  'T2: of four caps that bind, that of the %s is the tightest and wins, and all count what was settled',
  async (tightest) => {
    const customer = await newCustomer(site, { usd: '1' });
    const person = await manage(site, 'POST', '/persons', { email: `${customer.orgId}@example.com`, name: 'Ada' });
    const memberId = String(person.id);
    await manage(site, 'POST', `/organizations/${customer.orgId}/members`, { personId: memberId, role: 'owner' });
    await site.admin.query('update api_keys set member_id = $1 where id = $2', [memberId, customer.apiKeyId]);
    const scopeIds = {
      organization: customer.orgId,
      project: customer.projectId,
      member: memberId,
      api_key: customer.apiKeyId,
    };
    for (const scope of SCOPES) {
      const amount = scope === tightest ? 3_500_000 : 4_000_000;
      await site.admin.query(
        `insert into caps (org_id, scope, scope_id, period, amount_nano) values ($1, $2, $3, 'total', $4)`,
        [customer.orgId, scope, scopeIds[scope], amount],
      );
    }

    const heard = await everywhere(12, customer.credential);

    expect(countOf(heard)).toEqual({ 200: 3, 402: 9 });
    const name = tightest.replace('_', ' ');
    for (const { status, text } of heard) if (status === 402) expect(text).toContain(`the total cap of the ${name} (`);
    await expectBalancedBooks(site);
    const { rows } = await site.admin.query<{ scope: string; committed: string }>(
      `select c.scope, u.committed_nano as committed from caps c join cap_usage u on u.cap_id = c.id where c.org_id = $1`,
      [customer.orgId],
    );
    expect(rows.sort((a, b) => a.scope.localeCompare(b.scope))).toEqual(
      [...SCOPES].sort().map((scope) => ({ scope, committed: String(3n * CALL_NANO) })),
    );
  },
);

test('T3: 50 calls across the end of plan credit empty it to the nano and take the rest from what was bought', async () => {
  const customer = await newCustomer(site, { usd: '0' });
  const planNano = 20n * CALL_NANO + 345_678n;
  const boughtNano = 100_000_000n;
  const { orgId } = customer;
  await manage(site, 'POST', '/grants', { orgId, source: 'pack', amountNano: String(boughtNano) });
  const nextMonth = new Date(Date.now() + 30 * 86_400_000).toISOString();
  await manage(site, 'POST', '/grants', {
    ...{ orgId, source: 'included', amountNano: String(planNano), expiresAt: nextMonth },
  });

  const heard = await everywhere(50, customer.credential);

  expect(countOf(heard)).toEqual({ 200: 50 });
  await expectBalancedBooks(site);
  const { rows } = await site.admin.query<{ source: string; left: string }>(
    `select g.source, b.available_nano as left from credit_grants g join grant_balances b on b.grant_id = g.id
      where g.org_id = $1 order by g.priority`,
    [orgId],
  );
  expect(rows).toEqual([
    { source: 'included', left: '0' },
    { source: 'pack', left: String(boughtNano + planNano - 50n * CALL_NANO) },
  ]);
});

test('credit that another request holds is 429 credit_in_use, and is there when that one has ended', async () => {
  const { credential } = await newCustomer(site, { usd: '0.0025' });
  const first = begin(site, { ...A_LONG_ONE, credential });
  await first.begun;

  const second = { credential, maxTokens: 200, demo: 'tokens=50' };
  const refused = await ask(gateways[1], second);

  expect(refused).toMatchObject({ status: 429, code: 'credit_in_use' });
  expect(refused.headers['x-should-retry']).toBeUndefined();
  expect(refused.text).toContain('requests in flight hold it');
  first.hangUp();
  await until(async () => (await ask(gateways[1], second)).status === 200);
});

test('a top-up ends the refusals of every gateway', async () => {
  const { credential, orgId } = await newCustomer(site, { usd: '0' });
  for (const gateway of gateways) expect((await ask(gateway, { ...A_CALL, credential })).status).toBe(402);

  await manage(site, 'POST', '/grants', { orgId, amountNano: '1000000000' });

  for (const gateway of gateways)
    await until(async () => (await ask(gateway, { ...A_CALL, credential })).status === 200);
});

test('a cap that is lowered binds at every gateway, also where credit was leased before, and one that is raised frees again', async () => {
  const { credential, orgId, apiKeyId } = await newCustomer(site, { usd: '100' });
  // Each of these sets aside what the longest answer costs: the gateways lease dollars, enough for thousands of calls.
  expect(countOf(await everywhere(40, credential, { demo: 'tokens=20' }))).toEqual({ 200: 40 });
  const { leased } = await oneRow<{ leased: string }>(
    site.admin,
    'select sum(amount_nano - consumed_nano) as leased from leases where org_id = $1 and closed_at is null',
    [orgId],
  );
  const leasedCalls = Number(BigInt(leased) / CALL_NANO);
  const change = (amountNano: string) =>
    manage(site, 'PATCH', `/api-keys/${apiKeyId}`, { caps: [{ period: 'total', amountNano }] });

  const settledBefore = (await recordsOf(site, orgId)).length;
  await change('1');
  for (const gateway of gateways) {
    await until(async () => (await ask(gateway, { ...A_CALL, credential })).text.includes('total cap of the api key'));
  }
  const settledUnheard = (await recordsOf(site, orgId)).length - settledBefore;
  expect(settledUnheard).toBeLessThan(leasedCalls / 4);
  await change('1000000000');

  for (const gateway of gateways)
    await until(async () => (await ask(gateway, { ...A_CALL, credential })).status === 200);
});

test('a stopped organization is told so at every gateway and charged nothing, until it is started again', async () => {
  const customer = await newCustomer(site, { usd: '1' });
  const { credential, orgId } = customer;

  await manage(site, 'PATCH', `/organizations/${orgId}`, { enforcement: 'stopped', reason: 'an invoice is open' });
  for (const gateway of gateways) {
    await until(async () => (await ask(gateway, { ...A_CALL, credential })).status === 402);
    const refused = await ask(gateway, { ...A_CALL, credential });
    expect([refused.code, refused.headers['x-should-retry']]).toEqual(['insufficient_quota', 'false']);
    expect(refused.text).toContain('This organization is stopped.');
  }
  const settledWhileStopped = (await recordsOf(site, orgId)).length;
  await manage(site, 'PATCH', `/organizations/${orgId}`, { enforcement: 'active', reason: 'it is paid' });

  for (const gateway of gateways)
    await until(async () => (await ask(gateway, { ...A_CALL, credential })).status === 200);
  expect((await recordsOf(site, orgId)).length - settledWhileStopped).toBe(2);
});

test('an organization that is being converted is asked to wait at every gateway, and goes on when that is over', async () => {
  const { credential, orgId } = await newCustomer(site, { usd: '1' });
  const provisioning = (now: boolean) =>
    site.admin.query('update organizations set provisioning = $2 where id = $1', [orgId, now]);

  await provisioning(true);
  for (const gateway of gateways) {
    await until(async () => (await ask(gateway, { ...A_CALL, credential })).status === 409);
    const refused = await ask(gateway, { ...A_CALL, credential });
    expect([refused.code, refused.headers['retry-after']]).toEqual(['organization_provisioning', '5']);
    expect(refused.headers['x-should-retry']).not.toBe('false');
  }
  await provisioning(false);

  for (const gateway of gateways)
    await until(async () => (await ask(gateway, { ...A_CALL, credential })).status === 200);
});

test('more requests at once than the API key may have are told to wait, and no longer when one has ended', async () => {
  const customer = await newCustomer(site, { usd: '1' });
  const { credential } = await newApiKey(site, customer.orgId, customer.projectId, { concurrentRequests: 1 });
  const first = begin(site, { ...A_LONG_ONE, credential });
  await first.begun;

  const refused = await ask(site, { ...A_CALL, credential });

  expect(refused).toMatchObject({ status: 429, code: 'rate_limit_exceeded' });
  expect(refused.text).toContain('may use 1 requests at once');
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
  first.hangUp();
  await until(async () => (await ask(site, { ...A_CALL, credential })).status === 200);
});

async function booksOf({ orgId }: Customer): Promise<{ balance: bigint; held: bigint }> {
  await expectBalancedBooks(site);
  const { balance, held } = await oneRow<{ balance: string; held: string }>(
    site.admin,
    'select balance_nano as balance, reserved_nano + settling_nano as held from balance_of($1)',
    [orgId],
  );
  return { balance: BigInt(balance), held: BigInt(held) };
}
