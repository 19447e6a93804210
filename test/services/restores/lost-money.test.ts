// What Stripe took in days that a database has forgotten, one case each: whatever it was for, it is in the books once, or a person is told what to
// do. Nothing is restored here: the payments are made at Stripe alone, as a lost database would have made them.
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { DAY_MS, HOUR_MS } from '../../../domain/moments.ts';
import { type PlanName, termsOf } from '../../../domain/plans.ts';
import { renewalOrder } from '../../../domain/subscription.ts';
import { expireGrants } from '../../../services/grants/grants.ts';
import { outboxStanding } from '../../../services/notifications/outbox.ts';
import { listCards } from '../../../services/payments/cards.ts';
import { askForCharge } from '../../../services/payments/charges.ts';
import { StripeApi } from '../../../services/payments/stripe-api.ts';
import { planOnSale } from '../../../services/plans/plan-versions.ts';
import { newId } from '../../../services/platform/ids.ts';
import { standingHold } from '../../../services/restores/billing-holds.ts';
import { reconcileRestored } from '../../../services/restores/reconcile.ts';
import { invoiceIdOf } from '../../../services/subscriptions/invoices-of-plans.ts';
import { liveSubscriptionOf, type SubscriptionRow } from '../../../services/subscriptions/subscription-rows.ts';
import { Subscriptions } from '../../../services/subscriptions/subscriptions.ts';
import { control, submit } from '../../fake-stripe/stripe-client.ts';
import { oneRow } from '../../support/bare-gateway.ts';
import { startStripeProcess } from '../../support/stripe-process.ts';
import { billed } from '../payments/billed-customer.ts';
import { openTill } from '../payments/till.ts';
import { taxedByStripe } from '../taxes/taxed-by-stripe.ts';

const till = await openTill();
const { admin, db, sdk } = till;
const begunAtMs = Math.floor(Date.now() / 1_000) * 1_000;
const subscribers: string[] = [];
const nextSubscriber = () => subscribers.pop() ?? '';
let elsewhere: Awaited<ReturnType<typeof startStripeProcess>>;

beforeAll(async () => {
  elsewhere = await startStripeProcess();
  for (let n = 0; n < 4; n += 1) {
    const { orgId, invoiceId } = await billed(till, `pm_card_visa~${n}`);
    await askForCharge(till, invoiceId, 1);
    subscribers.push(orgId);
  }
  await admin.query(`update notifications set recipient = 'ada@example.com'`);
});
afterAll(() => elsewhere.close());
beforeEach(async () => {
  if ((await standingHold(db)) === null)
    await admin.query(`select raise_billing_hold('a test has restored it', clock_timestamp() - interval '1 minute')`);
});

/** Both clocks. */
async function reach(days: number): Promise<void> {
  const at = new Date(begunAtMs + days * DAY_MS);
  await admin.query('select advance_billing_clock($1)', [at]);
  await control(till.stripeUrl, 'clock', { advance_to: at.toISOString() });
}

/** As the owner of the database, as the command does: what is undecided. */
async function reconciled(stripe: StripeApi | null = till.stripe): Promise<readonly string[]> {
  const payments = stripe === null ? null : { stripe, inbox: till.newInbox() };
  const place = { db: admin, payments, say: () => {}, terminateWorkflows: async () => 0 };
  return (await reconcileRestored(place)).undecided;
}

const apiOf = (apiBase: string) =>
  new StripeApi({ apiBase, secretKey: 'sk_test_restored', webhookSecret: 'whsec_restored' }, async () => {});

async function paidAtStripe(amount: number, metadata: Readonly<Record<string, string>>): Promise<string> {
  const paying = { payment_method: 'pm_card_visa', confirm: true, allowed_payment_method_types: ['card' as const] };
  return (await sdk.paymentIntents.create({ amount, currency: 'usd', metadata, ...paying })).id;
}

const packOf = (orgId: string) => ({
  ...{ payment_id: newId(), org_id: orgId, purpose: 'pack', pack: 'pack_10' },
  ...{ tax_cents: '0', credit_nano: '10000000000', bonus_nano: '0' },
});

