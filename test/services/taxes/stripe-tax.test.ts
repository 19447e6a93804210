// Tax that Stripe says: whatever is sold is charged with it and never without, it is frozen with the order, and Stripe being away or
// an address that it does not take is nobody's decline (D79).
import { once } from 'node:events';
import { afterEach, beforeAll, expect, test } from '@jest/globals';
import { lastingFaults } from '../../../services/payments/charge-faults.ts';
import { askForCharge } from '../../../services/payments/charges.ts';
import { openCheckout } from '../../../services/payments/checkouts.ts';
import { packPurchase, planPurchase } from '../../../services/payments/purchases.ts';
import { inTransaction } from '../../../services/platform/postgres.ts';
import { quoteTax, settleTax } from '../../../services/taxes/stripe-tax.ts';
import { setTaxRegime } from '../../../services/taxes/taxes.ts';
import { control, faultOnAllTries, noMoreFaults, submit } from '../../fake-stripe/stripe-client.ts';
import { until } from '../../support/until.ts';
import { newInvoice, passBillingMinutes, takenFor, triesOf } from '../payments/billed-customer.ts';
import { startCharging } from '../payments/charging-process/start.ts';
import { openTill } from '../payments/till.ts';
import { billedIn, CALCULATE, livesIn, soldTo, taxedByStripe, taxesAtStripe, taxOwed } from './taxed-by-stripe.ts';

const till = await openTill();
const stripe = () => till.stripe;

beforeAll(() => taxedByStripe(till));
afterEach(async () => {
  await noMoreFaults(till.stripeUrl);
  expect(await till.differences()).toEqual([]);
});

async function payOn(url: string): Promise<void> {
  await submit(url, { payment_method: 'pm_card_visa' });
  const session = await till.sdk.checkout.sessions.retrieve(url.slice(url.lastIndexOf('/') + 1));
  await till.record(String(session.payment_intent));
}

test.each([
  ['DE', {}, 361],
  ['FR', {}, 380],
  ['US', { postalCode: '10001' }, 169],
  ['AT', { taxId: 'ATU 12345678' }, 0],
  ['BR', {}, 0],
])(
  'an invoice of a plan is charged with what Stripe says of %s %j, which is owed and never credit',
  async (country, more, tax) => {
    const { orgId, invoiceId } = await billedIn(till, null);
    await livesIn(till, orgId, country, more);

    const outcome = await askForCharge(till, invoiceId, 1);

    expect(outcome).toEqual({ kind: 'paid' });
    expect((await takenFor(till, invoiceId)).captured).toEqual([1_900 + tax]);
    expect(await taxOwed(till, orgId)).toBe(tax);
    expect((await till.grantsOf(orgId)).map(({ amount }) => amount)).toEqual(['25000000000']);
  },
);

test('a pack and the first period of a plan ask on their pages for net and tax, each as a line, and bring what was bought', async () => {
  const orgId = await till.newOrganization();
  await livesIn(till, orgId, 'DE');

  const pack = await openCheckout(till, packPurchase(orgId, 'pack_50', 'test'));
  const again = await openCheckout(till, packPurchase(orgId, 'pack_50', 'test'));
  const plan = await openCheckout(till, planPurchase(orgId, 'pro', 1, 'test'));
  for (const { url } of [pack, plan]) await payOn(url);

  expect(again.url).toBe(pack.url);
  expect(await soldTo(till, orgId)).toEqual(['pack 5000+950 paid', 'invoice 1900+361 paid']);
  expect(await taxOwed(till, orgId)).toBe(1_311);
  expect((await till.grantsOf(orgId)).map(({ source, amount }) => [source, amount])).toEqual([
    ['bonus', '5000000000'],
    ['included', '25000000000'],
    ['pack', '50000000000'],
  ]);
});

