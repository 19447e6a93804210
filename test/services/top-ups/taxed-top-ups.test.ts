// Automatic top-up where what is sold is taxed: its customer chose the credit, and his caps are about what his card is asked for.
import { afterEach, beforeAll, expect, test } from '@jest/globals';
import { inTransaction } from '../../../services/platform/postgres.ts';
import { setTaxRegime } from '../../../services/taxes/taxes.ts';
import { openTill } from '../payments/till.ts';
import { RunningLow, SETTINGS } from './running-low.ts';

const till = await openTill();
const low = new RunningLow(till);

beforeAll(async () => {
  await low.begin();
  await inTransaction(till.db, (tx) => setTaxRegime(tx, { kind: 'fixed_rate', ratePpm: 190_000 }, 'test'));
  await low.pass('1 second');
});
afterEach(async () => expect(await till.differences()).toEqual([]));

test('a top-up that is taxed brings the credit that was chosen, and whether paid or declined its mail says what the card is asked for', async () => {
  const [paying, declined] = [
    await low.customer('4.000'),
    await low.customer('4.000', 'pm_fake_declines_insufficient_funds'),
  ];

  for (const customer of [paying, declined]) await low.work(customer);

  expect(await low.balanceOf(paying)).toBe('29.000000');
  expect(await low.bought(paying)).toEqual(['1 paid 2975, 2975']);
  expect(await low.bought(declined)).toEqual(['1 expired 2975, canceled']);
  const { rows } = await till.admin.query(
    `select kind, facts ->> 'amountCents' as cents from notifications where org_id in ($1, $2) order by kind desc`,
    [paying.orgId, declined.orgId],
  );
  expect(rows).toEqual([
    { kind: 'top_up_done', cents: '2975' },
    { kind: 'top_up_declined', cents: '2975' },
  ]);
});

test('a cap is the most that the card is asked for, tax included', async () => {
  const customer = await low.customer('4.000', 'pm_card_visa', { ...SETTINGS, monthlyCapCents: 5_949 });
  await low.work(customer);
  await low.spend(customer, '28.000');

  const capped = await low.work(customer);

  expect(capped).toMatchObject({ open: null, isLow: true, hasEnded: false });
  expect(await low.bought(customer)).toEqual(['1 paid 2975, 2975']);
  const dearer = { ...SETTINGS, dailyCapCents: 2_974 };
  await expect(low.set(customer, dearer)).rejects.toMatchObject({ code: 'amount_above_cap' });
});
