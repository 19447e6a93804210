// Automatic top-up on PostgreSQL and at Stripe (billing.md 5, M36): credit that runs low is bought once, whoever notices it, whoever asks and
// whatever is lost on the way, and a card that fails is left alone.
import { once } from 'node:events';
import { afterEach, beforeAll, expect, test } from '@jest/globals';
import { answerCardAsk } from '../../../services/payments/card-asks.ts';
import { askForCharge, cancelCharge } from '../../../services/payments/charges.ts';
import { refundUnusedPack, sendRefunds } from '../../../services/payments/refunds.ts';
import { topUpPaymentId } from '../../../services/payments/top-up-payments.ts';
import { inTransaction } from '../../../services/platform/postgres.ts';
import { control, faultOnAllTries, noMoreFaults } from '../../fake-stripe/stripe-client.ts';
import { until } from '../../support/until.ts';
import { giveCard } from '../payments/billed-customer.ts';
import { startCharging } from '../payments/charging-process/start.ts';
import { openTill } from '../payments/till.ts';
import { RunningLow, SETTINGS } from './running-low.ts';

const till = await openTill();
const low = new RunningLow(till);
const CONFIRM = 'POST /v1/payment_intents/*/confirm';
const CANCEL = 'POST /v1/payment_intents/*/cancel';
const DECLINING = 'pm_fake_declines_insufficient_funds';

beforeAll(() => low.begin());
afterEach(async () => {
  await noMoreFaults(till.stripeUrl);
  expect(await till.differences()).toEqual([]);
});

test('M36: two gateways settle 0.002 each at once, two workers see 4.997, and 25.00 are bought once', async () => {
  const customer = await low.customer('5.001');

  await low.spend(customer, '0.002', '0.002');
  const asks = (await low.topUps.tick(customer.orgId)).asks;
  await Promise.all([...asks, ...asks].map((ask) => answerCardAsk(till, ask)));

  expect(await low.balanceOf(customer)).toBe('29.997000');
  expect(await low.bought(customer)).toEqual(['1 paid 2500, 2500']);
  expect(await low.intentsAtStripe(customer)).toBe(1);
  expect(await till.grantsOf(customer.orgId)).toContainEqual({
    source: 'pack',
    amount: '25000000000',
    paidCents: 2_500,
    ends: null,
  });
  expect(await low.told(customer)).toEqual(['top_up_done']);
  expect(await low.work(customer)).toMatchObject({ hasEnded: true, isLow: false });
});

test('a balance that is at its threshold buys nothing, and one that is nano below it wakes the workflow', async () => {
  const customer = await low.customer('5.000000001');

  await low.spend(customer, '0.000000001');
  const atThreshold = await poked(customer.orgId);
  await low.spend(customer, '0.000000001');

  expect(atThreshold).toBe(0);
  expect(await poked(customer.orgId)).toBe(1);
  expect(await low.bought(customer)).toEqual(['1 open 2500, no intent']);
});

async function poked(orgId: string): Promise<number> {
  const { rows } = await till.admin.query(
    `select from process_pokes where workflow_id = 'topup:' || $1 and process = 'topup' and subject = $1`,
    [orgId],
  );
  return rows.length;
}

test('where Stripe knows its key for something else, as after a restore, that top-up is given up and the next one is asked for', async () => {
  const customer = await low.customer('5.001');
  await low.spend(customer, '0.002');
  const asked = { idempotencyKey: `pi:${topUpPaymentId(customer.orgId, 1)}` };
  await till.sdk.paymentIntents.create({ amount: 4_700, currency: 'usd' }, asked);

  await low.work(customer);
  await low.pass('2 hours');
  await low.work(customer);

  expect(await low.bought(customer)).toEqual(['1 expired 2500, no intent', '2 paid 2500, 2500']);
});

