// Usage is invoiced with the tax that Stripe says on exactly what is invoiced: gateways go on settling while it is asked, and an invoice
// whose tax is not known is no invoice.
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { dueSources } from '../../../services/billing-clock/due-sources.ts';
import { FakeStripeClock } from '../../../services/billing-clock/fake-stripe-clock.ts';
import { StripeApi } from '../../../services/payments/stripe-api.ts';
import { issueDueInvoices } from '../../../services/postpaid/usage-invoices.ts';
import { settleTax } from '../../../services/taxes/stripe-tax.ts';
import { reportTaxes } from '../../../services/taxes/tax-reports.ts';
import { control, faultOnAllTries, noMoreFaults } from '../../fake-stripe/stripe-client.ts';
import { startStripeProcess } from '../../support/stripe-process.ts';
import { until } from '../../support/until.ts';
import { enterprise, invoicesOf, linesOf, spend, spendable, transfer } from '../postpaid/enterprise.ts';
import { openPlanShop } from '../subscriptions/plan-shop.ts';
import { CALCULATE, livesIn, reportedOf, taxedByStripe, taxesAtStripe, taxOwed } from './taxed-by-stripe.ts';

const shop = await openPlanShop();
const fake = await startStripeProcess();
const stripe = new StripeApi(
  { apiBase: fake.url, secretKey: 'sk_test_usage', webhookSecret: 'whsec_usage' },
  async () => {},
);
const place = { db: shop.db, admin: shop.admin, stripeUrl: fake.url };
const invoiceDue = () => issueDueInvoices(shop.db, stripe);

beforeAll(() => taxedByStripe(shop));
afterEach(async () => {
  await noMoreFaults(fake.url);
  expect(await shop.differences()).toEqual([]);
});
afterAll(() => fake.close());

test('usage is invoiced with its tax, which counts against the line, is owed from then on, and is told once', async () => {
  const customer = await enterprise(shop, 100_000);
  await livesIn(place, customer.orgId, 'DE');
  await spend(shop, customer, '100.004999999');
  await shop.advanceTo('2027-02-01T00:00:00Z');

  const issued = await Promise.all([invoiceDue(), invoiceDue(), invoiceDue()]);
  await reportTaxes(shop.db, stripe);
  const [invoice] = await invoicesOf(shop, customer);
  const free = [await spendable(shop, customer)];
  await transfer(shop, invoice?.invoiceId ?? '', 11_900);
  await reportTaxes(shop.db, stripe);

  expect(issued.flat()).toEqual([invoice?.invoiceId]);
  expect(invoice).toMatchObject({ amountCents: 11_900, taxCents: 1_900, remainingCents: 11_900, month: '2027-01' });
  expect([...free, await spendable(shop, customer)]).toEqual(['881.000000000', '1000.000000000']);
  expect(await taxOwed(place, customer.orgId)).toBe(1_900);
  expect(await reportedOf(place, customer.orgId)).toEqual(['transaction 10000+1900']);
});

test('what is used while Stripe is asked, or for as long as it is away, is on the next invoice and on no line of this one', async () => {
  const customer = await enterprise(shop, 100_000);
  await livesIn(place, customer.orgId, 'FR');
  await spend(shop, customer, '20.00');
  await shop.advanceTo('2027-03-01T00:00:00Z');
  await faultOnAllTries(fake.url, CALCULATE, 'drop_before');

  const away = await invoiceDue().catch((error: unknown) => error);
  await spend(shop, customer, '7.00');
  await noMoreFaults(fake.url);
  await shop.advanceTo('2027-03-04T00:00:00Z');
  const before = await invoicesOf(shop, customer);
  await invoiceDue();
  await shop.advanceTo('2027-04-01T00:00:00Z');
  await invoiceDue();

  expect(away).toMatchObject({ code: 'payment_provider_unavailable' });
  expect(before).toEqual([]);
  const invoices = await invoicesOf(shop, customer);
  expect(invoices.map(({ month, amountCents, taxCents }) => [month, amountCents, taxCents]).toSorted()).toEqual([
    ['2027-02', 2_400, 400],
    ['2027-03', 840, 140],
  ]);
  expect(invoices.map(linesOf).toSorted()).toEqual([['std x1 20000000000'], ['std x1 7000000000']]);
});

