// What a card answers when it is asked for the money of an invoice, and who else may ask meanwhile (billing.md 4.3, 4.4).
import { once } from 'node:events';
import { afterEach, expect, test } from '@jest/globals';
import { beginTry } from '../../../services/payments/charge-attempts.ts';
import { lastingFaults } from '../../../services/payments/charge-faults.ts';
import { type Askable, standingOf } from '../../../services/payments/charge-standing.ts';
import { askForCharge } from '../../../services/payments/charges.ts';
import { payOnSession } from '../../../services/payments/own-payments.ts';
import { newId } from '../../../services/platform/ids.ts';
import { control, faultOnAllTries, noMoreFaults, passHours } from '../../fake-stripe/stripe-client.ts';
import { until } from '../../support/until.ts';
import {
  billed,
  giveCard,
  newInvoice,
  passBillingMinutes,
  paymentsOf,
  stateOf,
  takenFor,
  tenMilliseconds,
  triesOf,
} from './billed-customer.ts';
import { startCharging } from './charging-process/start.ts';
import { openTill } from './till.ts';

const till = await openTill();
const CONFIRM = 'POST /v1/payment_intents/*/confirm';
const PAID = { kind: 'paid' };
const UNKNOWN = { kind: 'unknown' };
const ONCE = { asked: 1, captured: [1_900] };

afterEach(() => noMoreFaults(till.stripeUrl));

test('a card is asked once, the invoice is paid by it, and asked again that is the answer', async () => {
  const { invoiceId } = await billed(till);

  const outcomes = [await askForCharge(till, invoiceId, 1), await askForCharge(till, invoiceId, 1)];

  expect(outcomes).toEqual([PAID, PAID]);
  expect(await takenFor(till, invoiceId)).toEqual(ONCE);
  expect(await triesOf(till, invoiceId)).toEqual(['1.1 paid']);
  expect(await stateOf(till, invoiceId)).toBe('paid');
  expect(await till.booked()).toEqual({ stripe_clearing: '19000000000', deferred_plan: '-19000000000' });
  expect(await till.differences()).toEqual([]);
});

test('money that a workflow asked for is in the audit log under its id, and as the affair of who paid it', async () => {
  const { invoiceId, orgId } = await billed(till);

  await askForCharge({ ...till, asker: 'subscription:one' }, invoiceId, 1);

  const { rows } = await till.db.query(
    `select a.action, a.workflow_id as "workflowId" from audit_log a join payments p on p.id::text = a.target_id
      where p.invoice_id = $1 and a.org_id = $2`,
    [invoiceId, orgId],
  );
  expect(rows).toEqual([{ action: 'payment.recorded', workflowId: 'subscription:one' }]);
});

test.each([
  ['never', 'lost_card'],
  ['needs_customer', 'expired_card'],
  ['authenticate', 'authentication_required'],
  ['later', 'insufficient_funds'],
  ['later', 'made_up_code'],
])(
  'a decline of class %s (%s) is kept as what it is, and asked again it is the answer without the bank',
  async (name, code) => {
    const card = name === 'authenticate' ? 'pm_card_authenticationRequired' : `pm_fake_declines_${code}`;
    const { invoiceId } = await billed(till, card);

    const outcome = await askForCharge(till, invoiceId, 1);
    const { asked } = await takenFor(till, invoiceId);
    const again = await askForCharge(till, invoiceId, 1);

    const told =
      name === 'later' && code === 'made_up_code' ? { class: name, known: false } : { class: name, known: true };
    expect(outcome).toMatchObject({ kind: 'declined', decline: told });
    expect(again).toEqual(outcome);
    expect(await takenFor(till, invoiceId)).toEqual({ asked, captured: [] });
    expect(await triesOf(till, invoiceId)).toEqual([`1.1 declined ${name} ${code}`]);
  },
);

test('M31: declined twice for want of money and paid the third time: three attempts on one intent, captured once', async () => {
  const { invoiceId } = await billed(till, 'pm_fake_declines_insufficient_funds_2_times');

  const outcomes = [];
  for (const attempt of [1, 2, 3]) outcomes.push((await askForCharge(till, invoiceId, attempt)).kind);

  expect(outcomes).toEqual(['declined', 'declined', 'paid']);
  expect(await takenFor(till, invoiceId)).toEqual({ asked: 3, captured: [1_900] });
  expect(await paymentsOf(till, invoiceId)).toHaveLength(1);
  expect(await till.differences()).toEqual([]);
});

