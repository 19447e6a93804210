// The money of an invoice is asked for exactly once, whatever is lost on the way to Stripe and back (billing.md 5: M18-M20).
import { once } from 'node:events';
import { afterEach, expect, test } from '@jest/globals';
import { askForCharge } from '../../../services/payments/charges.ts';
import { control, faultOnAllTries, noMoreFaults, passHours } from '../../fake-stripe/stripe-client.ts';
import { until } from '../../support/until.ts';
import { billed, giveCard, passBillingMinutes, paymentsOf, takenFor, triesOf } from './billed-customer.ts';
import { startCharging } from './charging-process/start.ts';
import { openTill } from './till.ts';

const till = await openTill();
const CONFIRM = 'POST /v1/payment_intents/*/confirm';
const PAID = { kind: 'paid' };
const UNKNOWN = { kind: 'unknown' };
const ONCE = { asked: 1, captured: [1_900] };

afterEach(() => noMoreFaults(till.stripeUrl));

test('M18: the connection is dropped after the confirmation, and asked again it is paid, captured once', async () => {
  const { invoiceId } = await billed(till);
  await faultOnAllTries(till.stripeUrl, CONFIRM, 'drop_after');

  const lost = await askForCharge(till, invoiceId, 1);
  const again = await askForCharge(till, invoiceId, 1);

  expect([lost, again]).toEqual([UNKNOWN, PAID]);
  expect(await takenFor(till, invoiceId)).toEqual(ONCE);
  expect(await triesOf(till, invoiceId)).toEqual(['1.1 paid']);
  expect(await till.differences()).toEqual([]);
});

test.each([
  ['before Stripe hears of the confirmation', 'delay_before', 'requires_payment_method'],
  ['between the confirmation and its answer', 'delay_after', 'succeeded'],
])('M18: the process is killed %s, and the next one asks: captured once', async (_, fault, statusThen) => {
  const { invoiceId } = await billed(till);
  await control(till.stripeUrl, 'fault', { answer: CONFIRM, fault, ms: 600_000 });
  const child = startCharging(till, invoiceId);
  await until(async () => (await triesOf(till, invoiceId)).length === 1);
  const [payment] = await paymentsOf(till, invoiceId);
  await until(async () => (await till.sdk.paymentIntents.retrieve(String(payment?.intent))).status === statusThen);

  child.kill('SIGKILL');
  await once(child, 'exit');
  await noMoreFaults(till.stripeUrl);
  const outcome = await askForCharge(till, invoiceId, 1);

  expect(outcome).toEqual(PAID);
  expect(await takenFor(till, invoiceId)).toEqual(ONCE);
  expect(await triesOf(till, invoiceId)).toEqual(['1.1 paid']);
  expect(await till.differences()).toEqual([]);
});

test('M19: asked again 25 h later, when Stripe has forgotten the key, the intent shows that it was paid: captured once', async () => {
  const { invoiceId } = await billed(till);
  await faultOnAllTries(till.stripeUrl, CONFIRM, 'drop_after');
  await askForCharge(till, invoiceId, 1);
  await passHours(till.stripeUrl, 25);

  const later = await askForCharge(till, invoiceId, 1);

  expect(later).toEqual(PAID);
  expect(await takenFor(till, invoiceId)).toEqual(ONCE);
  expect(await till.differences()).toEqual([]);
});

test('25 h later a decline that was not heard is read from the intent, and the card is not asked a second time', async () => {
  const { invoiceId } = await billed(till, 'pm_fake_declines_stolen_card');
  await faultOnAllTries(till.stripeUrl, CONFIRM, 'drop_after');
  const lost = await askForCharge(till, invoiceId, 1);
  await passHours(till.stripeUrl, 25);

  const later = await askForCharge(till, invoiceId, 1);

  expect(lost).toEqual(UNKNOWN);
  expect(later).toMatchObject({ kind: 'declined', decline: { class: 'never', suspicious: true } });
  expect(await takenFor(till, invoiceId)).toEqual({ asked: 1, captured: [] });
});

test('M20: a 500 that Stripe keeps although the charge went through is unknown, then paid by the intent: captured once', async () => {
  const { invoiceId } = await billed(till);
  await control(till.stripeUrl, 'fault', { answer: CONFIRM, fault: 'fail_after' });

  const failed = await askForCharge(till, invoiceId, 1);
  const again = await askForCharge(till, invoiceId, 1);

  expect([failed, again]).toEqual([UNKNOWN, PAID]);
  expect(await takenFor(till, invoiceId)).toEqual(ONCE);
  expect(await till.differences()).toEqual([]);
});

test('a 500 that Stripe keeps is no failure; when it has taken nothing after 15 minutes, it is tried under another key', async () => {
  const { orgId, invoiceId } = await billed(till, null);
  await till.sdk.paymentMethods.detach(await giveCard(till, orgId, 'pm_card_visa'));
  await control(till.stripeUrl, 'fault', { answer: CONFIRM, fault: 'fail_after' });
  const failed = await askForCharge(till, invoiceId, 1);
  const repeated = await askForCharge(till, invoiceId, 1);
  await giveCard(till, orgId, 'pm_card_visa');
  await passBillingMinutes(till, 15);

  const later = await askForCharge(till, invoiceId, 1);

  expect([failed, repeated, later]).toEqual([UNKNOWN, UNKNOWN, PAID]);
  expect(await triesOf(till, invoiceId)).toEqual(['1.1 unknown', '1.2 paid']);
  expect(await takenFor(till, invoiceId)).toEqual(ONCE);
  expect(await till.differences()).toEqual([]);
});

test.each(['drop_before', 'fail_before', 'too_many_requests'])(
  'while Stripe is not there (%s) the outcome is unknown, which is heard why, and then it is paid under the same key',
  async (what) => {
    const { invoiceId } = await billed(till);
    const heard: string[] = [];
    await faultOnAllTries(till.stripeUrl, CONFIRM, what);

    const away = await askForCharge({ ...till, onTrouble: ({ code }) => heard.push(code) }, invoiceId, 1);
    await noMoreFaults(till.stripeUrl);
    const back = await askForCharge(till, invoiceId, 1);

    expect([away, back]).toEqual([UNKNOWN, PAID]);
    expect(heard).toEqual(['payment_provider_unavailable']);
    expect(await triesOf(till, invoiceId)).toEqual(['1.1 paid']);
    expect(await takenFor(till, invoiceId)).toEqual(ONCE);
    expect(await till.differences()).toEqual([]);
  },
);

test('a 500 kept while the intent was made leads to a look at what was made, and that is paid', async () => {
  const { invoiceId } = await billed(till);
  await control(till.stripeUrl, 'fault', { answer: 'POST /v1/payment_intents', fault: 'fail_after' });

  const failed = await askForCharge(till, invoiceId, 1);
  const again = await askForCharge(till, invoiceId, 1);

  expect([failed, again]).toEqual([UNKNOWN, PAID]);
  expect((await paymentsOf(till, invoiceId)).map(({ state }) => state)).toEqual(['paid']);
  expect(await takenFor(till, invoiceId)).toEqual(ONCE);
  expect(await till.differences()).toEqual([]);
});