test('M36: after a decline its intent is cancelled, and nothing is tried for an hour', async () => {
  const customer = await low.customer('5.001', DECLINING);

  await low.spend(customer, '0.002', '0.002');
  const declined = await low.work(customer);
  await low.pass('59 minutes 59 seconds');
  const resting = await low.work(customer);
  await low.look();

  expect(await low.bought(customer)).toEqual(['1 expired 2500, canceled']);
  expect([declined, resting].map(({ waitMs, hasEnded }) => [waitMs, hasEnded])).toEqual([
    [3_600_000, false],
    [1_000, false],
  ]);
  await low.pass('1 second');
  await low.work(customer);
  expect(await low.bought(customer)).toEqual(['1 expired 2500, canceled', '2 expired 2500, canceled']);
  expect(await low.told(customer)).toEqual(['top_up_declined', 'top_up_declined']);
});

test('M36: after three declines in a row it is off until somebody switches it on, and another card pays at once', async () => {
  const customer = await low.customer('4.000', DECLINING);
  for (const _ of [1, 2, 3]) {
    await low.work(customer);
    await low.pass('1 hour');
  }

  const after = await low.work(customer);
  await low.look();

  expect(after).toMatchObject({ hasEnded: true, settings: null });
  expect(await low.told(customer)).toEqual([
    'top_up_declined',
    'top_up_declined',
    'top_up_declined',
    'top_up_off declines',
  ]);
  await giveCard(till, customer.orgId, 'pm_card_visa');
  await low.set(customer, SETTINGS);
  await low.work(customer);
  expect((await low.bought(customer)).at(-1)).toBe('4 paid 2500, 2500');
  expect(await low.balanceOf(customer)).toBe('29.000000');
});

test('the connection is dropped after the capture: unknown is not failed, and asked again it is credited once', async () => {
  const customer = await low.customer('4.000');
  await faultOnAllTries(till.stripeUrl, CONFIRM, 'drop_after');

  const lost = await low.work(customer);
  await low.look();
  const looked = await low.work(customer);
  await low.pass('10 minutes');
  const found = await low.work(customer);

  expect([lost, looked].map(({ open, waitMs }) => [open?.number, waitMs])).toEqual([
    [1, 600_000],
    [1, 600_000],
  ]);
  expect(found).toMatchObject({ open: null, hasEnded: true });
  expect(await low.bought(customer)).toEqual(['1 paid 2500, 2500']);
  expect(await low.balanceOf(customer)).toBe('29.000000');
  expect(await low.told(customer)).toEqual(['top_up_done']);
});

test('its webhook comes before the answer: credited once, and the workflow hears of it', async () => {
  const customer = await low.customer('4.000');
  await faultOnAllTries(till.stripeUrl, CONFIRM, 'drop_after');
  await low.work(customer);
  await till.admin.query('delete from process_pokes');
  const { rows } = await till.admin.query(
    `select stripe_payment_intent as intent from payments where org_id = $1 and purpose = 'top_up'`,
    [customer.orgId],
  );

  const recorded = [await till.record(rows[0]?.intent), await till.record(rows[0]?.intent)];

  expect(recorded).toEqual(['recorded', 'known']);
  expect(await poked(customer.orgId)).toBe(1);
  expect(await low.work(customer)).toMatchObject({ hasEnded: true });
  expect(await low.balanceOf(customer)).toBe('29.000000');
});

test.each([
  ['before Stripe hears of the confirmation', 'delay_before', 'requires_payment_method'],
  ['between the capture and its answer', 'delay_after', 'succeeded'],
])('the worker is killed %s, and the next one goes on: captured and credited once', async (_, fault, statusThen) => {
  const customer = await low.customer('4.000');
  const [ask] = (await low.topUps.tick(customer.orgId)).asks;
  await control(till.stripeUrl, 'fault', { answer: CONFIRM, fault, ms: 600_000 });
  const child = startCharging(till, String(ask?.paymentId));
  await until(
    async () => (await low.bought(customer))[0] === `1 open 2500, ${statusThen === 'succeeded' ? 2_500 : statusThen}`,
  );
  await until(
    async () =>
      (await till.admin.query('select from charge_attempts where payment_id = $1', [ask?.paymentId])).rowCount === 1,
  );

  child.kill('SIGKILL');
  await once(child, 'exit');
  await noMoreFaults(till.stripeUrl);
  await low.work(customer);

  expect(await low.bought(customer)).toEqual(['1 paid 2500, 2500']);
  expect(await low.balanceOf(customer)).toBe('29.000000');
});