test('a bank that has seen this before may have paid it: unknown, and 15 minutes later the card is asked once more', async () => {
  const { invoiceId } = await billed(till, 'pm_fake_declines_duplicate_transaction_1_times');
  const first = await askForCharge(till, invoiceId, 1);
  const soon = await askForCharge(till, invoiceId, 1);
  await passBillingMinutes(till, 15);

  const later = await askForCharge(till, invoiceId, 1);

  expect([first, soon, later]).toEqual([UNKNOWN, UNKNOWN, PAID]);
  expect(await triesOf(till, invoiceId)).toEqual(['1.1 unknown duplicate duplicate_transaction', '1.2 paid']);
  expect(await till.differences()).toEqual([]);
});

test.each([
  ['paid', 'pm_fake_processing', PAID, [1_900]],
  ['declined', 'pm_fake_processing_fails', { kind: 'declined', decline: { class: 'later' } }, []],
])('a charge that is under way is unknown until the bank has decided (%s)', async (_, card, decided, captured) => {
  const { invoiceId } = await billed(till, card);
  const underWay = [await askForCharge(till, invoiceId, 1), await askForCharge(till, invoiceId, 1)];
  await passHours(till.stripeUrl, 1);

  const outcome = await askForCharge(till, invoiceId, 1);

  expect(underWay).toEqual([UNKNOWN, UNKNOWN]);
  expect(outcome).toMatchObject(decided);
  expect(await takenFor(till, invoiceId)).toEqual({ asked: 1, captured });
  expect(await till.differences()).toEqual([]);
});

test.each([
  ['pm_card_visa', 'paid', [1_900]],
  ['pm_fake_declines_insufficient_funds', 'declined', []],
])(
  'callers at once, 10 ms apart and in another process are one question with one answer (%s)',
  async (card, kind, captured) => {
    const { invoiceId } = await billed(till, card);
    await control(till.stripeUrl, 'fault', { answer: CONFIRM, fault: 'delay_before', ms: 600_000, count: 4 });
    const exited = once(startCharging(till, invoiceId), 'exit');
    await until(async () => (await triesOf(till, invoiceId)).length === 1);

    const asking = [askForCharge(till, invoiceId, 1), askForCharge(till, invoiceId, 1)];
    await tenMilliseconds();
    asking.push(askForCharge(till, invoiceId, 1));
    await noMoreFaults(till.stripeUrl);
    const outcomes = await Promise.all(asking);

    expect(outcomes.map((outcome) => outcome.kind)).toEqual([kind, kind, kind]);
    expect(await exited).toEqual([0, null]);
    expect(await takenFor(till, invoiceId)).toEqual({ asked: 1, captured });
    expect(await triesOf(till, invoiceId)).toHaveLength(1);
    expect(await till.differences()).toEqual([]);
  },
);

test('who has looked before another caller asked and was declined does not ask the card again', async () => {
  const { invoiceId } = await billed(till, 'pm_fake_declines_insufficient_funds');
  const seen = await standingOf(till.db, invoiceId, { askedBy: 'billing', number: 1 });
  const { payment } = seen as Askable;
  const declined = await askForCharge(till, invoiceId, 1);
  const [{ intent: paymentIntent } = { intent: null }] = await paymentsOf(till, invoiceId);

  const late = await beginTry(till.db, invoiceId, { ...payment, paymentIntent }, 1, null);

  expect([declined.kind, late]).toEqual(['declined', null]);
  expect(await triesOf(till, invoiceId)).toEqual(['1.1 declined later insufficient_funds']);
});

test('another attempt waits for the one in doubt, and finds the invoice paid', async () => {
  const { invoiceId } = await billed(till);
  await faultOnAllTries(till.stripeUrl, CONFIRM, 'drop_after');
  await askForCharge(till, invoiceId, 1);

  const second = await askForCharge(till, invoiceId, 2);

  expect(second).toEqual(PAID);
  expect(await triesOf(till, invoiceId)).toEqual(['1.1 paid']);
  expect(await takenFor(till, invoiceId)).toEqual(ONCE);
});

test('without a card Stripe is asked nothing, and the customer is needed', async () => {
  const { orgId, invoiceId } = await billed(till, null);

  const outcome = await askForCharge(till, invoiceId, 1);
  await giveCard(till, orgId, 'pm_card_visa');
  const again = await askForCharge(till, invoiceId, 1);
  const withCard = await askForCharge(till, invoiceId, 2);

  expect(outcome).toEqual({
    kind: 'declined',
    decline: { class: 'needs_customer', suspicious: false, passing: false, known: true },
  });
  expect([again, withCard]).toEqual([outcome, PAID]);
  expect(await triesOf(till, invoiceId)).toEqual(['1.1 declined needs_customer no_card', '2.1 paid']);
  expect(await till.differences()).toEqual([]);
});