test.each([
  ['no address', null, 'address'],
  ['an address in the USA without a postal code', 'US', 'address.postalCode'],
])(
  'whoever buys with %s is told what to mend, and after that has the page that he asked for',
  async (_, country, param) => {
    const orgId = await till.newOrganization();
    if (country !== null) await livesIn(till, orgId, country);
    const buy = () => openCheckout(till, packPurchase(orgId, 'pack_10', 'test'));

    const refusal = await buy().catch((error: unknown) => error);
    const quote = await quoteTax(till.db, stripe, orgId, 1_000).catch((error: unknown) => error);
    const before = await soldTo(till, orgId);
    await livesIn(till, orgId, 'US', { postalCode: '10001' });
    const { url } = await buy();
    await payOn(url);

    expect([refusal, quote]).toMatchObject(Array(2).fill({ code: 'tax_address_invalid', details: { param } }));
    expect(before).toEqual(['pack 1000+0 open']);
    expect(await soldTo(till, orgId)).toEqual(['pack 1000+89 paid']);
  },
);

test('where Stripe takes no address a charge is in doubt and never declined, a person is told, and mended it is paid at once', async () => {
  const { orgId, invoiceId } = await billedIn(till, 'US');

  const outcomes = [await askForCharge(till, invoiceId, 1), await askForCharge(till, invoiceId, 1)];
  const atFirst = await lastingFaults(till.db, { invoiceId });
  await passBillingMinutes(till, 61);
  const later = await lastingFaults(till.db, { invoiceId });
  await livesIn(till, orgId, 'US', { postalCode: '10001' });
  outcomes.push(await askForCharge(till, invoiceId, 1));

  expect(outcomes.map(({ kind }) => kind)).toEqual(['unknown', 'unknown', 'paid']);
  expect(atFirst).toBeNull();
  expect(later).toContain('address.postalCode');
  expect(await triesOf(till, invoiceId)).toEqual(['1.1 paid']);
  expect(await lastingFaults(till.db, { invoiceId })).toBeNull();
});

test.each(['drop_before', 'drop_after', 'fail_before', 'fail_after', 'truncate', 'too_many_requests'])(
  'a calculation that meets %s leaves the charge in doubt and takes nothing; asked again it is paid once, with its tax',
  async (fault) => {
    const { orgId, invoiceId } = await billedIn(till, 'DE');
    await faultOnAllTries(till.stripeUrl, CALCULATE, fault);

    const first = await askForCharge(till, invoiceId, 1);
    const before = await takenFor(till, invoiceId);
    await noMoreFaults(till.stripeUrl);
    const second = await askForCharge(till, invoiceId, 1);

    expect([first.kind, second.kind]).toEqual(['unknown', 'paid']);
    expect(before).toEqual({ asked: 0, captured: [] });
    expect((await takenFor(till, invoiceId)).captured).toEqual([2_261]);
    expect(await taxOwed(till, orgId)).toBe(361);
  },
);

test('killed when Stripe has said the tax and nobody has heard it, the next asks again, and it is charged once', async () => {
  const { orgId, invoiceId } = await billedIn(till, 'DE');
  const { calculations } = await taxesAtStripe(till.stripeUrl);
  await control(till.stripeUrl, 'fault', { answer: CALCULATE, fault: 'delay_after', ms: 600_000, count: 1 });
  const child = startCharging(till, invoiceId);
  await until(async () => (await taxesAtStripe(till.stripeUrl)).calculations > calculations);
  child.kill('SIGKILL');
  await once(child, 'exit');
  await noMoreFaults(till.stripeUrl);

  const before = await soldTo(till, orgId);
  await askForCharge(till, invoiceId, 1);

  expect(before).toEqual([]);
  expect((await takenFor(till, invoiceId)).captured).toEqual([2_261]);
  expect(await soldTo(till, orgId)).toEqual(['invoice 1900+361 paid']);
});

test('a page that cannot be opened while Stripe is away is opened by the next click, for the same payment and once', async () => {
  const orgId = await till.newOrganization();
  await livesIn(till, orgId, 'DE');
  await faultOnAllTries(till.stripeUrl, CALCULATE, 'drop_before');

  const away = await openCheckout(till, packPurchase(orgId, 'pack_10', 'test')).catch((error: unknown) => error);
  await noMoreFaults(till.stripeUrl);
  await openCheckout(till, packPurchase(orgId, 'pack_10', 'test'));

  expect(away).toMatchObject({ code: 'payment_provider_unavailable' });
  expect(await soldTo(till, orgId)).toEqual(['pack 1000+190 open']);
});

