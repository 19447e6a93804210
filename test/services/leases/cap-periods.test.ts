// A cap counts money in the period that it was admitted in: what one day leases, overshoots or gives back changes no other day.
import { beforeAll, beforeEach, expect, test } from '@jest/globals';
import { nano } from '../../../domain/nano.ts';
import { newId } from '../../../services/platform/ids.ts';
import { type Customer, newCustomer, oneRow, rowsOf } from '../../support/bare-gateway.ts';
import { ownDatabase } from '../../support/own-database.ts';

/** In New York ten in the evening, in UTC the next day already. */
const EVENING = '2027-03-10T22:00:00-05:00';
const MIDNIGHT = '2027-03-11T00:00:00-05:00';
const NEXT_EVENING = '2027-03-11T22:00:00-05:00';
const CANNOT_GROW = 'TG002';

const { admin } = await ownDatabase();
let incarnationId: string;
let customer: Customer;

beforeAll(async () => {
  await admin.query(`
    create table clock (shows timestamptz not null);
    insert into clock values ('${EVENING}');
    create or replace function billing_now() returns timestamptz language sql stable as $$ select shows from public.clock $$`);
});

beforeEach(async () => {
  await itIs(EVENING);
  incarnationId = newId();
  await admin.query(
    `insert into gateway_incarnations (id, host, pid, process_started, journal_path) values ($1, 'here', 1, '1', '/')`,
    [incarnationId],
  );
  customer = await newCustomer(admin, [{ usd: '10' }]);
  await admin.query(`update organizations set time_zone = 'America/New_York' where id = $1`, [customer.orgId]);
  await admin.query(
    `insert into caps (org_id, scope, scope_id, period, amount_nano) values ($1, 'api_key', $2, 'day', 1000000000)`,
    [customer.orgId, customer.id],
  );
});

function itIs(instant: string): Promise<unknown> {
  return admin.query('update clock set shows = $1', [instant]);
}

async function take(leaseId: string, amount: number): Promise<{ amount: string; expiresAt: Date | null }> {
  return await oneRow(
    admin,
    `select amount_nano as amount, expires_at as "expiresAt" from take_credit($1, $2, $3, $4::bigint, $4::bigint, $4::bigint)`,
    [incarnationId, leaseId, customer.id, amount],
  );
}

function giveBackAll(leaseId: string): Promise<unknown> {
  return admin.query('select give_back($1, $2, $3, 0, true)', [incarnationId, leaseId, customer.id]);
}

async function settleBeyond(leaseId: string, amount: bigint, admittedAt: string): Promise<void> {
  const { usage, attempts } = rowsOf(customer, leaseId, nano(amount), newId());
  const records = [{ ...usage, admitted_ms: Date.parse(admittedAt) }];
  await admin.query('select settle_beyond($1, false, $2, $3)', [
    incarnationId,
    JSON.stringify(records),
    JSON.stringify(attempts),
  ]);
}

/** Day by day, settled and leased. */
async function counted(): Promise<string[]> {
  const { rows } = await admin.query<{ committed: string }>(
    `select u.committed_nano as committed from cap_usage u join caps c on c.id = u.cap_id
      where c.scope_id = $1 order by u.period_start`,
    [customer.id],
  );
  return rows.map(({ committed }) => committed);
}

test('what a lease of yesterday gives back frees nothing of the cap of today', async () => {
  const [yesterdays, todays] = [newId(), newId()];
  await take(yesterdays, 400_000_000);
  await itIs(NEXT_EVENING);
  await take(todays, 900_000_000);

  await giveBackAll(yesterdays);

  expect(await counted()).toEqual(['0', '900000000']);
});

test('an answer that went beyond its lease counts on the day that it was admitted on', async () => {
  const [yesterdays, todays] = [newId(), newId()];
  await take(yesterdays, 100_000_000);
  await itIs(NEXT_EVENING);
  await take(todays, 900_000_000);

  await settleBeyond(yesterdays, 300_000_000n, EVENING);

  expect(await counted()).toEqual(['300000000', '900000000']);
});

test('a lease ends where the day of its customer ends, and does not grow into the next', async () => {
  const leaseId = newId();
  const { expiresAt } = await take(leaseId, 400_000_000);
  await itIs(MIDNIGHT);

  await expect(take(leaseId, 400_000_000)).rejects.toMatchObject({ code: CANNOT_GROW });

  expect(expiresAt).toEqual(new Date(MIDNIGHT));
  expect((await take(newId(), 1_000_000_000)).amount).toBe('1000000000');
});

test('a cap that is made while a lease is open counts what that lease holds of its period', async () => {
  await admin.query('delete from caps where scope_id = $1', [customer.id]);
  await take(newId(), 400_000_000);
  await admin.query(
    `insert into caps (org_id, scope, scope_id, period, amount_nano) values ($1, 'api_key', $2, 'day', 1000000000)`,
    [customer.orgId, customer.id],
  );

  expect((await take(newId(), 600_000_001)).amount).toBe('0');
  expect((await take(newId(), 600_000_000)).amount).toBe('600000000');
  expect(await counted()).toEqual(['1000000000']);
});
