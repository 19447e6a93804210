// Tax is calculated for an address, frozen in the calculation, and can be booked as a tax transaction until it expires.
import type Stripe from 'stripe';
import type { KeptCalculation } from '../state/tables.ts';
import { invalid, noSuch } from '../wire/refusals.ts';
import { type Route, route } from '../wire/route.ts';
import { newId, type World } from '../world.ts';
import { customerNamed } from './customers.ts';
import { type TaxRate, taxOn, taxRateOf, taxWithin } from './tax-rates.ts';

const READABLE_SECONDS = 90 * 24 * 60 * 60;

function create(world: World, params: Stripe.Tax.CalculationCreateParams): Stripe.Tax.Calculation {
  const id = newId('taxcalc');
  const { customer, details, rate } = placed(world, params);
  const lines = params.line_items.map((line, at) => lineOf(line, at, rate));
  if (new Set(lines.map(({ reference }) => reference)).size < lines.length) {
    throw invalid('Line item references must be unique.', { param: 'line_items' });
  }
  const sum = (behavior: string) => {
    const taxed = lines.filter((line) => line.tax_behavior === behavior);
    return taxed.reduce((total, line) => total + line.amount_tax, 0);
  };
  const exclusive = sum('exclusive');
  const calculation: KeptCalculation = {
    id,
    object: 'tax.calculation',
    amount_total: lines.reduce((total, line) => total + line.amount, 0) + exclusive,
    currency: params.currency,
    customer,
    customer_details: details,
    expires_at: world.nowSeconds() + READABLE_SECONDS,
    line_items: { object: 'list', data: lines, has_more: false, url: `/v1/tax/calculations/${id}/line_items` },
    livemode: false,
    ship_from_details: null,
    shipping_cost: null,
    tax_amount_exclusive: exclusive,
    tax_amount_inclusive: sum('inclusive'),
    tax_breakdown: breakdownOf(lines, details.address?.country ?? null, rate),
    tax_date: world.nowSeconds(),
  };
  world.store.put('tax_calculation', calculation);
  return calculation;
}

function placed(world: World, params: Stripe.Tax.CalculationCreateParams) {
  const customer = customerNamed(world, params.customer);
  const { tax_ids: taxIds = [], taxability_override: override = 'none', ...given } = params.customer_details ?? {};
  const address = given.address ?? customer?.address;
  if (address === undefined || address === null) throw notPlaced();
  const country = address.country ?? '';
  const postalCode = address.postal_code ?? null;
  const rate = taxRateOf(
    { country, postal_code: postalCode },
    { override, hasVatId: taxIds.some(({ type }) => type === 'eu_vat') },
  );
  if (rate === null) throw notPlaced();
  const shown = { city: null, line1: null, line2: null, postal_code: postalCode, state: null, ...address, country };
  const details: Stripe.Tax.Calculation.CustomerDetails = {
    address: shown,
    address_source: given.address_source ?? 'billing',
    ip_address: null,
    tax_ids: taxIds.map(({ type, value }) => ({ type, value })),
    taxability_override: override,
  };
  return { customer: customer?.id ?? null, details, rate };
}

function notPlaced() {
  return invalid(
    "We could not determine the customer's tax location based on the provided customer address. Please ensure the address is valid.",
    { code: 'customer_tax_location_invalid', param: 'customer_details[address]' },
  );
}

function lineOf(
  line: Stripe.Tax.CalculationCreateParams.LineItem,
  at: number,
  { ppm }: TaxRate,
): Stripe.Tax.CalculationLineItem {
  const { amount, quantity = 1, reference = `L${at + 1}`, tax_behavior: behavior = 'exclusive' } = line;
  const taxCode = line.tax_code ?? 'txcd_10000000';
  if (!/^txcd_\d{8}$/.test(taxCode)) throw noSuch('tax_code', taxCode, `line_items[${at}][tax_code]`);
  return {
    id: newId('tax_li'),
    object: 'tax.calculation_line_item',
    amount,
    amount_tax: behavior === 'exclusive' ? taxOn(amount, ppm) : taxWithin(amount, ppm),
    livemode: false,
    metadata: null,
    performance_location: null,
    product: null,
    quantity,
    reference,
    tax_behavior: behavior,
    tax_code: taxCode,
  };
}

function breakdownOf(
  lines: readonly Stripe.Tax.CalculationLineItem[],
  country: string | null,
  { ppm, reason }: TaxRate,
): Stripe.Tax.Calculation.TaxBreakdown[] {
  return [false, true].flatMap((inclusive) => {
    const taxed = lines.filter(({ tax_behavior: behavior }) => (behavior === 'inclusive') === inclusive);
    if (taxed.length === 0) return [];
    const amount = taxed.reduce((total, line) => total + line.amount_tax, 0);
    const gross = taxed.reduce((total, line) => total + line.amount, 0);
    return [
      {
        amount,
        inclusive,
        tax_rate_details: {
          country,
          flat_amount: null,
          percentage_decimal: String(ppm / 10_000),
          rate_type: ppm === 0 ? null : 'percentage',
          state: null,
          tax_type: ppm === 0 ? null : 'vat',
        },
        taxability_reason: reason,
        taxable_amount: ppm === 0 ? 0 : gross - (inclusive ? amount : 0),
      },
    ];
  });
}

/** One that has expired is not there any more. */
export function calculationNamed(world: World, id: string, param?: string): KeptCalculation {
  const calculation = world.store.get('tax_calculation', id);
  if (calculation === undefined || calculation.expires_at <= world.nowSeconds()) {
    throw noSuch('tax calculation', id, param);
  }
  return calculation;
}

function retrieve(world: World, _params: object, id: string): Stripe.Tax.Calculation {
  return calculationNamed(world, id);
}

export const TAX_CALCULATION_ROUTES: readonly Route[] = [
  route('POST /v1/tax/calculations', ['currency', 'customer', 'customer_details', 'line_items'], create),
  route('GET /v1/tax/calculations/{calculation}', [], retrieve),
];