test('an address that changes while Stripe reckons is asked about again, and the tax is that of the new one', async () => {
  const { orgId, invoiceId } = await billedIn(till, 'DE');
  const { calculations } = await taxesAtStripe(till.stripeUrl);
  await control(till.stripeUrl, 'fault', { answer: CALCULATE, fault: 'delay_after', ms: 600_000, count: 1 });

  const charged = askForCharge(till, invoiceId, 1);
  await until(async () => (await taxesAtStripe(till.stripeUrl)).calculations > calculations);
  await livesIn(till, orgId, 'FR');
  await noMoreFaults(till.stripeUrl);

  expect(await charged).toEqual({ kind: 'paid' });
  expect((await takenFor(till, invoiceId)).captured).toEqual([2_280]);
  expect((await taxesAtStripe(till.stripeUrl)).calculations).toBe(calculations + 2);
});

test('many who ask for the same money at once freeze one tax, and what is frozen no change of address moves', async () => {
  const { orgId, invoiceId } = await billedIn(till, 'DE');

  await Promise.all([1, 2, 3, 4].map(() => settleTax(till, invoiceId)));
  await livesIn(till, orgId, 'FR');
  await Promise.all([1, 2, 3].map(() => askForCharge(till, invoiceId, 1)));

  expect((await takenFor(till, invoiceId)).captured).toEqual([2_261]);
  expect(await soldTo(till, orgId)).toEqual(['invoice 1900+361 paid']);
});

test('what was ordered keeps its regime: what Stripe was to say it still says, what we reckoned stays, and who is exempt pays none', async () => {
  const stripes = await billedIn(till, 'DE');
  const exempt = await billedIn(till, 'DE');
  await livesIn(till, exempt.orgId, 'DE', { taxId: 'DE 123456789', taxExempt: true });
  const neverTaxed = await billedIn(till, null);
  await livesIn(till, neverTaxed.orgId, null, { taxId: 'DE 123456789', taxExempt: true });
  const untaxed = await newInvoice(till, neverTaxed.orgId);
  await inTransaction(till.db, (tx) => setTaxRegime(tx, { kind: 'fixed_rate', ratePpm: 100_000 }, 'test'));
  const ours = await billedIn(till, null);
  await taxedByStripe(till);

  const outcomes = [];
  for (const id of [stripes.invoiceId, exempt.invoiceId, untaxed, ours.invoiceId]) {
    outcomes.push((await askForCharge(till, id, 1)).kind);
  }

  expect(outcomes).toEqual(['paid', 'paid', 'paid', 'paid']);
  expect(await soldTo(till, stripes.orgId)).toEqual(['invoice 1900+361 paid']);
  for (const { orgId } of [exempt, neverTaxed]) expect(await soldTo(till, orgId)).toEqual(['invoice 1900+0 paid']);
  expect(await soldTo(till, ours.orgId)).toEqual(['invoice 1900+190 paid']);
});

test('PostgreSQL lets nobody ask for, or be paid, what is not taxed yet, nor change a tax that is', async () => {
  const { orgId, invoiceId } = await billedIn(till, 'DE');
  await faultOnAllTries(till.stripeUrl, CALCULATE, 'drop_before');
  await openCheckout(till, packPurchase(orgId, 'pack_10', 'test')).catch(() => {});
  await noMoreFaults(till.stripeUrl);
  const change = (what: string) => till.admin.query(what, [orgId]).catch((error: Error) => error.message);

  const refused = [
    await change(`update payments set stripe_payment_intent = 'pi_1' where org_id = $1`),
    await change(`update invoices set state = 'paid', closed_at = now() where org_id = $1`),
    await change('update invoices set tax_cents = 1, amount_cents = amount_cents + 1 where org_id = $1'),
  ];
  await settleTax(till, invoiceId);
  refused.push(await change('update invoices set tax_cents = 1, amount_cents = 1901 where org_id = $1'));

  expect(refused).toEqual([
    expect.stringContaining('violates check constraint'),
    expect.stringContaining('violates check constraint'),
    expect.stringContaining('never changes'),
    expect.stringContaining('never changes'),
  ]);
});