test('an address that changes while Stripe reckons is asked about again, and the invoice is made out to the new one', async () => {
  const customer = await enterprise(shop, 100_000);
  await livesIn(place, customer.orgId, 'DE');
  await spend(shop, customer, '50.00');
  await shop.advanceTo('2027-05-01T00:00:00Z');
  const { calculations } = await taxesAtStripe(fake.url);
  await control(fake.url, 'fault', { answer: CALCULATE, fault: 'delay_after', ms: 600_000, count: 1 });

  const issued = invoiceDue();
  await until(async () => (await taxesAtStripe(fake.url)).calculations > calculations);
  await livesIn(place, customer.orgId, 'FR');
  await noMoreFaults(fake.url);
  await issued;

  const [invoice] = await invoicesOf(shop, customer);
  expect(invoice).toMatchObject({ amountCents: 6_000, taxCents: 1_000, billTo: { address: { country: 'FR' } } });
});

test('killed when the tax of a draft was known, the next makes the invoice of it, or asks again where the address has changed since', async () => {
  const [steady, moving] = [await enterprise(shop, 100_000), await enterprise(shop, 100_000)];
  for (const customer of [steady, moving]) {
    await livesIn(place, customer.orgId, 'DE');
    await spend(shop, customer, '30.00');
  }
  await shop.advanceTo('2027-06-01T00:00:00Z');
  await control(fake.url, 'fault', { answer: CALCULATE, fault: 'drop_before', count: 100 });
  await invoiceDue().catch(() => {});
  await noMoreFaults(fake.url);
  const drafts = await shop.admin.query<{ id: string }>('select invoice_id as id from usage_invoice_drafts');
  for (const { id } of drafts.rows) await settleTax({ db: shop.db, stripe }, id);
  await livesIn(place, moving.orgId, 'FR');

  await invoiceDue();

  expect(drafts.rowCount).toBe(2);
  expect(await invoicesOf(shop, steady)).toMatchObject([{ invoiceId: expect.any(String), taxCents: 570 }]);
  expect(drafts.rows.map(({ id }) => id)).toContain((await invoicesOf(shop, steady))[0]?.invoiceId);
  expect(await invoicesOf(shop, moving)).toMatchObject([{ taxCents: 600, billTo: { address: { country: 'FR' } } }]);
});

test('an address that Stripe does not take holds up nobody else, and mended its invoice is issued for what was used by then', async () => {
  const [nowhere, other] = [await enterprise(shop, 100_000), await enterprise(shop, 100_000)];
  await livesIn(place, other.orgId, 'DE');
  for (const customer of [nowhere, other]) await spend(shop, customer, '10.00');
  await shop.advanceTo('2027-07-01T00:00:00Z');

  const refusal = await invoiceDue().catch((error: unknown) => error);
  const held = await invoicesOf(shop, nowhere);
  await livesIn(place, nowhere.orgId, 'DE');
  await invoiceDue();

  expect(refusal).toMatchObject({ code: 'tax_address_invalid', details: { param: 'address' } });
  expect(held).toEqual([]);
  for (const customer of [nowhere, other]) {
    expect(await invoicesOf(shop, customer)).toMatchObject([{ amountCents: 1_190, taxCents: 190 }]);
  }
});

test('the clock of billing, moved ahead, has usage invoiced with the tax that Stripe says', async () => {
  const customer = await enterprise(shop, 100_000);
  await livesIn(place, customer.orgId, 'DE');
  await spend(shop, customer, '100.00');
  await shop.advanceTo('2027-09-01T00:00:00Z');
  const usage = dueSources(new FakeStripeClock(fake.url), stripe).find(({ name }) => name === 'usage');

  await usage?.poke?.(shop.db);

  expect(await invoicesOf(shop, customer)).toMatchObject([{ amountCents: 11_900, taxCents: 1_900 }]);
});
