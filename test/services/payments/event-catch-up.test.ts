// Webhooks that never came are found by listing, and a listing that broke off is not taken for a whole one.
import { expect, test } from '@jest/globals';
import { askForCharge } from '../../../services/payments/charges.ts';
import { catchUpEvents } from '../../../services/payments/event-catch-up.ts';
import { eventsWaitSince } from '../../../services/payments/stripe-inbox.ts';
import { control, noMoreFaults } from '../../fake-stripe/stripe-client.ts';
import { until } from '../../support/until.ts';
import { billed, paymentsOf, takenFor } from './billed-customer.ts';
import { openTill } from './till.ts';

const till = await openTill();

async function mark(): Promise<number | null> {
  const { rows } = await till.admin.query<{ at: Date }>('select read_until as at from stripe_event_listing');
  return rows[0]?.at.getTime() ?? null;
}

test('a payment of which no webhook told is credited', async () => {
  const orgId = await till.newOrganization();
  await till.pay(orgId, 'pack_100');
  const inbox = till.newInbox();

  await catchUpEvents(till.db, till.stripe, inbox);
  await inbox.processDue();

  expect(await till.grantsOf(orgId)).toMatchObject([
    { source: 'bonus', amount: '15000000000' },
    { source: 'pack', amount: '100000000000' },
  ]);
  expect(await till.differences()).toEqual([]);
});

test('an event that cannot be followed now is due again later, and is not lost', async () => {
  const orgId = await till.newOrganization();
  await till.pay(orgId, 'pack_10');
  const inbox = till.newInbox();
  await catchUpEvents(till.db, till.stripe, inbox);
  await control(till.stripeUrl, 'fault', { answer: 'GET /v1/payment_intents/*', fault: 'drop_before', count: 1_000 });

  await inbox.processDue();
  const waiting = await till.admin.query('select tries, error from stripe_events where processed_at is null');
  await noMoreFaults(till.stripeUrl);
  await till.admin.query('update stripe_events set due_at = now() where processed_at is null');
  await inbox.processDue();

  expect(waiting.rows.length).toBeGreaterThan(0);
  expect(waiting.rows[0]).toEqual({ tries: 1, error: expect.stringContaining('Stripe') });
  expect(await till.grantsOf(orgId)).toHaveLength(1);
});

test('events of payments that are on the books by now are done with, all of them, while Stripe does not answer', async () => {
  const paid = [
    await till.pay(await till.newOrganization(), 'pack_10'),
    await till.pay(await till.newOrganization(), 'pack_50'),
  ];
  for (const { paymentIntent } of paid) await till.record(paymentIntent);
  const inbox = till.newInbox();
  await catchUpEvents(till.db, till.stripe, inbox);
  await control(till.stripeUrl, 'fault', { answer: 'GET /v1/payment_intents/*', fault: 'drop_before', count: 1_000 });

  await inbox.processDue();

  await noMoreFaults(till.stripeUrl);
  const { rows } = await till.admin.query(
    `select count(*) filter (where processed_at is not null)::int as done, count(*)::int as all from stripe_events
      where payload #>> '{data,object,id}' = any($1)`,
    [paid.map(({ paymentIntent }) => paymentIntent)],
  );
  expect(rows).toEqual([{ done: expect.any(Number), all: rows[0].done }]);
  expect(rows[0].done).toBeGreaterThanOrEqual(2);
});

/** Billing asks for the money of an invoice; Stripe takes it, and its answer is on the way for so long. */
async function takenWhileAskingFor(ms: number): Promise<{ asking: Promise<unknown>; intent: string }> {
  const { invoiceId } = await billed(till);
  await control(till.stripeUrl, 'fault', { answer: 'POST /v1/payment_intents/*/confirm', fault: 'delay_after', ms });
  const asking = askForCharge(till, invoiceId, 1);
  await until(async () => (await takenFor(till, invoiceId)).captured.includes(1_900));
  const [payment] = await paymentsOf(till, invoiceId);
  return { asking, intent: payment?.intent ?? '' };
}

/** Who has put this payment on the books. */
async function recorderOf(intent: string): Promise<string | undefined> {
  const { rows } = await till.admin.query<{ actor: string }>(
    "select actor from ledger_transactions where idempotency_key = 'payment:' || $1",
    [intent],
  );
  return rows[0]?.actor;
}

test('an event of a payment that billing is asking for waits for its answer, and then changes nothing', async () => {
  const { asking, intent } = await takenWhileAskingFor(600_000);
  const inbox = till.newInbox();
  await catchUpEvents(till.db, till.stripe, inbox);

  await inbox.processDue();
  const recordedMeanwhile = await recorderOf(intent);
  const waitsSince = await eventsWaitSince(till.db);
  await noMoreFaults(till.stripeUrl);
  await asking;
  await until(async () => {
    await inbox.processDue();
    return (await waitingEvents()) === 0;
  });

  expect(recordedMeanwhile).toBeUndefined();
  expect([waitsSince, await eventsWaitSince(till.db)]).toEqual([expect.any(Date), null]);
  expect(await recorderOf(intent)).toBe('charges');
  expect(await till.differences()).toEqual([]);
});

test('an answer that does not come is not waited for: the event puts the money on the books', async () => {
  const { asking, intent } = await takenWhileAskingFor(600_000);
  const inbox = till.newInbox();
  await catchUpEvents(till.db, till.stripe, inbox);

  await until(async () => {
    await inbox.processDue();
    return (await recorderOf(intent)) !== undefined;
  });
  await noMoreFaults(till.stripeUrl);
  await asking;

  expect(await recorderOf(intent)).toMatch(/^stripe:evt_/);
  expect(await till.differences()).toEqual([]);
});

async function waitingEvents(): Promise<number> {
  const { rows } = await till.admin.query<{ count: number }>(
    'select count(*)::int as count from stripe_events where processed_at is null',
  );
  return rows[0]?.count ?? Number.NaN;
}

test('the mark moves only when every page was read, and then all events are there', async () => {
  const before = await mark();
  // More than one page of 100, two events for each.
  for (let payments = 0; payments < 51; payments += 1) {
    await till.sdk.paymentIntents.create({
      amount: 1_000,
      currency: 'usd',
      payment_method: 'pm_card_visa',
      allowed_payment_method_types: ['card'],
      confirm: true,
    });
    const session = await till.sdk.checkout.sessions.create({
      mode: 'payment',
      success_url: 'http://127.0.0.1',
      line_items: [{ quantity: 1, price_data: { currency: 'usd', unit_amount: 100, product_data: { name: 'x' } } }],
    });
    await till.sdk.checkout.sessions.expire(session.id);
  }
  const inbox = till.newInbox();
  // The first page comes whole, the second does not.
  await control(till.stripeUrl, 'fault', { answer: 'GET /v1/events', fault: 'delay_before', ms: 0 });
  await control(till.stripeUrl, 'fault', { answer: 'GET /v1/events', fault: 'truncate' });

  const broken = await catchUpEvents(till.db, till.stripe, inbox).catch((error: unknown) => error);
  const afterBroken = await mark();
  await catchUpEvents(till.db, till.stripe, inbox);

  expect(broken).toMatchObject({ code: 'payment_provider_unavailable' });
  expect(afterBroken).toBe(before);
  expect(await mark()).not.toBe(before);
  const { rows } = await till.admin.query<{ count: string }>('select count(*) from stripe_events');
  expect(rows).toEqual([{ count: String((await till.events()).length) }]);
});
