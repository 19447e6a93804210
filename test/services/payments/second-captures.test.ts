// Where two captures happen all the same, the second goes back at once, exactly once, and its customer is told; what only a person can
// decide waits for one.
import { once } from 'node:events';
import { afterEach, expect, test } from '@jest/globals';
import { sendRefunds } from '../../../services/payments/refunds.ts';
import { control, ledgerOf, noMoreFaults, withCard } from '../../fake-stripe/stripe-client.ts';
import { until } from '../../support/until.ts';
import { billed, takenFor } from './billed-customer.ts';
import { startFollowing } from './charging-process/start.ts';
import { openTill } from './till.ts';

const till = await openTill();
const REFUND = 'POST /v1/refunds';

afterEach(() => noMoreFaults(till.stripeUrl));

async function boughtPack(): Promise<{ orgId: string; paymentId: string }> {
  const orgId = await till.newOrganization();
  await till.admin.query(`insert into billing_details (org_id, billing_email) values ($1, 'ada@example.com')`, [orgId]);
  const { paymentId, paymentIntent } = await till.pay(orgId, 'pack_10');
  await till.record(paymentIntent);
  return { orgId, paymentId };
}

/** The same payment once more, by an intent of its own. */
async function captureAgain(paymentId: string, amount = 1_000, currency = 'usd'): Promise<string> {
  const card = await withCard(till.sdk, 'pm_card_visa');
  const { id } = await till.sdk.paymentIntents.create({
    ...{ amount, currency, ...card, confirm: true, off_session: true },
    ...{ allowed_payment_method_types: ['card'], metadata: { payment_id: paymentId } },
  });
  return id;
}

async function hearAll(): Promise<void> {
  const inbox = till.newInbox();
  for (const event of await till.events()) await inbox.store(event);
  await inbox.processDue();
}

async function toldOf(orgId: string): Promise<unknown[]> {
  const { rows } = await till.admin.query(
    `select kind, recipient, (facts ->> 'amountCents')::integer as cents from notifications where org_id = $1 and kind like '%refunded'`,
    [orgId],
  );
  return rows;
}

const TOLD_ONCE = [{ kind: 'second_capture_refunded', recipient: 'ada@example.com', cents: 1_000 }];

test('a second capture goes back as a whole, credits nobody, and is told once, however often it is heard of', async () => {
  const { orgId, paymentId } = await boughtPack();
  const intent = await captureAgain(paymentId);

  const outcomes = [await till.record(intent), await till.record(intent)];
  const unsent = await till.differences();
  await Promise.allSettled([1, 2, 3].map(() => sendRefunds(till.db, till.stripe)));
  await hearAll();

  expect(outcomes).toEqual(['twice', 'known']);
  expect(unsent).toEqual([expect.stringMatching(/^clearing/)]);
  expect((await ledgerOf(till.stripeUrl))[intent]).toMatchObject({ captured: 1_000, refunded: 1_000 });
  expect(await till.grantsOf(orgId)).toHaveLength(1);
  expect(await toldOf(orgId)).toEqual(TOLD_ONCE);
  expect(await till.differences()).toEqual([]);
});

test.each([
  ['before Stripe hears of the refund', 'delay_before', 0],
  ['between the refund and its answer', 'delay_after', 1_000],
])('killed %s, the next process sends it back: once, and told once', async (_, fault, refundedThen) => {
  const { orgId, paymentId } = await boughtPack();
  const intent = await captureAgain(paymentId);
  await hearNothingYet();
  await control(till.stripeUrl, 'fault', { answer: REFUND, fault, ms: 600_000 });
  const child = startFollowing(till);
  await until(async () => (await refundsAsked(intent)) === 1);
  await until(async () => (await ledgerOf(till.stripeUrl))[intent]?.refunded === refundedThen);

  child.kill('SIGKILL');
  await once(child, 'exit');
  await noMoreFaults(till.stripeUrl);
  await sendRefunds(till.db, till.stripe);
  await hearAll();

  expect((await ledgerOf(till.stripeUrl))[intent]).toMatchObject({ captured: 1_000, refunded: 1_000 });
  expect((await till.sdk.refunds.list({ payment_intent: intent })).data).toHaveLength(1);
  expect(await toldOf(orgId)).toEqual(TOLD_ONCE);
  expect(await till.differences()).toEqual([]);
});

/** Stored, and followed by nobody. */
async function hearNothingYet(): Promise<void> {
  const inbox = till.newInbox();
  for (const event of await till.events()) await inbox.store(event);
}

