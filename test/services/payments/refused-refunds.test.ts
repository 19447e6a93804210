// What was paid for a void invoice and Stripe will not give back: it is seen at once, asked for again by a person's word alone, and over
// whichever way it goes back.
import { afterEach, expect, test } from '@jest/globals';
import { answerCardAsk } from '../../../services/payments/card-asks.ts';
import { newInvoicePayment } from '../../../services/payments/charge-standing.ts';
import { openCheckout } from '../../../services/payments/checkouts.ts';
import { planPurchase } from '../../../services/payments/purchases.ts';
import { newId } from '../../../services/platform/ids.ts';
import { inTransaction } from '../../../services/platform/postgres.ts';
import { pokeStranded } from '../../../services/processes/stranded.ts';
import { orderInvoice } from '../../../services/subscriptions/invoices-of-plans.ts';
import { Subscriptions } from '../../../services/subscriptions/subscriptions.ts';
import { waitingSubscriptions } from '../../../services/subscriptions/waiting-subscriptions.ts';
import { ledgerOf, noMoreFaults, submit, withCard } from '../../fake-stripe/stripe-client.ts';
import { openTill } from './till.ts';

const till = await openTill();
const subscriptions = new Subscriptions(till.db);

afterEach(() => noMoreFaults(till.stripeUrl));

interface Void {
  readonly subscriptionId: string;
  readonly invoiceId: string;
  readonly intent: string;
}

/** A subscriber, and an invoice of his that was void when its money came. */
async function paidForNothing(): Promise<Void> {
  const orgId = await till.newOrganization();
  const { url } = await openCheckout(till, planPurchase(orgId, 'pro', 1, 'test'));
  await submit(url, { payment_method: 'pm_card_visa' });
  const session = await till.sdk.checkout.sessions.retrieve(url.slice(url.lastIndexOf('/') + 1));
  await till.record(String(session.payment_intent));
  const { rows } = await till.admin.query<{ id: string; terms: never }>(
    `update subscriptions set state = jsonb_set(state, '{voided}', '["purchase:late"]') where org_id = $1
     returning id, state -> 'terms' as terms`,
    [orgId],
  );
  const [{ id: subscriptionId, terms }] = rows as [{ id: string; terms: never }];
  const order = { invoice: 'purchase:late', terms, period: null, amountCents: 1_900 };
  const [invoiceId, paymentId] = await inTransaction(till.db, async (tx) => {
    const invoice = await orderInvoice(tx, { orgId, subscriptionId, order });
    return [invoice, await newInvoicePayment(tx, invoice, { orgId, amountCents: 1_900 }, 'test')];
  });
  await till.admin.query(`update invoices set state = 'void', closed_at = billing_now() where id = $1`, [invoiceId]);
  const { id: intent } = await till.sdk.paymentIntents.create({
    ...{
      amount: 1_900,
      currency: 'usd',
      ...(await withCard(till.sdk, 'pm_card_visa')),
      confirm: true,
      off_session: true,
    },
    ...{ allowed_payment_method_types: ['card'], metadata: { payment_id: paymentId } },
  });
  await till.record(intent);
  return { subscriptionId, invoiceId, intent };
}

/** As the workflow does: once, all that the row asks. */
async function look({ subscriptionId }: Void) {
  for (const ask of (await subscriptions.tick(subscriptionId)).asks) await answerCardAsk(till, ask);
  const { attention, asks } = await subscriptions.tick(subscriptionId);
  return { attention, asks: asks.map(({ kind }) => kind) };
}

async function inInbox({ subscriptionId }: Void) {
  return (await waitingSubscriptions(till.db)).filter((one) => one.subscriptionId === subscriptionId);
}

async function retry({ subscriptionId }: Void): Promise<string> {
  const told = { actor: 'ada', reason: 'looked at it', requestId: newId() };
  return (await subscriptions.command(subscriptionId, { command: 'retryRefund', ...told })).kind;
}

/** Somebody gives so much back at Stripe, and we do not hear of it yet. */
async function givenBackThere({ intent }: Void, amount: number): Promise<void> {
  await till.sdk.refunds.create({ payment_intent: intent, amount });
}