/** Of so many months after the first one. */
async function renewalOf(orgId: string, month: number, plan: PlanName = 'pro', taxCents = 0) {
  const { id, state } = await live(orgId);
  const terms = termsOf(await planOnSale(db, plan, Date.now()), 1);
  const period = { ...state.period, firstMonth: month };
  const { invoice } = renewalOrder(terms, period);
  return {
    ...{ payment_id: newId(), org_id: orgId, purpose: 'invoice', invoice_kind: 'plan', invoice_name: invoice },
    ...{ invoice_id: invoiceIdOf(id, invoice), subscription_id: id, bought: JSON.stringify({ terms, period }) },
    ...{ tax_cents: String(taxCents), credit_nano: '0', bonus_nano: '0' },
  };
}

async function live(orgId: string): Promise<SubscriptionRow> {
  const row = await liveSubscriptionOf(db, orgId);
  if (row === null) throw new Error(`organization ${orgId} has no subscription`);
  return row;
}

const stateOf = async (orgId: string) => (await live(orgId)).state;

async function noted(subject: string): Promise<string[]> {
  const { rows } = await admin.query<{ what: string }>('select what from restore_findings where subject = $1', [
    subject,
  ]);
  return rows.map(({ what }) => what);
}

test('mails of before the hold are given up, and that alarms nobody', async () => {
  const mails = await oneRow(
    admin,
    'select count(*)::int as queued, count(gave_up_at)::int as "givenUp" from notifications',
  );

  expect(mails).toEqual({ queued: 4, givenUp: 4 });
  expect(await outboxStanding(db)).toMatchObject({ waiting: 0, givenUp: 0 });
});

test('what an event tells of is in the books though its row was forgotten', async () => {
  const pack = packOf(await till.newOrganization());
  const intent = await paidAtStripe(1_000, pack);
  const inbox = till.newInbox();
  for (const event of await till.events()) await inbox.store(event);

  await inbox.processDue();

  expect(await oneRow(admin, 'select state from payments where id = $1', [pack.payment_id])).toEqual({ state: 'paid' });
  expect(await noted(intent)).toEqual(['payment_adopted']);
});

test('who pays on a forgotten page between two lists has his credit and his card, and the page is gone', async () => {
  const [orgId, stripe] = [await till.newOrganization(), apiOf(till.stripeUrl)];
  const [pack, customer] = [packOf(orgId), await stripe.createCustomer(orgId)];
  const { url } = await stripe.createCheckout({
    ...{ paymentId: pack.payment_id, orgId, customer, note: pack, amountCents: 1_000, taxCents: 0, currency: 'usd' },
    ...{ title: 'Pack', returnUrl: 'http://127.0.0.1', keepsCard: true, expiresAt: new Date(begunAtMs + 2 * HOUR_MS) },
  });
  paysAfterFirstList(stripe, () => submit(url, { payment_method: 'pm_card_visa' }));

  expect(await reconciled(stripe)).toEqual([]);
  expect(await oneRow(admin, 'select state from payments where id = $1', [pack.payment_id])).toEqual({ state: 'paid' });
  expect(await listCards(db, orgId, null, 10)).toMatchObject([{ brand: 'visa', isDefault: true }]);
});

/** Whichever is asked for first. */
function paysAfterFirstList({ history }: StripeApi, pay: () => Promise<unknown>): void {
  const [pages, intents] = [history.pagesSince.bind(history), history.intentsSince.bind(history)];
  let paid: Promise<unknown> | null = null;
  const thenPaid = async <T>(listed: T): Promise<T> => {
    paid ??= pay();
    await paid;
    return listed;
  };
  history.pagesSince = async (since) => thenPaid(await pages(since));
  history.intentsSince = async (since) => thenPaid(await intents(since));
}

test('the hold stands while Stripe cannot be asked, or is that of another account', async () => {
  const [without, another] = [await reconciled(null), await reconciled(apiOf(elsewhere.url))];

  expect(without).toEqual([expect.stringContaining('set STRIPE_SECRET_KEY')]);
  expect(another).toEqual([expect.stringMatching(/^pi_\w+ is in the database and unknown at Stripe/)]);
});