async function refundsAsked(intent: string): Promise<number> {
  const { rows } = await till.admin.query(
    `select from refunds r join payments p on p.id = r.payment_id where p.stripe_payment_intent = $1`,
    [intent],
  );
  return rows.length;
}

test('an invoice of a plan that was paid by the payment before, too, gets the second one back', async () => {
  const { orgId, invoiceId } = await billed(till, null);
  await till.admin.query(`insert into billing_details (org_id, billing_email) values ($1, 'ada@example.com')`, [orgId]);
  const [first, second] = [await askedFor(orgId, invoiceId), await askedFor(orgId, invoiceId)];
  const intents = [await captureAgain(second, 1_900), await captureAgain(first, 1_900)];

  const outcomes = [await till.record(intents[0] ?? ''), await till.record(intents[1] ?? '')];
  await sendRefunds(till.db, till.stripe);

  expect(outcomes).toEqual(['recorded', 'twice']);
  expect((await takenFor(till, invoiceId)).captured.toSorted()).toEqual([0, 1_900]);
  expect(await toldOf(orgId)).toEqual([{ ...TOLD_ONCE[0], cents: 1_900 }]);
  expect(await till.differences()).toEqual([]);
});

/** The payment before it can be paid no more, as far as we know. */
async function askedFor(orgId: string, invoiceId: string): Promise<string> {
  await till.admin.query(`update payments set state = 'expired' where invoice_id = $1`, [invoiceId]);
  const { rows } = await till.admin.query<{ id: string }>(
    `insert into payments (id, org_id, purpose, invoice_id, amount_cents, requested_by)
       values (gen_random_uuid(), $1, 'invoice', $2, 1900, 'test') returning id`,
    [orgId, invoiceId],
  );
  return rows[0]?.id ?? '';
}

test('a second capture that Stripe does not give back is owed, waits for a person, and goes back by his word', async () => {
  const { orgId, paymentId } = await boughtPack();
  const intent = await captureAgain(paymentId);
  await till.record(intent);
  const { rows } = await till.admin.query<{ id: string; refundId: string }>(
    `select p.id, r.id as "refundId" from payments p join refunds r on r.payment_id = p.id where p.stripe_payment_intent = $1`,
    [intent],
  );
  const [second] = rows;

  await till.db.query(`select settle_refund($1, null, 'failed', 'test')`, [second?.refundId]);
  const found = await till.differences();
  await till.db.query(`select begin_refund(gen_random_uuid(), $1, null, null, 'test')`, [second?.id]);
  await sendRefunds(till.db, till.stripe);

  expect(found).toEqual(['I10-owed-back']);
  expect((await ledgerOf(till.stripeUrl))[intent]).toMatchObject({ captured: 1_000, refunded: 1_000 });
  expect(await toldOf(orgId)).toEqual(TOLD_ONCE);
  expect(await till.differences()).toEqual([]);
});

test.each([
  ['all', 1_000],
  ['a part', 400],
])(
  'while a second capture is on its way back somebody gives back %s of it at Stripe: no more goes back, and nothing is owed when all is',
  async (_, amount) => {
    const { orgId, paymentId } = await boughtPack();
    const intent = await captureAgain(paymentId);
    await till.record(intent);
    await till.sdk.refunds.create({ payment_intent: intent, amount });

    await hearAll();
    await sendRefunds(till.db, till.stripe);
    await hearAll();
    await till.db.query(
      `select begin_refund(gen_random_uuid(), p.id, null, null, 'test') from payments p where p.stripe_payment_intent = $1`,
      [intent],
    );
    await sendRefunds(till.db, till.stripe);

    expect((await ledgerOf(till.stripeUrl))[intent]).toMatchObject({ captured: 1_000, refunded: 1_000 });
    const told = (await toldOf(orgId)).map((one) => (one as { cents: number }).cents);
    expect(told.toSorted((a, b) => a - b)).toEqual([amount, 1_000 - amount].filter((cents) => cents > 0));
    expect(await till.differences()).toEqual([]);
  },
);

test.each([
  ['another amount', 900, 'usd'],
  ['another currency', 1_000, 'eur'],
])('a second capture of %s is not sent back unasked: a person decides', async (_, amount, currency) => {
  const { paymentId } = await boughtPack();
  const intent = await captureAgain(paymentId, amount, currency);

  const outcome = await till.record(intent);
  await sendRefunds(till.db, till.stripe);

  expect(outcome).toBe('in_question');
  expect((await ledgerOf(till.stripeUrl))[intent]).toMatchObject({ captured: amount, refunded: 0 });
  expect(await till.differences()).toContain('I10-questions');
  await till.admin.query('update captures_in_question set resolved_at = now()');
  await till.sdk.refunds.create({ payment_intent: intent });
});