test('a card is asked 15 times in 30 days over all invoices, and a new payment method of the same number changes nothing', async () => {
  const { orgId } = await billed(till, 'pm_fake_declines_do_not_honor~often');
  for (let asked = 0; asked < 15; asked++) await askForCharge(till, await newInvoice(till, orgId), 1);
  await giveCard(till, orgId, 'pm_fake_declines_do_not_honor~often');
  const invoiceId = await newInvoice(till, orgId);

  const tooOften = await askForCharge(till, invoiceId, 1);
  await giveCard(till, orgId, 'pm_card_mastercard');
  const other = await askForCharge(till, invoiceId, 2);

  expect(tooOften).toMatchObject({ kind: 'declined', decline: { class: 'needs_customer' } });
  expect(other).toEqual(PAID);
  expect(await takenFor(till, invoiceId)).toEqual(ONCE);
});

test('an attempt keeps the card that it began with; the next one asks the new one', async () => {
  const { orgId, invoiceId } = await billed(till, 'pm_fake_declines_insufficient_funds');
  await faultOnAllTries(till.stripeUrl, CONFIRM, 'drop_before');
  await askForCharge(till, invoiceId, 1);
  await noMoreFaults(till.stripeUrl);
  await giveCard(till, orgId, 'pm_card_visa');

  const first = await askForCharge(till, invoiceId, 1);
  const second = await askForCharge(till, invoiceId, 2);

  expect(first).toMatchObject({ kind: 'declined' });
  expect(second).toEqual(PAID);
  expect(await takenFor(till, invoiceId)).toEqual({ asked: 2, captured: [1_900] });
});

test('a card that Stripe does not know any more is a fault, and no bank was asked', async () => {
  const { orgId, invoiceId } = await billed(till, null);
  await till.sdk.paymentMethods.detach(await giveCard(till, orgId, 'pm_card_visa'));

  const outcome = await askForCharge(till, invoiceId, 1);

  expect(outcome).toEqual({ kind: 'fault' });
  expect(await triesOf(till, invoiceId)).toEqual(['1.1 fault']);
  expect(await takenFor(till, invoiceId)).toEqual({ asked: 0, captured: [] });
});

test('faults for an hour and no word of a bank need a person, with the words of Stripe; one that is answered does not', async () => {
  const { orgId, invoiceId } = await billed(till, null);
  await till.sdk.paymentMethods.detach(await giveCard(till, orgId, 'pm_card_visa'));

  await askForCharge(till, invoiceId, 1);
  const atFirst = await lastingFaults(till.db, { invoiceId });
  await passBillingMinutes(till, 30);
  await askForCharge(till, invoiceId, 1);
  const halfAnHour = await lastingFaults(till.db, { invoiceId });
  await passBillingMinutes(till, 30);
  const anHour = await lastingFaults(till.db, { invoiceId });
  await giveCard(till, orgId, 'pm_card_chargeCustomerFail');
  await askForCharge(till, invoiceId, 1);
  const answered = await lastingFaults(till.db, { invoiceId });

  expect([atFirst, halfAnHour, answered]).toEqual([null, null, null]);
  expect(anHour).toMatch(
    /^since .* Stripe refuses the charge and no bank is asked: .*(detached|attached|PaymentMethod)/i,
  );
});

test('a fault is no answer for good: the same attempt, asked again when it may be mended, asks the new card', async () => {
  const { orgId, invoiceId } = await billed(till);
  await till.sdk.paymentMethods.detach(await giveCard(till, orgId, 'pm_card_visa'));
  const first = await askForCharge(till, invoiceId, 1);
  await giveCard(till, orgId, 'pm_card_mastercard');

  const atOnce = await askForCharge(till, invoiceId, 1);
  await passBillingMinutes(till, 16);
  const later = await askForCharge(till, invoiceId, 1);

  expect([first, atOnce, later]).toEqual([{ kind: 'fault' }, { kind: 'fault' }, PAID]);
  expect(await triesOf(till, invoiceId)).toEqual(['1.1 fault', '1.2 paid']);
  expect(await takenFor(till, invoiceId)).toEqual(ONCE);
});

test('the receipt names the card that paid, which need not be the newest', async () => {
  const { orgId, invoiceId } = await billed(till, 'pm_card_visa');
  await giveCard(till, orgId, 'pm_card_mastercard');
  const { rows: cards } = await till.admin.query(
    'select id as "cardId" from payment_methods where org_id = $1 and not is_default',
    [orgId],
  );

  await payOnSession(till, invoiceId, {
    ...cards[0],
    author: { actor: 'pay_page', requestId: newId() },
    returnUrl: 'http://127.0.0.1/pay',
  });

  const { rows } = await till.admin.query(
    `select facts ->> 'cardLastFour' as card from notifications where org_id = $1 and kind = 'receipt'`,
    [orgId],
  );
  expect(rows).toEqual([{ card: '4242' }]);
});
