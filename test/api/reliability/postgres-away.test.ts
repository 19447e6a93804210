// PostgreSQL is stopped or frozen. Who has credit leased is served and charged afterwards; who has none is told
// to come again, never that the key is bad, and gets nothing for free. Nobody restarts anything.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { until } from '../../support/until.ts';
import { expectBalancedBooks, recordsOf } from './books.ts';
import { type Customer, newCustomer, stock } from './customers.ts';
import { ask, type Heard } from './requests.ts';
import { gatewaysOf, type Installation, openSite, type Site, statusOf } from './site.ts';

let site: Site;
beforeEach(async () => {
  site = await openSite();
});
afterEach(() => site.close());

interface Fault {
  readonly begin: () => Promise<unknown>;
  readonly end: () => Promise<unknown>;
}

const FAULTS: readonly (readonly [string, () => Fault])[] = [
  ['stopped', () => ({ begin: async () => site.postgres.kill('SIGKILL'), end: () => site.postgres.restart() })],
  [
    'frozen',
    () => ({ begin: async () => site.postgres.kill('SIGSTOP'), end: async () => site.postgres.kill('SIGCONT') }),
  ],
];

test.each(FAULTS)(
  'PostgreSQL %s: leased credit is spent and charged later, nothing else is given away',
  async (_how, fault) => {
    await site.start();
    await stock(site);
    const warm = await newCustomer(site, { usd: '100' });
    const known = await newCustomer(site, { usd: '100' });
    const neverSeen = await newCustomer(site, { usd: '100' });
    await leaseCreditFor(known);
    await giveCreditBack(known);
    // Last: a key that is read while news of a customer is still under way is good for that request alone.
    await leaseCreditFor(warm);
    const gateways = await gatewaysOf(site);
    const { begin, end } = fault();

    await begin();
    for (const cold of [known, neverSeen]) {
      const refused = await ask(site, { credential: cold.credential });
      expect([refused.status, refused.code, refused.headers['retry-after']]).toEqual([503, 'service_unavailable', '1']);
    }
    const repeatable = await ask(site, { credential: warm.credential, idempotencyKey: 'once' });
    expect([repeatable.status, repeatable.code, repeatable.headers['retry-after']]).toEqual([
      503,
      'service_unavailable',
      '1',
    ]);
    const served: Heard[] = [];
    for (let round = 0; round < 10; round += 1) {
      served.push(await ask(site, { credential: warm.credential, maxTokens: 100 }));
      served.push(await ask(site, { credential: warm.credential, maxTokens: 100, streamed: true }));
    }
    await end();

    expect(served.map(({ status, ended, code, text }) => [status, ended, code, status === 200 ? '' : text])).toEqual(
      Array(20).fill([200, true, null, '']),
    );
    await until(async () => (await recordsOf(site, warm.orgId)).length === 22);
    await until(async () => (await ask(site, { credential: neverSeen.credential })).status === 200);
    expect(await gatewaysOf(site)).toEqual(gateways);
    const metered = await meteredAttempts();
    expect(metered).toHaveLength(21 + 1 + 1);
    await expectBalancedBooks(site);
    const unpaid = (await recordsOf(site, warm.orgId)).filter(({ charge_nano }) => charge_nano === '0');
    expect(unpaid.map(({ request_id }) => request_id)).toEqual([repeatable.requestId]);
  },
);

test('a running lease is served to its last cent although every attempt to renew it fails', async () => {
  await site.start();
  await stock(site);
  const customer = await newCustomer(site, { usd: '100' });
  await leaseCreditFor(customer);
  const leased = await leasedTo(customer);

  site.postgres.kill('SIGKILL');
  let served = 0;
  for (let last: Heard | null = null; last === null || last.status === 200; served += 1) {
    last = await ask(site, { credential: customer.credential, maxTokens: 1_000, demo: 'tokens=1000' });
    if (last.status !== 200) expect([last.status, last.code]).toEqual([503, 'service_unavailable']);
  }
  await site.postgres.restart();

  await until(async () => (await recordsOf(site, customer.orgId)).length === served);
  const charges = (await recordsOf(site, customer.orgId)).map(({ charge_nano }) => BigInt(charge_nano));
  const unspent = charges.reduce((rest, charge) => rest - charge, leased);
  const anAnswer = charges[1] ?? 0n;
  expect(unspent).toBeLessThan(anAnswer);
  expect(unspent).toBeGreaterThan(-anAnswer); // the last one may cost more than was estimated
  await expectBalancedBooks(site);
});

test('credit asked for before a freeze and granted after it goes back to its grant', async () => {
  await site.start();
  await stock(site);
  const customers: Customer[] = [];
  for (let at = 0; at < 4; at += 1) {
    const customer = await newCustomer(site, { usd: '100' });
    await leaseCreditFor(customer);
    await giveCreditBack(customer);
    customers.push(customer);
  }

  const leasesBefore = await leasesOf(site);
  // The freeze falls between the question and its answer; the answer comes when nobody waits for it any more.
  site.postgres.kill('SIGSTOP');
  const refused = await Promise.all(customers.map(({ credential }) => ask(site, { credential })));
  site.postgres.kill('SIGCONT');

  expect(refused.map(({ code }) => code)).toEqual(Array(4).fill('service_unavailable'));
  // Granted late, or closed before it was granted: a row of its own tells that a question has its answer.
  await until(async () => (await leasesOf(site)) > leasesBefore);
  await expectBalancedBooks(site);
});

test('a gateway that finds no PostgreSQL waits for it, and serves when it is there', async () => {
  const first = await site.start();
  await stock(site);
  const customer = await newCustomer(site, { usd: '10' });
  await first.stop();
  site.postgres.kill('SIGKILL');

  const installation: Installation = site.launch();
  await until(() => installation.said('waiting_for_postgres') > 2);
  expect(await statusOf(`${site.url}/readyz`)).toBe(0); // nobody listens: a balancer asks another machine
  await site.postgres.restart();

  await until(async () => (await statusOf(`${site.url}/readyz`)) === 200);
  expect((await ask(site, { credential: customer.credential })).status).toBe(200);
  expect(installation.said('gateway_died')).toBe(0);
  await expectBalancedBooks(site);
});

/** One plain answer without a cap leases what the model's longest answer costs: $0.32. */
async function leaseCreditFor({ credential }: Customer): Promise<void> {
  expect((await ask(site, { credential })).status).toBe(200);
}

async function leasesOf({ admin }: Site): Promise<number> {
  return (await admin.query('select from leases')).rowCount ?? 0;
}

async function leasedTo({ orgId }: Customer): Promise<bigint> {
  const LEASED = `select sum(amount_nano) as nano from leases where org_id = $1 and closed_at is null`;
  const { rows } = await site.admin.query<{ nano: string }>(LEASED, [orgId]);
  return BigInt(rows[0]?.nano ?? 0);
}

async function giveCreditBack({ orgId }: Customer): Promise<void> {
  await until(async () => {
    await site.admin.query(`select pg_notify('tollgate_config', 'recall:' || $1)`, [orgId]);
    const { rows } = await site.admin.query('select 1 from leases where org_id = $1 and closed_at is null', [orgId]);
    return rows.length === 0;
  });
}

async function meteredAttempts(): Promise<string[]> {
  const report = (await (await fetch(`${site.demo.url}/meter`)).json()) as { attempts: object };
  return Object.keys(report.attempts);
}
