// A turn goes by the time at which it is taken, however long ago its transaction began.
import { expect, test } from '@jest/globals';
import { inTransaction } from '../../../services/platform/postgres.ts';
import { cardChanged } from '../../../services/subscriptions/learn.ts';
import { until } from '../../support/until.ts';
import { refusal } from './bank.ts';
import { openPlanShop } from './plan-shop.ts';

const shop = await openPlanShop();
const LIMIT_AT = '2031-04-08T00:00:00Z';

/** The clock goes on from a second before. */
async function startClock(): Promise<void> {
  const { rows } = await shop.admin.query<{ ahead: string }>(
    `select ($1::timestamptz - interval '1 second' - clock_timestamp())::text as ahead`,
    [LIMIT_AT],
  );
  await shop.admin.query(`
    create or replace function billing_now() returns timestamptz language sql stable as
      $$ select now() + interval '${rows[0]?.ahead}' $$;
    create or replace function billing_moment() returns timestamptz language sql volatile as
      $$ select billing_now() + (clock_timestamp() - now()) $$`);
}

async function isLimitDue(): Promise<boolean> {
  const { rows } = await shop.admin.query<{ isDue: boolean }>('select billing_now() > $1 as "isDue"', [LIMIT_AT]);
  return rows[0]?.isDue === true;
}

test('a card whose event began to be followed before the limit, and was kept after it, lifts nothing', async () => {
  const customer = await shop.customer('pro', 1, '2031-03-01T00:00:00Z');
  shop.bank = () => refusal('stolen_card');
  await shop.advanceTo('2031-04-07T23:59:59Z');
  const [invoiceId = ''] = await shop.openCases(customer.orgId);
  await startClock();

  await inTransaction(shop.db, async (tx) => {
    await tx.query('select');
    await until(isLimitDue);
    await shop.dunnings.tick(invoiceId);
    await cardChanged(tx, customer.orgId, 'another card', 'stripe');
  });

  expect(await shop.stageOf(customer.orgId)).toBe('limited');
  const restored = await shop.admin.query(`select from notifications where org_id = $1 and kind = 'restored'`, [
    customer.orgId,
  ]);
  expect(restored.rowCount).toBe(0);
});
