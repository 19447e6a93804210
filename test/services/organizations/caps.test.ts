// A cap stops spending at its amount, whoever raises or lowers it meanwhile.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { verifyLedger } from '../../../services/ledger/verifier.ts';
import { done, type ManagementApp, startManagementApp } from '../../api/routes/management-app.ts';
import { answeredRequest, newPayingCustomer, openShop, type Shop } from '../../api/routes/paying-customer.ts';

const ANY_VERSION = { 'if-match': '*' };
const USD = 1_000_000_000n;

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

/** 100 requests of $0.01. */
const A_CENT = { output: 1_000 };

test('a cap made through the API stops spending at its amount, for a key, a project and an organization', async () => {
  for (const scope of ['api-keys', 'projects', 'organizations'] as const) {
    const customer = await newPayingCustomer(app);
    const ids = { 'api-keys': customer.id, projects: customer.projectId, organizations: customer.orgId };
    const caps = [{ period: 'day', amountNano: String(USD / 10n) }];
    done(await app.call('patch', `/api/v1/${scope}/${ids[scope]}`, { body: { caps }, headers: ANY_VERSION }));

    for (let n = 0; n < 10; n += 1) await answeredRequest(shop, customer, A_CENT);

    await expect(answeredRequest(shop, customer, A_CENT)).rejects.toMatchObject({ code: 'cap_reached' });
  }
  expect(await faults()).toEqual([]);
});

test('raising a cap keeps what it has counted; removing it lets spending go on', async () => {
  const customer = await newPayingCustomer(app, { caps: [{ period: 'total', amountNano: String(USD / 100n) }] });
  const change = async (caps: object[]) =>
    done(await app.call('patch', `/api/v1/api-keys/${customer.id}`, { body: { caps }, headers: ANY_VERSION }));
  await answeredRequest(shop, customer, A_CENT);
  await expect(answeredRequest(shop, customer, A_CENT)).rejects.toMatchObject({ code: 'cap_reached' });

  await change([{ period: 'total', amountNano: String(USD / 50n) }]);
  await answeredRequest(shop, customer, A_CENT);
  await expect(answeredRequest(shop, customer, A_CENT)).rejects.toMatchObject({ code: 'cap_reached' });

  await change([]);
  await answeredRequest(shop, customer, A_CENT);
  const shown = done(await app.call('get', `/api/v1/api-keys/${customer.id}`));
  expect(shown.field('caps')).toEqual([]);
  expect(await faults()).toEqual([]);
});

test('caps are shown as they were set, the widest period first', async () => {
  const caps = ['day', 'total', 'week', 'month'].map((period, at) => ({ period, amountNano: String(at) }));
  const made = done(await app.call('post', '/api/v1/organizations', { body: { name: 'Acme', caps } }));
  expect(made.field('caps')).toEqual([
    { period: 'total', amountNano: '1' },
    { period: 'month', amountNano: '3' },
    { period: 'week', amountNano: '2' },
    { period: 'day', amountNano: '0' },
  ]);
});

// That gateways act on it: test/api/proxy/credit.test.ts.
test('a change of caps is announced once, and is a new version of its owner', async () => {
  const customer = await newPayingCustomer(app);
  const before = await app.db.query(`select from config_changes where kind = 'cap' and target_id = $1`, [
    customer.orgId,
  ]);
  const caps = [{ period: 'day', amountNano: '1' }];
  const changed = done(
    await app.call('patch', `/api/v1/projects/${customer.projectId}`, { body: { caps }, headers: ANY_VERSION }),
  );
  const after = await app.db.query(`select from config_changes where kind = 'cap' and target_id = $1`, [
    customer.orgId,
  ]);
  expect([changed.field('version'), (after.rowCount ?? 0) - (before.rowCount ?? 0)]).toEqual([2, 1]);
});

async function faults(): Promise<string[]> {
  const { checks } = await verifyLedger(app.worker);
  return checks.flatMap(({ id, ok, examples }) => (ok ? [] : [`${id}: ${examples.join(', ')}`]));
}