test('killed when the declined intent was cancelled and nobody told: it is a decline all the same', async () => {
  const customer = await low.customer('4.000', DECLINING);
  const [ask] = (await low.topUps.tick(customer.orgId)).asks;
  await askForCharge(till, String(ask?.paymentId), 1);
  await cancelCharge(till, String(ask?.paymentId));

  const view = await low.work(customer);

  expect(view).toMatchObject({ declinesInARow: 1, open: null });
  expect(await low.told(customer)).toEqual(['top_up_declined']);
});

test('while Stripe does not say that the declined intent is cancelled, no other one is made', async () => {
  const customer = await low.customer('4.000', DECLINING);
  await faultOnAllTries(till.stripeUrl, CANCEL, 'drop_before');

  const doubtful = await low.work(customer);
  await low.pass('10 minutes');
  const known = await low.work(customer);

  expect(doubtful).toMatchObject({ open: { number: 1 }, declinesInARow: 0 });
  expect(known).toMatchObject({ open: null, declinesInARow: 1 });
  expect(await low.bought(customer)).toEqual(['1 expired 2500, canceled']);
});

test('a day of UTC buys no more than its cap, and the first moment of the next one goes on', async () => {
  await low.moveTo('2027-04-30T22:00:00Z');
  const customer = await low.customer('4.000', 'pm_card_visa', { ...SETTINGS, dailyCapCents: 5_000 });
  await low.work(customer);
  await low.spend(customer, '28.000');
  await low.work(customer);
  await low.spend(customer, '25.000');

  const capped = await low.work(customer);
  await low.moveTo('2027-04-30T23:59:59Z');
  await low.work(customer);

  expect(capped).toMatchObject({ open: null, isLow: true, wakeAt: '2027-05-01T00:00:00.000Z', hasEnded: false });
  expect(await low.bought(customer)).toEqual(['1 paid 2500, 2500', '2 paid 2500, 2500']);
  await low.moveTo('2027-05-01T00:00:00Z');
  await low.work(customer);
  expect(await low.bought(customer)).toHaveLength(3);
  expect(await low.balanceOf(customer)).toBe('26.000000');
});

test('switched off while a payment is awaited: that one is still paid, and none after it', async () => {
  const customer = await low.customer('4.000', 'pm_card_visa', { ...SETTINGS, amountCents: 100 });
  await low.set(customer, null);

  await low.work(customer);
  await low.look();

  expect(await low.bought(customer)).toEqual(['1 paid 100, 100']);
  expect(await low.isOn(customer)).toBe(false);
  expect(await low.told(customer)).toEqual(['top_up_off asked', 'top_up_done']);
});

test('the bank hears that the card is asked out of turn, and that its owner is away', async () => {
  const customer = await low.customer('4.000');
  await low.work(customer);
  const { rows } = await till.admin.query(
    `select stripe_payment_intent as intent from payments where org_id = $1 and purpose = 'top_up'`,
    [customer.orgId],
  );

  const { payment_method_options: options } = await till.sdk.paymentIntents.retrieve(rows[0]?.intent);

  expect(options?.card).toMatchObject({ stored_credential_usage: 'unscheduled' });
});

test('what is unused of a top-up can be refunded like a pack', async () => {
  const customer = await low.customer('4.000');
  const [ask] = (await low.topUps.tick(customer.orgId)).asks;
  await low.work(customer);
  await low.set(customer, null);
  await low.spend(customer, '5.500');

  const refund = await inTransaction(till.db, (tx) => refundUnusedPack(tx, String(ask?.paymentId), 'test'));
  await sendRefunds(till.db, till.stripe);

  expect(refund.amountCents).toBe(2_350);
  expect(await low.balanceOf(customer)).toBe('0.000000');
});

test('PostgreSQL lets no organization have two top-ups that are open', async () => {
  const customer = await low.customer('4.000');

  const second = till.admin.query(
    `insert into payments (id, org_id, purpose, top_up, amount_cents, credit_nano, requested_by)
     values (gen_random_uuid(), $1, 'top_up', 2, 2500, 25000000000, 'test')`,
    [customer.orgId],
  );

  await expect(second).rejects.toThrow('one_open_top_up');
});