async function hearAll(): Promise<void> {
  const inbox = till.newInbox();
  for (const event of await till.events()) await inbox.store(event);
  await inbox.processDue();
}

const NEEDS_PERSON = { attention: expect.stringContaining('would not give back'), asks: [] };
const AT_REST = { attention: null, asks: [] };

test('a refund that Stripe refuses needs a person at once, is not asked again unasked, and goes on by one command', async () => {
  const late = await paidForNothing();
  await givenBackThere(late, 500);

  const refused = await look(late);
  const again = await look(late);
  await hearAll();
  const waiting = await inInbox(late);
  const told = await retry(late);
  const goneOn = await look(late);

  expect([refused, again]).toEqual([NEEDS_PERSON, NEEDS_PERSON]);
  expect([waiting, await inInbox(late)]).toMatchObject([[{ what: 'refund_refused', amountCents: 1_400 }], []]);
  expect([told, goneOn]).toEqual(['done', AT_REST]);
  expect((await ledgerOf(till.stripeUrl))[late.intent]).toMatchObject({ captured: 1_900, refunded: 1_900 });
  expect(await till.differences()).toEqual([]);
  expect(await retry(late)).toBe('refused');
});

test('what somebody gives back at Stripe meanwhile ends it without a command', async () => {
  const late = await paidForNothing();
  await givenBackThere(late, 1_900);

  const refused = await look(late);
  await hearAll();

  expect([refused, await look(late)]).toEqual([NEEDS_PERSON, AT_REST]);
  expect(await till.differences()).toEqual([]);
});

test('what is given back at Stripe and heard of while ours is under way comes out of the same money, and not out of ours', async () => {
  const late = await paidForNothing();
  await givenBackThere(late, 500);
  await hearAll();

  const refused = await look(late);
  const told = await retry(late);
  const goneOn = await look(late);

  expect([refused, told, goneOn]).toEqual([NEEDS_PERSON, 'done', AT_REST]);
  expect(await entriesOf(late)).toEqual({});
  expect(await till.differences()).toEqual([]);
});

test('what Stripe would not give back is owed, and no period is paid out of it', async () => {
  const late = await paidForNothing();
  await givenBackThere(late, 500);

  const refused = await look(late);

  expect(refused).toEqual(NEEDS_PERSON);
  expect(await entriesOf(late)).toEqual({ stripe_clearing: '19000000000', owed_back: '-19000000000' });
  await hearAll();
  await retry(late);
  await look(late);
  expect(await entriesOf(late)).toEqual({});
  expect(await till.differences()).toEqual([]);
});

test('when all has been given back at Stripe before ours is refused, nobody has to look at it', async () => {
  const late = await paidForNothing();
  await givenBackThere(late, 1_900);
  await hearAll();

  expect(await look(late)).toEqual(AT_REST);
  expect(await till.differences()).toEqual([]);
});

/** Of its payment and all that went back of it, by account, without what has come to nothing. */
async function entriesOf({ intent }: Void): Promise<Record<string, string>> {
  const { rows } = await till.admin.query<{ account: string; total: string }>(
    `select e.account, sum(e.amount_nano)::text as total from ledger_entries e
      where e.transaction_id in (
              select t from payments p left join refunds r on r.payment_id = p.id, unnest(array[p.transaction_id, r.transaction_id, r.reversal_id]) t
               where p.stripe_payment_intent = $1)
      group by e.account having sum(e.amount_nano) <> 0`,
    [intent],
  );
  return Object.fromEntries(rows.map(({ account, total }) => [account, total]));
}

test('whose workflow is gone is brought back, to wait for the person', async () => {
  const late = await paidForNothing();
  await givenBackThere(late, 1_900);
  await look(late);
  await till.admin.query('delete from process_pokes');

  await pokeStranded(till.db);

  const { rows } = await till.admin.query('select workflow_id as id from process_pokes');
  expect(rows).toEqual([{ id: `subscription:${late.subscriptionId}` }]);
  await hearAll();
});
