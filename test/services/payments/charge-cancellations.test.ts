// Asking for the money of an invoice ends as it was asked for: once, whoever comes first. After it no money comes, or it goes back.
import { afterEach, expect, test } from '@jest/globals';
import { askForCharge, cancelCharge, refundVoidInvoice } from '../../../services/payments/charges.ts';
import {
  control,
  faultOnAllTries,
  ledgerOf,
  noMoreFaults,
  passHours,
  submit,
} from '../../fake-stripe/stripe-client.ts';
import { until } from '../../support/until.ts';
import { billed, paymentsOf, stateOf, takenFor, triesOf } from './billed-customer.ts';
import { openTill } from './till.ts';

const till = await openTill();
const CONFIRM = 'POST /v1/payment_intents/*/confirm';
const CANCEL = 'POST /v1/payment_intents/*/cancel';
const PAID = { kind: 'paid' };
const FAULT = { kind: 'fault' };
const UNKNOWN = { kind: 'unknown' };
const NOTHING = { asked: 0, captured: [] };
const ONCE = { asked: 1, captured: [1_900] };

afterEach(() => noMoreFaults(till.stripeUrl));

async function intentOf(invoiceId: string): Promise<string> {
  return String((await paymentsOf(till, invoiceId)).at(-1)?.intent);
}

/** Asked while the answer, or the question, is held up at Stripe: the promise of the outcome. */
async function askHeldUp(invoiceId: string, what: 'delay_before' | 'delay_after') {
  await control(till.stripeUrl, 'fault', { answer: CONFIRM, fault: what, ms: 600_000 });
  return askForCharge(till, invoiceId, 1);
}

test('cancelled before anything was asked, it is never asked, and Stripe knows of nothing', async () => {
  const { invoiceId } = await billed(till);

  const cancelled = await cancelCharge(till, invoiceId);
  const asked = await askForCharge(till, invoiceId, 1);

  expect([cancelled, asked]).toEqual(['cancelled', FAULT]);
  expect(await paymentsOf(till, invoiceId)).toEqual([]);
  expect(await triesOf(till, invoiceId)).toEqual([]);
});

test('cancelled after a decline, the intent takes no money any more', async () => {
  const { invoiceId } = await billed(till, 'pm_fake_declines_insufficient_funds');
  await askForCharge(till, invoiceId, 1);

  const outcomes = [await cancelCharge(till, invoiceId), await cancelCharge(till, invoiceId)];

  expect(outcomes).toEqual(['cancelled', 'cancelled']);
  expect((await till.sdk.paymentIntents.retrieve(await intentOf(invoiceId))).status).toBe('canceled');
  expect(await askForCharge(till, invoiceId, 2)).toEqual(FAULT);
  expect(await takenFor(till, invoiceId)).toEqual({ asked: 1, captured: [] });
});

test('cancelled while its confirmation is on the way: nothing is captured, and no other intent is made', async () => {
  const { invoiceId } = await billed(till);
  const { length: before } = (await till.sdk.paymentIntents.list()).data;
  const underWay = askHeldUp(invoiceId, 'delay_before');
  await until(async () => (await triesOf(till, invoiceId)).length === 1);

  const cancelled = await cancelCharge(till, invoiceId);
  await noMoreFaults(till.stripeUrl);

  expect([cancelled, await underWay]).toEqual(['cancelled', FAULT]);
  expect(await takenFor(till, invoiceId)).toEqual(NOTHING);
  expect((await till.sdk.paymentIntents.list()).data).toHaveLength(before + 1);
  expect(await stateOf(till, invoiceId)).toBe('open');
  expect(await till.differences()).toEqual([]);
});

test('cancelled when it has just been paid, it is paid: captured once', async () => {
  const { invoiceId } = await billed(till);
  const underWay = askHeldUp(invoiceId, 'delay_after');
  await until(async () => Object.hasOwn(await ledgerOf(till.stripeUrl), await intentOf(invoiceId)));

  const cancelled = await cancelCharge(till, invoiceId);
  await noMoreFaults(till.stripeUrl);

  expect([cancelled, await underWay]).toEqual(['paid', PAID]);
  expect(await takenFor(till, invoiceId)).toEqual(ONCE);
  expect(await triesOf(till, invoiceId)).toEqual(['1.1 paid']);
  expect(await till.differences()).toEqual([]);
});

test('cancelled while its intent is being made, that is never confirmed', async () => {
  const { invoiceId } = await billed(till);
  await control(till.stripeUrl, 'fault', { answer: 'POST /v1/payment_intents', fault: 'delay_after', ms: 600_000 });
  const { length: before } = (await till.sdk.paymentIntents.list()).data;
  const underWay = askForCharge(till, invoiceId, 1);
  await until(async () => (await till.sdk.paymentIntents.list()).data.length === before + 1);

  const cancelled = await cancelCharge(till, invoiceId);
  await noMoreFaults(till.stripeUrl);

  expect([cancelled, await underWay]).toEqual(['cancelled', FAULT]);
  expect((await till.sdk.paymentIntents.list()).data[0]?.status).toBe('requires_payment_method');
  expect(await takenFor(till, invoiceId)).toEqual(NOTHING);
});

