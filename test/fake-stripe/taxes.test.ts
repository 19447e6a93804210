// Whether tax was reported exactly once is judged by what the fake keeps of it: that it refuses what Stripe refuses comes first.
import { expect, test } from '@jest/globals';
import type Stripe from 'stripe';
import { control, ownStripe, refusalOf } from './stripe-client.ts';

const fake = await ownStripe();
const { stripe } = fake;

type Details = Stripe.Tax.CalculationCreateParams.CustomerDetails;

function calculate(details: Details, amount = 1_900): Promise<Stripe.Tax.Calculation> {
  return stripe.tax.calculations.create({
    currency: 'usd',
    customer_details: { address_source: 'billing', ...details },
    line_items: [{ amount, reference: 'sale', tax_behavior: 'exclusive', tax_code: 'txcd_10103001' }],
  });
}

async function booked(reference: string): Promise<Stripe.Tax.Transaction> {
  const { id } = await calculate({ address: { country: 'DE' } });
  return stripe.tax.transactions.createFromCalculation({ calculation: id ?? '', reference });
}

async function reported(): Promise<Record<string, { type: string; net: number; tax: number }>> {
  return JSON.parse(await (await fetch(`${fake.url}/_test/taxes`)).text()).transactions;
}

test('tax is that of the country, and none for whoever is exempt, owes it himself, or lives where none is collected', async () => {
  const owed = await Promise.all([
    calculate({ address: { country: 'DE' } }),
    calculate({ address: { country: 'US', postal_code: '10001' } }),
    calculate({ address: { country: 'DE' }, taxability_override: 'customer_exempt' }),
    calculate({ address: { country: 'AT' }, tax_ids: [{ type: 'eu_vat', value: 'ATU12345678' }] }),
    calculate({ address: { country: 'BR' } }),
  ]);

  expect(owed.map(({ tax_amount_exclusive: tax }) => tax)).toEqual([361, 169, 0, 0, 0]);
  expect(owed.map(({ tax_breakdown: [one] }) => one?.taxability_reason)).toEqual([
    ...['standard_rated', 'standard_rated', 'customer_exempt', 'reverse_charge', 'not_collecting'],
  ]);
});

test('an address that is no place of tax is refused with the field that says so, and so is a tax code that there is not', async () => {
  const nowhere = await refusalOf(calculate({ address: { country: 'US' } }));
  const line = { amount: 1_900, reference: 'sale', tax_code: 'txcd_1' };
  const noCode = await refusalOf(
    stripe.tax.calculations.create({
      currency: 'usd',
      customer_details: { address: { country: 'DE' }, address_source: 'billing' },
      line_items: [line],
    }),
  );

  expect(nowhere).toMatchObject({ code: 'customer_tax_location_invalid', param: 'customer_details[address]' });
  expect(noCode).toMatchObject({ code: 'resource_missing', param: 'line_items[0][tax_code]' });
});

test('a reference is booked once under whatever key, and reversed to the cent and no further', async () => {
  const sale = await booked('sale-1');
  const again = await refusalOf(booked('sale-1'));
  const [line] = (await stripe.tax.transactions.retrieve(sale.id, { expand: ['line_items'] })).line_items?.data ?? [];
  const part = (amount: number, tax: number, reference: string) =>
    stripe.tax.transactions.createReversal({
      ...{ mode: 'partial', original_transaction: sale.id, reference },
      line_items: [{ original_line_item: line?.id ?? '', amount: -amount, amount_tax: -tax, reference }],
    });

  const reversal = await part(900, 171, 'refund-1');
  const tooMuch = await refusalOf(part(1_001, 190, 'refund-2'));
  await part(1_000, 190, 'refund-3');

  expect(again).toMatchObject({ code: 'resource_already_exists', param: 'reference' });
  expect(reversal).toMatchObject({ type: 'reversal', reversal: { original_transaction: sale.id } });
  expect(tooMuch.param).toBe('line_items[0][original_line_item]');
  expect(await reported()).toMatchObject({
    'sale-1': { type: 'transaction', net: 1_900, tax: 361 },
    'refund-1': { type: 'reversal', net: -900, tax: -171 },
    'refund-3': { type: 'reversal', net: -1_000, tax: -190 },
  });
});

test('a full reversal takes all back, and is not reversed itself', async () => {
  const sale = await booked('sale-2');

  const { id } = await stripe.tax.transactions.createReversal({
    ...{ mode: 'full', original_transaction: sale.id, reference: 'refund-4' },
  });
  const reversedAgain = await refusalOf(
    stripe.tax.transactions.createReversal({ mode: 'full', original_transaction: id, reference: 'refund-5' }),
  );

  expect(await reported()).toMatchObject({ 'refund-4': { net: -1_900, tax: -361 } });
  expect(reversedAgain.param).toBe('original_transaction');
});

// Last: it moves the clock.
test('a calculation is there for 90 days; what was booked from it stays', async () => {
  const { id, expires_at: expiresAt } = await calculate({ address: { country: 'DE' } });
  const sale = await booked('sale-3');
  await control(fake.url, 'clock', { advance_to: (expiresAt ?? 0) - 60 });
  const before = await stripe.tax.calculations.retrieve(id ?? '');

  await control(fake.url, 'clock', { advance_to: (expiresAt ?? 0) + 60 });
  const tooLate = await refusalOf(
    stripe.tax.transactions.createFromCalculation({ calculation: id ?? '', reference: 'sale-4' }),
  );

  expect(before.id).toBe(id);
  expect(tooLate).toMatchObject({ code: 'resource_missing', param: 'calculation' });
  expect((await stripe.tax.transactions.retrieve(sale.id)).reference).toBe('sale-3');
});
