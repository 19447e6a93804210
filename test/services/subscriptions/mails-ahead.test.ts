// What a customer is told before his card is asked: each event once, at its time, whoever looks and however often, and nothing that will
// not come. No workflow is there.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { newId } from '../../../services/platform/ids.ts';
import { nextMailAhead, queueMailsAhead } from '../../../services/subscriptions/mails-ahead.ts';
import { PAID } from './bank.ts';
import { type Customer, openPlanShop } from './plan-shop.ts';

const shop = await openPlanShop();
let year = 2030;

beforeEach(async () => {
  year += 2;
  shop.bank = () => PAID;
  await shop.advanceTo(`${year}-01-01T00:00:00Z`);
});
afterEach(async () => {
  // Nobody of this test goes on in the next.
  await shop.admin.query('update subscriptions set renews_at = null, wake_at = null');
  await shop.admin.query('update payment_methods set is_default = false');
  await shop.admin.query('update top_ups set threshold_nano = null');
});

/** Of Pro, bought on 10 January: a year, or a month. */
function bought(months: 1 | 12): Promise<Customer> {
  return shop.customer('pro', months, `${year}-01-10T00:00:00Z`);
}

async function cardOf({ orgId }: Customer, last4: string, expires: string, fingerprint = newId()): Promise<void> {
  const [expYear, expMonth] = expires.split('-').map(Number);
  await shop.admin.query('update payment_methods set is_default = false where org_id = $1', [orgId]);
  await shop.admin.query(
    `insert into payment_methods (id, org_id, stripe_payment_method, brand, last4, exp_month, exp_year, fingerprint, is_default, attached_at)
     values ($1, $2, 'pm_' || $7, 'visa', $3, $4, $5, $6, true, billing_now())`,
    [newId(), orgId, last4, expMonth, expYear, fingerprint, newId()],
  );
}

/** Stops each day, and where a mail is due. */
async function lookingUntil(iso: string): Promise<void> {
  const untilMs = Date.parse(iso);
  for (let nowMs = (await shop.now()).getTime(); nowMs < untilMs; ) {
    const next = await nextMailAhead(shop.admin);
    nowMs = Math.min(untilMs, nowMs + 86_400_000, next?.getTime() ?? untilMs);
    await shop.advanceTo(new Date(nowMs).toISOString());
    await Promise.all([queueMailsAhead(shop.db), queueMailsAhead(shop.db)]);
  }
}

/** `<day> <kind>` */
async function toldOf({ orgId }: Customer): Promise<string[]> {
  const { rows } = await shop.admin.query<{ what: string }>(
    `select to_char(created_at at time zone 'UTC', 'YYYY-MM-DD ') || kind as what from notifications
      where org_id = $1 and kind in ('renewal_ahead', 'card_expiring') order by created_at, kind`,
    [orgId],
  );
  return rows.map(({ what }) => what);
}

test('a year that renews is told of 30 and 7 days before, each once, with the amount and the card; a month is not', async () => {
  const [yearly, monthly] = [await bought(12), await bought(1)];
  await cardOf(yearly, '4242', `${year + 5}-01`);

  await lookingUntil(`${year + 1}-01-09T00:00:00Z`);

  expect(await toldOf(yearly)).toEqual([`${year}-12-11 renewal_ahead`, `${year + 1}-01-03 renewal_ahead`]);
  expect(await toldOf(monthly)).toEqual([]);
  const { rows } = await shop.admin.query(
    `select facts, recipient from notifications where org_id = $1 and kind = 'renewal_ahead'`,
    [yearly.orgId],
  );
  const terms = { plan: 'pro', months: 12 };
  const renewsAt = `${year + 1}-01-10T00:00:00.000Z`;
  const facts = { amountCents: 19_000, plusTax: false, currency: 'usd', terms, renewsAt, cardLastFour: '4242' };
  expect(rows).toEqual(Array(2).fill({ facts, recipient: `${yearly.orgId}@example.com` }));
});

test('whoever has cancelled is told of no renewal, and whoever takes that back a week before is told once', async () => {
  const customer = await bought(12);
  await shop.command(customer, { command: 'cancel' });
  await lookingUntil(`${year + 1}-01-05T00:00:00Z`);
  const toldBefore = await toldOf(customer);

  await shop.command(customer, { command: 'reactivate' });
  await queueMailsAhead(shop.db);
  await lookingUntil(`${year + 1}-01-09T00:00:00Z`);

  expect(toldBefore).toEqual([]);
  expect(await toldOf(customer)).toEqual([`${year + 1}-01-05 renewal_ahead`]);
});

test('a card that a renewal would meet after its last month is told of once, 30 days before that renewal', async () => {
  const customer = await bought(1);
  await cardOf(customer, '4242', `${year}-03`);

  await lookingUntil(`${year}-04-09T00:00:00Z`);

  expect(await toldOf(customer)).toEqual([`${year}-03-11 card_expiring`]);
  const { rows } = await shop.admin.query(
    `select facts from notifications where org_id = $1 and kind = 'card_expiring'`,
    [customer.orgId],
  );
  const nextChargeAt = `${year}-04-10T00:00:00.000Z`;
  expect(rows).toEqual([{ facts: { cardLastFour: '4242', expires: `${year}-03`, nextChargeAt } }]);
});

test('the same card left again is the same; with new dates it is told of again when they come', async () => {
  const customer = await bought(1);
  await cardOf(customer, '4242', `${year}-03`, 'one number');
  await lookingUntil(`${year}-03-12T00:00:00Z`);

  await cardOf(customer, '4242', `${year}-03`, 'one number');
  await lookingUntil(`${year}-03-14T00:00:00Z`);
  const toldOnce = await toldOf(customer);
  await cardOf(customer, '4242', `${year}-05`, 'one number');
  await lookingUntil(`${year}-06-09T00:00:00Z`);

  expect(toldOnce).toEqual([`${year}-03-11 card_expiring`]);
  expect(await toldOf(customer)).toEqual([`${year}-03-11 card_expiring`, `${year}-05-11 card_expiring`]);
});

test('a card that only pays top-ups is told of 30 days before it expires, and one that pays nothing never', async () => {
  const [topping, idle] = [await bought(1), await bought(1)];
  for (const customer of [topping, idle]) {
    await shop.command(customer, { command: 'cancel' });
    await cardOf(customer, '4242', `${year}-03`);
  }
  await shop.admin.query(
    `insert into top_ups (org_id, state, revision, threshold_nano, is_low) values ($1, '{}', 1, 5000000000, false)`,
    [topping.orgId],
  );

  await lookingUntil(`${year}-04-09T00:00:00Z`);

  expect(await toldOf(topping)).toEqual([`${year}-03-02 card_expiring`]);
  expect(await toldOf(idle)).toEqual([]);
});