test('asked and cancelled at once, again and again: either paid, and both say so, or cancelled and nothing captured', async () => {
  for (let round = 0; round < 10; round++) {
    // The intent is made in the race, or is there already.
    const { invoiceId } = await billed(till, ['pm_card_visa', 'pm_fake_declines_call_issuer_1_times'][round % 2]);
    if (round % 2 === 1) await askForCharge(till, invoiceId, 1);

    const [asked, cancelled] = await Promise.all([askForCharge(till, invoiceId, 2), cancelCharge(till, invoiceId)]);

    const { captured } = await takenFor(till, invoiceId);
    expect(['paid paid 1', 'fault cancelled 0', 'unknown cancelled 0']).toContain(
      `${asked.kind} ${cancelled} ${captured.length}`,
    );
  }
  expect(await till.differences()).toEqual([]);
});

test('while the bank decides it is in doubt; when it has refused, the same is cancelled', async () => {
  const { invoiceId } = await billed(till, 'pm_fake_processing_fails');
  await askForCharge(till, invoiceId, 1);

  const meanwhile = await cancelCharge(till, invoiceId);
  await passHours(till.stripeUrl, 1);
  const afterwards = await cancelCharge(till, invoiceId);

  expect([meanwhile, afterwards]).toEqual(['in_doubt', 'cancelled']);
  expect(await takenFor(till, invoiceId)).toEqual({ asked: 1, captured: [] });
});

test('a cancellation whose answer was lost is in doubt; what is asked then is asked of another intent, once', async () => {
  const { invoiceId } = await billed(till, 'pm_fake_declines_insufficient_funds_1_times');
  await askForCharge(till, invoiceId, 1);
  await faultOnAllTries(till.stripeUrl, CANCEL, 'drop_after');

  const lost = await cancelCharge(till, invoiceId);
  const asked = await askForCharge(till, invoiceId, 2);
  const late = await cancelCharge(till, invoiceId);

  expect([lost, asked, late]).toEqual(['in_doubt', PAID, 'paid']);
  expect((await paymentsOf(till, invoiceId)).map(({ state }) => state)).toEqual(['expired', 'paid']);
  expect((await takenFor(till, invoiceId)).captured).toEqual([1_900]);
  expect(await till.differences()).toEqual([]);
});

test('an intent that somebody cancelled at Stripe gets a successor, also in the middle of an attempt', async () => {
  const { invoiceId } = await billed(till);
  await faultOnAllTries(till.stripeUrl, CONFIRM, 'drop_before');
  const lost = await askForCharge(till, invoiceId, 1);
  await noMoreFaults(till.stripeUrl);
  await till.sdk.paymentIntents.cancel(await intentOf(invoiceId));

  const again = await askForCharge(till, invoiceId, 1);

  expect([lost, again]).toEqual([UNKNOWN, PAID]);
  expect((await paymentsOf(till, invoiceId)).map(({ state }) => state)).toEqual(['expired', 'paid']);
  expect(await triesOf(till, invoiceId)).toEqual(['1.1 unknown', '1.1 paid']);
  expect(await takenFor(till, invoiceId)).toEqual(ONCE);
  expect(await till.differences()).toEqual([]);
});

test('a customer whose bank wants him confirms the same intent in person, and the invoice is paid by it', async () => {
  const { invoiceId } = await billed(till, 'pm_card_authenticationRequired');
  const asked = await askForCharge(till, invoiceId, 1);
  const { rows } = await till.admin.query<{ paymentId: string; card: string }>(
    `select payment_id as "paymentId", payment_method as card from charge_attempts a join payments p on p.id = a.payment_id
      where p.invoice_id = $1`,
    [invoiceId],
  );
  const { paymentId = '', card: paymentMethod = '' } = rows[0] ?? {};
  const paymentIntent = await intentOf(invoiceId);
  const confirming = { paymentIntent, paymentId, attempt: 'page', paymentMethod };

  const page = await till.stripe.intents.confirmOnSession(confirming, 'https://shop.example/back');
  const bankPage = page.kind === 'answered' ? String(page.intent.bankPage) : '';
  const { location } = await submit(bankPage, { outcome: 'pass' });
  const again = await askForCharge(till, invoiceId, 2);

  expect(asked).toMatchObject({ kind: 'declined', decline: { class: 'authenticate' } });
  expect(location).toContain('redirect_status=succeeded');
  expect(again).toEqual(PAID);
  expect(await paymentsOf(till, invoiceId)).toEqual([{ state: 'paid', intent: paymentIntent }]);
  expect((await takenFor(till, invoiceId)).captured).toEqual([1_900]);
  expect(await till.differences()).toEqual([]);
});

test('what came for a void invoice goes back as a whole and once, however often it is asked for', async () => {
  const { invoiceId } = await billed(till);
  await faultOnAllTries(till.stripeUrl, CONFIRM, 'drop_after');
  await askForCharge(till, invoiceId, 1);
  await till.db.query(`update invoices set state = 'void', closed_at = billing_now() where id = $1`, [invoiceId]);
  await till.record(await intentOf(invoiceId));

  const said = await askForCharge(till, invoiceId, 1);
  await Promise.all([refundVoidInvoice(till, invoiceId), refundVoidInvoice(till, invoiceId)]);
  await refundVoidInvoice(till, invoiceId);

  expect(said).toEqual(PAID);
  expect(await stateOf(till, invoiceId)).toBe('void');
  expect((await ledgerOf(till.stripeUrl))[await intentOf(invoiceId)]).toMatchObject({
    captured: 1_900,
    refunded: 1_900,
  });
  expect(await till.differences()).toEqual([]);
});

test('nothing goes back of an invoice that is not void', async () => {
  const { invoiceId } = await billed(till);
  await askForCharge(till, invoiceId, 1);

  await refundVoidInvoice(till, invoiceId);

  expect(await takenFor(till, invoiceId)).toEqual(ONCE);
});
