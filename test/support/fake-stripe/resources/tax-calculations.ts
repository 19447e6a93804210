// Tax at one fixed rate: enough to see that what was calculated is what is charged, not to know any country's law.
import type Stripe from 'stripe';
import { invalid } from '../wire/refusals.ts';
import { type Route, route } from '../wire/route.ts';
import { newId, type World } from '../world.ts';
import { customerNamed } from './customers.ts';

const RATE_PERCENT = 20;
const READABLE_SECONDS = 90 * 24 * 60 * 60;

/** On top of the amount, half a cent rounded up. */
export function taxOn(amount: number): number {
  return Math.floor((amount * RATE_PERCENT + 50) / 100);
}

/** The part of the amount that is tax. */
function taxWithin(amount: number): number {
  return Math.floor((2 * amount * RATE_PERCENT + 100 + RATE_PERCENT) / (2 * (100 + RATE_PERCENT)));
}

function create(world: World, params: Stripe.Tax.CalculationCreateParams): Stripe.Tax.Calculation {
  const id = newId('taxcalc');
  const lines = params.line_items.map((line, at) => lineOf(line, at));
  const sum = (behavior: string) => {
    const taxed = lines.filter((line) => line.tax_behavior === behavior);
    return taxed.reduce((total, line) => total + line.amount_tax, 0);
  };
  const exclusive = sum('exclusive');
  const customer = customerNamed(world, params.customer);
  const address = params.customer_details?.address ?? customer?.address;
  if (address === undefined || address === null) {
    throw invalid("The customer's location isn't recognized.", { code: 'customer_tax_location_invalid' });
  }
  const shown = { city: null, line1: null, line2: null, postal_code: null, state: null, ...address };
  const calculation: Stripe.Tax.Calculation & { id: string } = {
    id,
    object: 'tax.calculation',
    amount_total: lines.reduce((total, line) => total + line.amount, 0) + exclusive,
    currency: params.currency,
    customer: customer?.id ?? null,
    customer_details: {
      address: { ...shown, country: address.country ?? null },
      address_source: params.customer_details?.address_source ?? 'billing',
      ip_address: null,
      tax_ids: [],
      taxability_override: 'none',
    },
    expires_at: world.nowSeconds() + READABLE_SECONDS,
    line_items: { object: 'list', data: lines, has_more: false, url: `/v1/tax/calculations/${id}/line_items` },
    livemode: false,
    ship_from_details: null,
    shipping_cost: null,
    tax_amount_exclusive: exclusive,
    tax_amount_inclusive: sum('inclusive'),
    tax_breakdown: [],
    tax_date: world.nowSeconds(),
  };
  world.store.put('tax_calculation', calculation);
  return calculation;
}

function lineOf(line: Stripe.Tax.CalculationCreateParams.LineItem, at: number): Stripe.Tax.CalculationLineItem {
  const { amount, quantity = 1, reference = `L${at + 1}`, tax_behavior: behavior = 'exclusive' } = line;
  return {
    id: newId('tax_li'),
    object: 'tax.calculation_line_item',
    amount,
    amount_tax: behavior === 'exclusive' ? taxOn(amount) : taxWithin(amount),
    livemode: false,
    metadata: null,
    performance_location: null,
    product: null,
    quantity,
    reference,
    tax_behavior: behavior,
    tax_code: line.tax_code ?? 'txcd_10000000',
  };
}

export const TAX_CALCULATION_ROUTES: readonly Route[] = [
  route('POST /v1/tax/calculations', ['currency', 'customer', 'customer_details', 'line_items'], create),
];