test('a payment of which Stripe says nothing else holds billing until it is entered by hand', async () => {
  const pack = packOf(await till.newOrganization());
  const intent = await paidAtStripe(1_000, { payment_id: pack.payment_id });

  const undecided = await reconciled();
  await admin.query('select adopt_payment($1, null, 1000, $2)', [JSON.stringify(pack), 'ada']);

  expect(undecided).toEqual([
    expect.stringMatching(`^${intent}: 1000 cents were paid for a payment that is not there`),
  ]);
  expect(await reconciled()).toEqual([]);
  expect(await noted(intent)).toEqual(expect.arrayContaining(['capture_without_place', 'payment_adopted']));
});

test('one that cannot be written down holds up no other, and is done with when it is given back', async () => {
  const [broken, pack] = [packOf(await till.newOrganization()), packOf(await till.newOrganization())];
  const intent = await paidAtStripe(1_000, { ...broken, tax_cents: '2000' });
  await paidAtStripe(1_000, pack);

  const undecided = await reconciled();
  await sdk.refunds.create({ payment_intent: intent });

  expect(undecided).toEqual([expect.stringMatching(`^${intent} could not be seen to: `)]);
  expect(await oneRow(admin, 'select state from payments where id = $1', [pack.payment_id])).toEqual({ state: 'paid' });
  expect(await reconciled()).toEqual([]);
});

test('a renewal that was paid to another plan takes the place of the one that the clock has ordered since', async () => {
  await reach(32);
  const orgId = nextSubscriber();
  await new Subscriptions(db).tick((await live(orgId)).id);
  await paidAtStripe(9_900, await renewalOf(orgId, 1, 'team'));

  const undecided = await reconciled();

  expect(undecided).toEqual([]);
  expect(await stateOf(orgId)).toMatchObject({
    ...{ phase: { kind: 'active' }, terms: { planVersionId: 'team-1' }, period: { firstMonth: 1 } },
  });
});

test('what would go back waits for a person, who makes it go back at Stripe', async () => {
  const orgId = nextSubscriber();
  await paidAtStripe(1_900, await renewalOf(orgId, 1));
  const second = await paidAtStripe(1_900, await renewalOf(orgId, 1));

  const undecided = await reconciled();
  await sdk.refunds.create({ payment_intent: second });

  expect(undecided).toEqual([expect.stringMatching(`^${second}: 1900 cents would go back by refund `)]);
  expect(await reconciled()).toEqual([]);
  expect(
    await oneRow(
      admin,
      `select count(*)::int as refunds, min(r.state) as state from refunds r join payments p on p.id = r.payment_id where p.org_id = $1`,
      [orgId],
    ),
  ).toEqual({ refunds: 1, state: 'succeeded' });
});

test('a renewal is recorded with the tax that Stripe had said, and no second receipt is mailed', async () => {
  await taxedByStripe(till);
  const orgId = nextSubscriber();
  await paidAtStripe(2_261, await renewalOf(orgId, 1, 'pro', 361));

  const undecided = await reconciled();

  expect(undecided).toEqual([]);
  expect(await stateOf(orgId)).toMatchObject({ phase: { kind: 'active' }, period: { firstMonth: 1 } });
  expect(await oneRow(admin, `select count(*)::int as receipts from notifications where org_id = $1`, [orgId])).toEqual(
    { receipts: 1 },
  );
});

test('of two renewals that were paid the one of a period that is over waits for a person, and the later one is kept', async () => {
  await reach(65);
  const orgId = nextSubscriber();
  const over = await paidAtStripe(1_900, await renewalOf(orgId, 1));
  await paidAtStripe(1_900, await renewalOf(orgId, 2));

  const undecided = await reconciled();
  await sdk.refunds.create({ payment_intent: over });

  expect(undecided).toEqual([expect.stringMatching(`^${over}: 1900 cents .* period that is over`)]);
  expect(await stateOf(orgId)).toMatchObject({ phase: { kind: 'active' }, period: { firstMonth: 2 }, toRefund: [] });
  expect(await reconciled()).toEqual([]);
  await expireGrants(db);
  expect(await till.differences()).toEqual([]);
});
