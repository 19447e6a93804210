// A grant is money: it is there at once, burns in the right order, repays a debt first, and a wrong one moves nothing.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { done, type ManagementApp, startManagementApp } from '../../api/routes/management-app.ts';
import { answeredRequest, newPayingCustomer, openShop, type Shop } from '../../api/routes/paying-customer.ts';

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

const GRANTS = '/api/v1/grants';

test('a grant is money at once, to the nano, and says what is left of it', async () => {
  const { orgId } = await newPayingCustomer(app);
  const made = done(await app.call('post', GRANTS, { body: { orgId, amountNano: '1', note: 'one nano' } }));
  expect(made.body).toMatchObject({
    amountNano: '1',
    availableNano: '1',
    source: 'manual',
    expired: false,
    createdBy: 'admin',
  });
  const balance = done(await app.call('get', `/api/v1/organizations/${orgId}/balance`));
  expect(balance.field('balanceNano')).toBe('25000000001');
});

test('what was included or given burns before what was bought, and what expires before what stays', async () => {
  const customer = await newPayingCustomer(app);
  const { orgId } = customer;
  const tomorrow = new Date(Date.now() + 86_400_000).toISOString();
  done(
    await app.call('post', GRANTS, { body: { orgId, amountNano: '10000000', source: 'bonus', expiresAt: tomorrow } }),
  );
  done(await app.call('post', GRANTS, { body: { orgId, amountNano: '10000000', source: 'trial' } }));

  await answeredRequest(shop, customer, { output: 1_500 }); // $0.015

  const { rows } = await app.db.query(
    `select g.source, s.amount_nano as cut from lease_slices s join credit_grants g on g.id = s.grant_id
      where g.org_id = $1 order by s.lease_id, s.ordinal`,
    [orgId],
  );
  expect(rows).toEqual([
    { source: 'trial', cut: '10000000' },
    { source: 'bonus', cut: '10000000' },
    { source: 'manual', cut: '100000000' }, // a cold key leases for eight such requests
  ]);
});

test('a grant first repays what the organization owes', async () => {
  const customer = await newPayingCustomer(app);
  const { orgId } = customer;
  await app.db.query('update organizations set overdraft_nano = 30000000 where id = $1', [orgId]);
  const made = done(await app.call('post', GRANTS, { body: { orgId, amountNano: '100000000' } }));
  expect(made.field('availableNano')).toBe('70000000');
  const organization = done(await app.call('get', `/api/v1/organizations/${orgId}`));
  expect(organization.field('overdraftNano')).toBe('0');
});

test.each([
  ['nothing', { amountNano: '0' }, 'amountNano'],
  ['more than a billion dollars', { amountNano: '1000000000000000001' }, 'amountNano'],
  ['what has expired', { amountNano: '1', expiresAt: '2020-01-01T00:00:00Z' }, 'expiresAt'],
  ['a source nobody knows', { amountNano: '1', source: 'gift' }, 'source'],
  ['nobody', { amountNano: '1', orgId: '0193f000-0000-7000-8000-000000000001' }, 'orgId'],
])('a grant of or to %s is refused and moves no money', async (_, wrong, field) => {
  const { orgId } = await newPayingCustomer(app);
  const transactions = 'select from ledger_transactions';
  const before = (await app.db.query(transactions)).rowCount;
  const answer = await app.call('post', GRANTS, { body: { orgId, ...wrong } });
  expect([answer.status, answer.field('errors.0.field')]).toEqual([422, field]);
  expect((await app.db.query(transactions)).rowCount).toBe(before);
});
